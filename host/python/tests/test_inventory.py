"""An inventory that is an object of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
import reprieve
from conftest import AT, ATLASSIAN, outcomes, request_of
from pyarrow import compute, csv

APPS = [{"id": f"app-{number}", "kind": "app", "tenant": f"t-{number % 7}", "environment": "staging"} for number in range(70)]
REQUEST = {**request_of(0), "targets": None}
POLICIES = ["identity", "mode", "blast-radius"]


class Service:
    """An inventory that is asked, and what it was asked for."""

    def __init__(self, rows: list[dict[str, Any]], form: Callable[[list[dict[str, Any]]], Any] = list) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.form = form
        self.asked: list[int] = []

    def records(self, ids: list[str]) -> Any:
        self.asked.append(len(ids))
        return self.form([self.rows[id] for id in ids if id in self.rows])

    def population(self, kinds: list[str]) -> dict[str, int]:
        return {kind: sum(row["kind"] == kind for row in self.rows.values()) for kind in kinds}

    def tenants(self) -> int:
        return len({row["tenant"] for row in self.rows.values()})

    def things(self, tenants: list[str]) -> dict[str, int]:
        return {tenant: sum(row["tenant"] == tenant for row in self.rows.values()) for tenant in tenants}


def table(rows: list[dict[str, Any]]) -> Any:
    return pa.Table.from_pylist(rows, schema=pa.schema({name: pa.string() for name in APPS[0]}))


@pytest.mark.parametrize("form", [list, table], ids=["dicts", "arrow"])
def test_an_object_decides_as_the_same_rows_do(form: Any) -> None:
    ids = [row["id"] for row in APPS[:5]] + ["app-unknown", "APP-6"]
    asked = reprieve.Gate(POLICIES, inventory=Service(APPS, form)).decide(REQUEST, targets=ids, at=AT)
    listed = reprieve.Gate(POLICIES, inventory=APPS).decide(REQUEST, targets=ids, at=AT)
    assert asked.findings and not asked.faults
    # A list also knows of ids that are nearly the same.
    assert [finding for finding in listed.findings if finding not in asked.findings and "near" not in finding.code] == []
    assert asked.document["tenants"] == listed.document["tenants"]


def test_it_is_asked_in_bulk_and_in_a_thread_without_the_gil() -> None:
    rows = [{"id": f"app-{number}", "kind": "app", "tenant": "t", "environment": "staging"} for number in range(100_000)]
    service, threads = Service(rows, table), set[int]()
    answer = service.records

    def records(ids: list[str]) -> Any:
        threads.add(threading.get_ident())
        return answer(ids)

    service.records = records  # type: ignore[method-assign]
    decision = reprieve.Gate(["mode"], inventory=service).decide(REQUEST, targets=[row["id"] for row in rows])
    assert decision.allowed and threading.get_ident() not in threads
    assert max(service.asked) <= 65_536 and sum(service.asked) >= 100_000 and len(service.asked) < 10


def test_the_answers_are_digested_and_recorded(recording: Any) -> None:
    _, ledger = recording

    def digest(service: Service) -> str:
        gate = reprieve.Gate(["mode"], inventory=service, ledger=ledger)
        with gate.vet(REQUEST, targets=["app-1", "app-2"]) as permit:
            permit.deleted(2)
        digest: str = permit.decision.document["inventory_sha256"]
        assert len(digest) == 64
        return digest

    changed = [{**row, "tenant": "other"} if row["id"] == "app-2" else row for row in APPS]
    elsewhere = [{**row, "state": "disabled"} if row["id"] == "app-9" else row for row in APPS]
    # The form of an answer does not matter, nor does what was not asked for.
    assert digest(Service(APPS)) == digest(Service(APPS, table)) == digest(Service(elsewhere))
    assert digest(Service(APPS)) != digest(Service(changed))
    assert [state for state, _ in outcomes(ledger)] == ["committed"] * 5


def test_each_decision_takes_one_snapshot() -> None:
    class Warehouse(Service):
        taken = 0

        def snapshot(self) -> Service:
            self.taken += 1
            return Service(APPS)

        def records(self, ids: list[str]) -> Any:
            raise AssertionError("the snapshot answers")

    warehouse = Warehouse(APPS)
    gate = reprieve.Gate(["mode"], inventory=warehouse)
    assert gate.decide(REQUEST, targets=["app-1"]).allowed and gate.decide(REQUEST, targets=["app-2"]).allowed
    assert warehouse.taken == 2


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        ("records", lambda ids: 1 / 0, "ZeroDivisionError"),
        ("records", lambda ids: None, "returned a NoneType"),
        ("records", lambda ids: "inventory.csv", "returned a str"),
        ("records", lambda ids: [{"kind": "app"}], "id"),
        ("records", lambda ids: [{"id": "app-1", "legal_hodl": True}], "did you mean `legal_hold`?"),
        ("records", lambda ids: [{"id": "app-1"}, {"id": "app-1"}], "duplicated"),
        ("records", lambda ids: pa.table({"name": ["app-1"]}), "id"),
        ("records", lambda ids: [{"id": id, "kind": "app", "pool": "p"} for id in ids], "no method `pools`"),
        ("population", lambda kinds: {}, "`population` returned nothing for `app`"),
        ("population", lambda kinds: {"app": -1}, "negative"),
        ("population", lambda kinds: {"app": "many"}, "TypeError"),
        ("things", lambda tenants: {}, "`things` returned nothing for `t-1`"),
        ("tenants", lambda: 1.5, "TypeError"),
    ],
)
def test_a_wrong_answer_is_undecided(name: str, answer: Any, message: str) -> None:
    service = Service(APPS)
    setattr(service, name, answer)
    with pytest.raises(reprieve.Undecided) as raised:
        reprieve.Gate(["mode"], inventory=service).vet(REQUEST, targets=["app-1"])
    assert message in str(raised.value)


def test_pools_are_asked_for() -> None:
    class Pools(Service):
        def pools(self, names: list[str]) -> dict[str, Any]:
            return {name: (10, 9) for name in names}

    gate = reprieve.Gate(["blast-radius"], inventory=Pools([{**row, "pool": "p", "state": "live"} for row in APPS]))
    decision = gate.decide(REQUEST, targets=["app-1", "app-2", "app-3"])
    (finding,) = (finding for finding in decision.findings if "pool" in finding.message)
    assert "7" in finding.message and "9" in finding.message


def test_a_missing_method_is_refused() -> None:
    class Half:
        def records(self, ids: list[str]) -> list[dict[str, Any]]:
            return []

    with pytest.raises(reprieve.GateError, match="no method `population`"):
        reprieve.Gate(["mode"], inventory=Half())  # type: ignore[arg-type]


def test_a_table_with_columns_of_these_names_is_a_table() -> None:
    import pandas as pd

    frame = pd.DataFrame({"id": ["app-1"], "kind": ["app"], "x_records": [1]})
    assert reprieve.Gate(["mode"], inventory=frame).decide(REQUEST, targets=["app-1"]).allowed


def test_the_atlassian_batch_is_denied_by_an_object() -> None:
    texts = csv.ConvertOptions(column_types={"state_since": pa.string(), "legal_hold": pa.string()})
    table = csv.read_csv(ATLASSIAN / "inventory.csv", convert_options=texts)

    class Warehouse:
        def records(self, ids: list[str]) -> Any:
            return table.filter(compute.is_in(table["id"], pa.array(ids)))

        def population(self, kinds: list[str]) -> dict[str, int]:
            return {kind: table["kind"].to_pylist().count(kind) for kind in kinds}

        def tenants(self) -> int:
            return len(table["tenant"].unique())

        def things(self, tenants: list[str]) -> dict[str, int]:
            owners = table["tenant"].to_pylist()
            return {tenant: owners.count(tenant) for tenant in tenants}

    with pytest.raises(reprieve.Denied) as raised:
        reprieve.Gate(inventory=Warehouse()).vet(ATLASSIAN / "request.json", at=AT)
    mismatch = next(finding for finding in raised.value.findings if finding.code == "identity/kind-mismatch")
    assert mismatch.rows == 883
    from_file = reprieve.Gate(inventory=ATLASSIAN / "inventory.csv").decide(ATLASSIAN / "request.json", at=AT)
    # A file also knows ids that are nearly the same.
    found = [finding for finding in raised.value.findings if finding.code != "identity/near-miss"]
    assert found == [finding for finding in from_file.findings if finding.code != "identity/near-miss"]
