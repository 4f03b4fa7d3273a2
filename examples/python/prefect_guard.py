"""A guard for Prefect: a task that vets a list and deletes exactly what was vetted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reprieve
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE


def is_worth_a_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Whether the same batch may be decided otherwise the next time."""
    return isinstance(state.result(raise_on_failure=False), reprieve.Undecided)


@task(retries=3, retry_delay_seconds=60, retry_condition_fn=is_worth_a_retry, cache_policy=NO_CACHE)
def guarded_delete(
    config: str,
    request: dict[str, Any],
    targets: list[dict[str, Any]],
    delete: Callable[[list[str]], int],
    size: int = 1000,
) -> int:
    """Deletes the targets, if the gate allows it. `delete` takes ids and returns how many it deleted.

    Raises:
        reprieve.NotAllowed: the batch must not run. Nothing was deleted.
    """
    log = get_run_logger()
    gate = reprieve.Gate.from_config(config)
    with gate.vet(request, targets=targets) as permit:
        log.info(permit.decision.summary())
        for ids in permit.batches(size):
            permit.deleted(delete(ids))
    return permit.deleted_so_far or 0
