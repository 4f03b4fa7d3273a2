"""The operator and the task decorator in a real Airflow, on SQLite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import reprieve
from conftest import ROOT, outcomes

EXAMPLE = ROOT / "examples" / "python" / "airflow_guard.py"
CASES = Path(__file__).with_name("airflow_cases.py")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of an Airflow with both DAGs and an empty database."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    for dag in (EXAMPLE, CASES):
        shutil.copy(dag, home / "dags")
    (home / "reprieve.toml").write_text('ledger = "example.db"\n[[policy]]\nuse = "builtin:mode"\n')
    reprieve.create_ledger(home / "example.db")
    reprieve.create_ledger(home / "cases.db")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "NO_COLOR": "1",
        "PYTHONPATH": str(Path(__file__).parent),
        "REPRIEVE_CONFIG": str(home / "reprieve.toml"),
        "TEST_LEDGER": str(home / "cases.db"),
    }
    run([sys.executable, "-m", "airflow", "db", "migrate"], environment)
    return environment


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    return done.stdout + done.stderr


def test_the_example_deletes_what_was_vetted(airflow: dict[str, str]) -> None:
    home = Path(airflow["AIRFLOW_HOME"])
    log = run([sys.executable, str(home / "dags" / EXAMPLE.name)], airflow)
    for ids in (["app-0", "app-1"], ["app-2", "app-3"], ["app-4"]):
        assert f"deleting {ids}" in log
    assert "5 of 5 targets were deleted" in log
    assert outcomes(home / "example.db") == [("committed", 5)]


def test_every_verdict(airflow: dict[str, str]) -> None:
    home = Path(airflow["AIRFLOW_HOME"])
    log = run([sys.executable, str(home / "dags" / CASES.name)], airflow)
    lines = (line.removeprefix("RESULT ") for line in log.splitlines() if line.startswith("RESULT "))
    results: dict[str, dict[str, Any]] = {(result := json.loads(line))["task"]: result for line in lines}

    def of(task: str) -> tuple[Any, ...]:
        result = results[task]
        return result["state"], result["tries"], result["verdict"], result["returned"], result["calls"]

    ids = [f"app-{number}" for number in range(5)]
    batches = [ids[:2], ids[2:4], ids[4:]]
    assert of("templated") == ("success", 1, "allow", 5, batches)
    assert results["templated"]["request"].startswith("templated/manual__")
    assert of("decorated") == ("success", 1, "allow", 5, [["x", *ids[:3]], ["x", *ids[3:]]])
    # Only what is undecided is tried again.
    assert of("denied") == ("failed", 1, "deny", None, [])
    assert of("wrong") == ("failed", 1, None, None, [])
    assert of("without_gate") == ("failed", 1, None, None, [])
    assert of("undecided") == ("failed", 2, "undecided", None, [])
    assert of("failing") == ("failed", 1, "allow", None, batches[:2])
    assert of("deleting_more") == ("failed", 1, "allow", None, batches[:1])
    # The last two deleted 4 of 5 at the most, and more than was vetted.
    found = sorted(outcomes(home / "cases.db"), key=str)
    assert found == [("committed", 4), ("committed", 5), ("committed", 5), ("none", None), ("none", None), ("none", None), ("open", None)]
    assert "the service is down" in log and "deny denied: 5 targets of 1 tenants" in log


def test_airflow_knows_the_provider(airflow: dict[str, str]) -> None:
    providers = json.loads(run([sys.executable, "-m", "airflow", "providers", "list", "--output", "json"], airflow).splitlines()[-1])
    assert any(provider["package_name"] == "reprieve" for provider in providers)
