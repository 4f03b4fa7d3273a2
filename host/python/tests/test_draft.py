"""Drafted requests, and overrides."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import reprieve
from conftest import ROOT, outcomes

ROWS = [{"id": f"app-{number}", "kind": "app", "tenant": "t"} for number in range(3)]


@pytest.fixture(autouse=True)
def at_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts name the run of continuous integration, which the tests may be in."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "ATLANTIS_TERRAFORM_VERSION"):
        monkeypatch.delenv(name, raising=False)


def test_a_draft_has_what_is_known_and_asks_for_the_rest() -> None:
    said = {"reason.ticket": "CHG-17", "operation.verb": "delete"}
    request = reprieve.draft(ROWS, mode="soft", environment="staging", set=said)
    assert list(request)[:4] == ["id", "mode", "environment", "target_kind"]
    assert (request["target_kind"], request["provenance"]["row_count"]) == ("app", 3)
    assert request["provenance"]["sha256"] == reprieve.targets_sha256(ROWS)
    assert request["id"] == f"targets/{reprieve.targets_sha256(ROWS)[:8]}"
    assert request["reason"] == {"text": None, "ticket": "CHG-17", "trigger": None, "trigger_source": None}
    assert "targets" not in request and request["dry_run"] is None
    request["recovery"]["soft_delete_days"] = 30
    request["operation"]["cascade"] = False
    assert len(reprieve.Gate(["mode"]).vet(request, targets=ROWS)) == 3


def test_a_draft_for_a_table_and_a_file(tmp_path: Path) -> None:
    table = pa.table({"app": ["a", "b"], "kind": ["app", "site"], "environment": ["staging", "staging"]})
    request = reprieve.draft(table, mode="hard", columns={"id": "app"})
    assert request["target_kinds"] == {"app": 1, "site": 1} and request["environment"] == "staging"
    path = tmp_path / "old-apps.csv"
    path.write_text("id,kind\na,app\n")
    request = reprieve.draft(path, mode="soft", environment="staging", id="old-apps/7")
    assert (request["id"], request["provenance"]["source"]) == ("old-apps/7", "file old-apps.csv")


def test_a_draft_for_a_file_of_another_tool() -> None:
    for plan in sorted((ROOT / "host/readers/tests/data/terraform").rglob("*.json")):
        try:
            reading = reprieve.read("terraform", plan)
        except reprieve.RequestError:
            continue
        if len({item["kind"] for item in reading.items}) == 1:
            break
    request = reprieve.draft(reading, environment="production")
    assert request["mode"] == "hard" and request["operation"]["by"] == "ids"
    assert request["provenance"]["source_sha256"] == reading.sha256
    assert request["provenance"]["source"].endswith(plan.name) and request["id"].startswith(plan.name)
    assert reprieve.Gate(["mode"]).decide(request, targets=reading.items).targets == len(reading.items)


@pytest.mark.parametrize(
    ("targets", "arguments", "message"),
    [
        (ROWS, {"environment": "staging"}, 'mode="soft"'),
        (ROWS, {"mode": "softly"}, "no mode `softly`"),
        (ROWS, {"mode": "soft"}, 'environment="production"'),
        (["a"], {"mode": "soft", "environment": "staging"}, "of what kind 1 of 1 targets are"),
        ([*ROWS, {"id": "x", "kind": "site"}], {"mode": "soft", "environment": "s", "kind": "app"}, "leave `kind` out"),
        ("nowhere.csv", {"mode": "soft", "environment": "staging"}, "nowhere.csv: there is no such file"),
        ([{"id": "a", "created_at": "soon"}], {"mode": "soft", "environment": "staging"}, "<targets>"),
    ],
)
def test_what_a_draft_cannot_know_is_named(targets: Any, arguments: Any, message: str) -> None:
    with pytest.raises(reprieve.RequestError) as raised:
        reprieve.draft(targets, **arguments)
    assert message in str(raised.value)


@pytest.mark.skipif("REPRIEVE_TEST_OVERRIDE" not in os.environ, reason="nobody signed an override")
def test_an_override_lifts_findings_once(tmp_path: Path) -> None:
    folder = Path(os.environ["REPRIEVE_TEST_OVERRIDE"])
    request = folder / "request.json"
    ledger = tmp_path / "ledger.db"
    reprieve.create_ledger(ledger)
    with pytest.raises(reprieve.RequestError, match="only a ledger can ensure"):
        reprieve.Gate.from_config(folder / "reprieve.toml").vet(request, override=folder / "override.json")
    gate = reprieve.Gate.from_config(folder / "reprieve.toml", ledger=ledger)
    with pytest.raises(reprieve.Denied) as raised:
        gate.vet(request)
    codes = {finding.code for finding in raised.value.findings if finding.denies}
    assert "mode/soft-delete-first" in codes
    with gate.vet(request, override=folder / "override.json") as permit:
        permit.deleted(1)
    assert all(finding.lifted for finding in permit.decision.findings if finding.code in codes)
    with pytest.raises(reprieve.NotAllowed):
        gate.vet(request, override=folder / "override.json")
    assert [state for state, _ in outcomes(ledger)] == ["none", "committed", "none"]
    half = tmp_path / "half.json"
    half.write_text(json.dumps({"signatures": json.loads((folder / "override.json").read_text())["signatures"][:1]}))
    with pytest.raises(reprieve.RequestError, match="have another person sign it"):
        gate.vet(request, override=half)
