"""What Airflow asks an installed package for."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The metadata of the provider: it adds ``@task.reprieve``."""
    return {
        "package-name": "reprieve",
        "name": "Reprieve",
        "description": "Vets deletion batches before anything is deleted.",
        "task-decorators": [{"name": "reprieve", "class-name": "reprieve.airflow.reprieve_task"}],
    }
