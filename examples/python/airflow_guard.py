"""A guard for Airflow: a task lists, and a task vets the list and deletes exactly what was vetted."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import dag, task

CONFIG = os.environ.get("REPRIEVE_CONFIG", "/opt/airflow/reprieve.toml")
REQUEST = {
    "id": "old-apps/{{ run_id }}",
    "mode": "soft",
    "environment": "staging",
    "target_kind": "app",
    "operation": {"verb": "delete", "cascade": False},
    "recovery": {"soft_delete_days": 30},
    "actor": {"type": "automation", "id": "airflow"},
}


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def old_apps() -> None:
    """Deletes the apps that nobody used."""

    @task
    def list_old_apps() -> list[dict[str, Any]]:
        return [{"id": f"app-{number}", "kind": "app", "tenant": "acme"} for number in range(5)]

    @task.reprieve(gate=CONFIG, request=REQUEST, batch_size=2, retries=3, retry_delay=timedelta(minutes=5))
    def delete_apps(ids: list[str]) -> int:
        print("deleting", ids)
        return len(ids)

    delete_apps(list_old_apps())


the_dag = old_apps()

if __name__ == "__main__":
    the_dag.test()
