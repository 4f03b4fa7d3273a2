"""The gate in Airflow 3: an operator and a task decorator that delete exactly what was vetted.

Only this module needs Airflow::

    @task.reprieve(gate="/opt/airflow/reprieve.toml", request=REQUEST, retries=3)
    def delete_apps(ids: list[str]) -> int:      # one call for each batch of vetted ids
        return api.delete(ids)

    delete_apps(list_old_apps())                 # the targets, from an earlier task

Vetting and deleting are one task, because a permit stays in the process that vetted the batch.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ._convert import Request, Targets
from ._decision import Decision
from ._errors import GateError, LedgerError, NotAllowed, PermitError, RequestError, Undecided
from ._gate import Gate
from ._permit import Permit

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ReprieveOperator", "reprieve_task"]

DECISION_KEY = "decision"
"""The key of the XCom that has the decision as a dict, whatever it is."""


class ReprieveOperator(BaseOperator):
    """Vets a batch, and deletes its targets if the gate allows it.

    The decision is written to the log and to the XCom ``decision``; the result of the task is the number of deleted targets.

    - A batch that is denied, and a request or a gate that is wrong, fail the task at once, whatever ``retries`` says.
    - A batch that is undecided, and a ledger that cannot be reached, fail the attempt, and Airflow retries it.
    - If ``delete`` raises, the batch is recorded as failed, with the ids of that call counted as deleted. An attempt that is
      killed leaves its batch open: it counts in full until ``reprieve commit`` records its outcome.

    Args:
        gate: the path of a ``reprieve.toml`` on the worker, or a function that makes a ``Gate``. A gate does not cross a fork,
            so it is made in the task.
        request: as for ``Gate.vet``. Templated: a dict may have ``{{ run_id }}`` in it.
        delete: is called with each batch of vetted ids. It returns how many it deleted; None counts all of them.
        targets: as for ``Gate.vet``. Templated, so it may be the output of an earlier task.
        columns: as for ``Gate.vet``.
        batch_size: the maximum number of ids of a call.
    """

    template_fields: Any = ("request", "targets")
    template_fields_renderers: ClassVar[dict[str, str]] = {"request": "json", "targets": "json"}
    shallow_copy_attrs: Any = ("gate", "delete")
    ui_color = "#f6d8d5"

    def __init__(
        self,
        *,
        gate: str | os.PathLike[str] | Callable[[], Gate],
        request: Request,
        delete: Callable[..., int | None],
        targets: Targets | None = None,
        columns: Mapping[str, str | list[str]] | None = None,
        batch_size: int = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gate = gate
        self.request = request
        self.delete = delete
        self.targets = targets
        self.columns = columns
        self.batch_size = batch_size

    def execute(self, context: Context) -> Any:
        """Vets and deletes."""
        permit = self._vet(context)
        try:
            for ids in permit.batches(self.batch_size):
                permit.deleted(self._deleted(permit, ids))
            permit.commit()
        except (PermitError, LedgerError) as error:
            # Another attempt would delete again.
            self.log.error("%s", permit._left_open())
            raise AirflowFailException(str(error)) from error
        total = permit.deleted_so_far or 0
        self.log.info("%d of %d targets were deleted", total, len(permit))
        return total

    def _deleted(self, permit: Permit, ids: list[str]) -> int:
        try:
            deleted = self._delete(ids)
        except Exception as error:
            at_most = (permit.deleted_so_far or 0) + len(ids)
            self.log.error("the deletion failed after at most %d of %d targets", at_most, len(permit))
            permit.commit(at_most, succeeded=False, note=f"Airflow: {type(error).__name__}")
            raise
        return len(ids) if deleted is None else deleted

    def _vet(self, context: Context) -> Permit:
        try:
            gate = self.gate() if callable(self.gate) else Gate.from_config(Path(self.gate))
            permit = gate.vet(self.request, self._vetted_targets(), columns=self.columns)
        except NotAllowed as refused:
            self._report(refused.decision, context)
            kind = AirflowException if isinstance(refused, Undecided) else AirflowFailException
            raise kind(str(refused)) from refused
        except (RequestError, GateError, PermitError) as error:
            raise AirflowFailException(str(error)) from error
        except LedgerError as error:
            raise AirflowException(str(error)) from error
        self._report(permit.decision, context)
        return permit

    def _report(self, decision: Decision, context: Context) -> None:
        for line in decision.summary().splitlines():
            self.log.info("%s", line)
        ti: Any = context.get("ti")
        ti.xcom_push(key=DECISION_KEY, value=decision.document)

    def _vetted_targets(self) -> Targets | None:
        return self.targets

    def _delete(self, ids: list[str]) -> int | None:
        return self.delete(ids)


class _ReprieveTask(DecoratedOperator, ReprieveOperator):
    """A function as a ``ReprieveOperator``. Its first argument is the targets in the DAG, and the vetted ids when it runs."""

    custom_operator_name: str = "@task.reprieve"
    template_fields: Any = ("op_args", "op_kwargs", "request")
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py", "request": "json"}
    shallow_copy_attrs: Any = ("gate", "delete", "python_callable")

    def __init__(
        self,
        *,
        python_callable: Callable[..., int | None],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            kwargs_to_upstream={"delete": python_callable},
            **kwargs,
        )

    def _arguments(self) -> inspect.BoundArguments:
        return inspect.signature(self.python_callable).bind(*self.op_args, **self.op_kwargs)

    def _first(self) -> str:
        """The name of the first parameter."""
        return next(iter(inspect.signature(self.python_callable).parameters))

    def _vetted_targets(self) -> Targets | None:
        return self._arguments().arguments.get(self._first())

    def _delete(self, ids: list[str]) -> int | None:
        arguments = self._arguments()
        arguments.arguments[self._first()] = ids
        return self.delete(*arguments.args, **arguments.kwargs)


def reprieve_task(python_callable: Callable[..., int | None] | None = None, **kwargs: Any) -> Any:
    """Makes a function that deletes ids a task that vets them first; also ``@task.reprieve``.

    In the DAG the function is called with the targets: a path, a list of ids or of dicts, or the output of an earlier task.
    When the task runs, the function is called with lists of vetted ids in their place, and with its other arguments as they
    are. The keyword arguments are those of ``ReprieveOperator`` and of every operator.
    """
    return task_decorator_factory(python_callable, decorated_operator_class=_ReprieveTask, **kwargs)
