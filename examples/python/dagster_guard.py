"""A guard for Dagster: an asset that lists, and an op of a job that vets the list and deletes exactly what was vetted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import reprieve


class ReprieveGate(dg.ConfigurableResource[Any]):
    """The gate. It is made in the process of each step, because it does not cross a fork."""

    config: str
    """The path of a `reprieve.toml`."""

    def vet(self, request: dict[str, Any], targets: list[dict[str, Any]]) -> reprieve.Permit:
        """Vets a batch. Dagster retries what is undecided, and nothing else, by the retry policy of the op."""
        try:
            return reprieve.Gate.from_config(self.config).vet(request, targets=targets)
        except (reprieve.Undecided, reprieve.LedgerError) as error:
            raise dg.Failure(str(error), allow_retries=True) from error
        except reprieve.NotAllowed as error:
            codes = [finding.code for finding in error.findings if finding.denies]
            raise dg.Failure(str(error), metadata={"codes": codes}, allow_retries=False) from error
        except reprieve.ReprieveError as error:
            raise dg.Failure(str(error), allow_retries=False) from error


def guarded_delete(
    context: dg.OpExecutionContext,
    gate: ReprieveGate,
    request: dict[str, Any],
    targets: list[dict[str, Any]],
    delete: Callable[[list[str]], int],
    size: int = 1000,
) -> int:
    """Deletes the targets, if the gate allows it. `delete` takes ids and returns how many it deleted."""
    with gate.vet({**request, "id": f"{request['id']}/{context.run_id}"}, targets) as permit:
        context.add_output_metadata({"decision": dg.MetadataValue.json(permit.decision.document)})
        for ids in permit.batches(size):
            permit.deleted(delete(ids))
    return permit.deleted_so_far or 0
