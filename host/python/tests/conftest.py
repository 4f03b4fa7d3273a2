"""What the tests share: the Atlassian batch, its corrected twin, and a gate that allows small batches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reprieve

ROOT = Path(__file__).resolve().parents[3]
ATLASSIAN = ROOT / "tests" / "incidents" / "i01-atlassian"
AT = "2022-04-05T07:38:00Z"
"""When the Atlassian batch was submitted."""
TWIN_AT = "2022-04-05T10:00:00Z"


@pytest.fixture(scope="session")
def gate() -> reprieve.Gate:
    """Every built-in policy, with the inventory of the Atlassian batch."""
    return reprieve.Gate(inventory=ATLASSIAN / "inventory.csv")


@pytest.fixture
def recording(tmp_path: Path) -> tuple[reprieve.Gate, Path]:
    """A gate that allows every soft deletion and records it, and its ledger."""
    ledger = tmp_path / "ledger.db"
    reprieve.create_ledger(ledger)
    return reprieve.Gate(policies=["mode"], ledger=ledger), ledger


def request_of(count: int, id: str = "batch-1") -> dict[str, Any]:
    """A request that the policy `mode` allows."""
    return {
        "id": id,
        "mode": "soft",
        "environment": "staging",
        "target_kind": "app",
        "operation": {"verb": "delete", "cascade": False},
        "recovery": {"soft_delete_days": 30},
        "targets": [{"id": f"app-{number}", "kind": "app", "tenant": "t"} for number in range(count)],
    }


@pytest.fixture
def request_for() -> Callable[..., dict[str, Any]]:
    return request_of


def outcomes(ledger: Path) -> list[tuple[str, int | None]]:
    """The state and the number of deleted targets of every recorded decision."""
    # In another process: two copies of SQLite in one process do not see each other's locks.
    script = """
import json, sqlite3, sys
print(json.dumps(list(sqlite3.connect(sys.argv[1]).execute("SELECT state, deleted FROM decisions ORDER BY entry"))))
"""
    run = subprocess.run([sys.executable, "-c", script, str(ledger)], capture_output=True, text=True, check=True)
    return [(state, deleted) for state, deleted in json.loads(run.stdout)]


def atlassian() -> dict[str, Any]:
    """The request of the Atlassian batch as a dict, without its list and what names the digest of it."""
    request: dict[str, Any] = json.loads((ATLASSIAN / "request.json").read_text())
    del request["targets"], request["provenance"]["sha256"]
    return request
