"""Past deletions that the program knows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import reprieve
from conftest import request_of

AT = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
REQUEST = {**request_of(3), "actor": {"type": "automation", "id": "janitor"}}
POLICIES = [{"use": "builtin:timing", "settings": {"tenants_a_day_soft": 5}}]


def past(hours: int, tenants: int, **changes: Any) -> dict[str, Any]:
    batch = {"mode": "soft", "environment": "staging", "kind": "app", "targets": 3, "tenants": tenants}
    return {"at": AT - timedelta(hours=hours), **batch, **changes}


def decide(history: Any) -> reprieve.Decision:
    return reprieve.Gate(POLICIES, history=history).decide(REQUEST, at=AT)


def test_batches_in_any_form_count(tmp_path: Path) -> None:
    little, much = [past(2, 2), past(30, 100)], [past(2, 2), past(5, 4)]
    file = tmp_path / "history.json"
    for batches, allowed in ((little, True), (much, False)):
        file.write_text(json.dumps(batches, default=datetime.isoformat))
        for history in (batches, lambda question, batches=batches: batches):
            decision = decide(history)
            assert decision.allowed == allowed, decision.summary()
        assert decide(file).allowed == decide(str(file)).allowed == allowed


def test_a_function_is_asked_once_with_what_counts() -> None:
    asked: list[dict[str, Any]] = []

    def history(question: dict[str, Any]) -> list[dict[str, Any]]:
        asked.append(question)
        return []

    assert decide(history).allowed
    assert asked == [
        {
            "mode": "soft",
            "environment": "staging",
            "kind": "app",
            "actor": "janitor",
            "campaign": None,
            "since": "2026-02-02T12:00:00Z",
            "until": "2026-03-04T12:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda question: 1 / 0, "ZeroDivisionError"),
        (lambda question: None, "a history is not a NoneType"),
        (lambda question: [{"at": AT}], "missing field"),
        (lambda question: [past(1, 1, targts=3)], "unknown field"),
    ],
)
def test_a_wrong_answer_is_undecided(answer: Any, message: str) -> None:
    decision = decide(answer)
    assert decision.verdict == "undecided" and message in str(decision.faults[0])


def test_a_wrong_list_makes_no_gate(tmp_path: Path) -> None:
    for history in ([{"at": AT}], [past(1, 1, at=datetime(2026, 1, 1))], {"at": AT}):
        with pytest.raises(reprieve.GateError, match="<history>"):
            decide(history)
    with pytest.raises(reprieve.GateError, match="there is no such file"):
        decide(tmp_path / "nowhere.json")
    reprieve.create_ledger(tmp_path / "ledger.db")
    with pytest.raises(reprieve.GateError, match="a ledger has its own history"):
        reprieve.Gate(POLICIES, history=[], ledger=tmp_path / "ledger.db")
