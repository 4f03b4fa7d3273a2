"""A DAG whose tasks are allowed, denied, undecided, and failing. `test_airflow.py` runs it in an Airflow of its own."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

import reprieve
from airflow.sdk import dag
from conftest import request_of
from reprieve.airflow import ReprieveOperator, reprieve_task

LEDGER = os.environ["TEST_LEDGER"]
IDS = [f"app-{number}" for number in range(5)]
CALLS: dict[str, list[list[str]]] = {}


def gate() -> reprieve.Gate:
    return reprieve.Gate(["mode"], ledger=LEDGER)


class Unreachable:
    """An inventory that does not answer."""

    def records(self, ids: list[str]) -> list[dict[str, Any]]:
        raise ConnectionError("the service is down")

    def population(self, kinds: list[str]) -> dict[str, int]:
        return {}

    def tenants(self) -> int:
        return 0


def gate_without_answer() -> reprieve.Gate:
    return reprieve.Gate(["mode"], inventory=Unreachable(), ledger=LEDGER)


def delete(name: str, result: Any) -> Any:
    def call(ids: list[str]) -> Any:
        CALLS.setdefault(name, []).append(ids)
        return result(len(CALLS[name]))

    return call


def fail_the_second_time(call: int) -> int:
    if call == 2:
        raise ConnectionError("the network is down")
    return 2


def request(id: str, **changes: Any) -> dict[str, Any]:
    return {**request_of(0, id), "targets": None, **changes}


@dag(schedule=None, start_date=datetime(2026, 1, 1), default_args={"retry_delay": timedelta(0)})
def cases() -> None:
    def operator(name: str, result: Any, retries: int = 1, **changes: Any) -> None:
        arguments = {
            "gate": gate,
            "request": request(name),
            "targets": [{"id": id, "kind": "app", "tenant": "t"} for id in IDS],
            "delete": delete(name, result),
            "batch_size": 2,
            **changes,
        }
        ReprieveOperator(task_id=name, retries=retries, **arguments)

    operator("templated", lambda call: None, request=request("templated/{{ run_id }}"))
    operator("denied", lambda call: 2, request=request("denied", mode="hard"))
    operator("wrong", lambda call: 2, request={"id": "wrong"})
    operator("without_gate", lambda call: 2, gate="nowhere/reprieve.toml")
    operator("undecided", lambda call: 2, gate=gate_without_answer)
    operator("failing", fail_the_second_time, retries=0)
    operator("deleting_more", lambda call: 100)

    @reprieve_task(gate=gate, request=request("decorated"), batch_size=3)
    def decorated(ids: list[str], *, note: str) -> int:
        CALLS.setdefault("decorated", []).append([note, *ids])
        return len(ids)

    decorated(IDS, note="x")


the_dag = cases()

if __name__ == "__main__":
    run = the_dag.test()
    print()
    for ti in run.get_task_instances():
        decision = ti.xcom_pull(task_ids=ti.task_id, key="decision")
        shown = {
            "task": ti.task_id,
            "state": str(ti.state),
            "tries": ti.try_number,
            "verdict": decision and decision["decision"],
            "request": decision and decision["request"],
            "returned": ti.xcom_pull(task_ids=ti.task_id),
            "calls": CALLS.get(ti.task_id, []),
        }
        print("RESULT", json.dumps(shown))
