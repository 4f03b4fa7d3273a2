"""Bad input: the exception says what is wrong, where, and what to do. Nothing is guessed."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import reprieve
from conftest import request_of

REQUESTS: list[tuple[Any, str]] = [
    ("", "the request is empty"),
    ("missing.json", "missing.json: there is no such file"),
    (Path("missing.json"), "missing.json: there is no such file"),
    ("{", "<request>:1: "),
    ("[]", "expected a request, found a list"),
    (b"\xff", "byte 0 is not UTF-8"),
    ({}, "<request>:1: "),
    (None, "a request is not a NoneType"),
    (7, "help: pass a path, JSON text or a dict"),
    ({**request_of(1), "freez": True}, "freez"),
    ({**request_of(1), "mode": "sof"}, "`/mode`"),
    ({**request_of(1), "annotations": {"a": [1, {"b": math.nan}]}}, "<request>:`/annotations/a/1/b`: "),
    ({**request_of(1), "annotations": {"a": object()}}, "a object has no form in JSON"),
    ({**request_of(1), "annotations": {"a": "\ud800"}}, "surrogate"),
    ({**request_of(1), "schedule": {"expires_at": datetime(2026, 1, 1)}}, "`/schedule/expires_at`: the time has no zone"),
    ({name: value for name, value in request_of(1).items() if name != "targets"}, "there is no `targets`"),
    ({**request_of(1), "targets": {"path": "../outside.csv"}}, "leaves its folder"),
]


@pytest.mark.parametrize(("request_document", "message"), REQUESTS)
def test_bad_requests(request_document: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(reprieve.RequestError) as raised:
        reprieve.Gate(["mode"]).vet(request_document)
    assert message in str(raised.value)
    assert isinstance(raised.value, ValueError) and isinstance(raised.value, reprieve.ReprieveError)


CYCLE: dict[str, Any] = {"id": "a"}
CYCLE["x_self"] = CYCLE

def not_text() -> pa.Table:
    """A table whose id is not UTF-8, as a faulty program may make it."""
    offsets = pa.array([0, 1], pa.int32()).buffers()[1]
    return pa.table({"id": pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff")])})


TARGETS: list[tuple[Any, str]] = [
    ("missing.csv", "missing.csv: there is no such file"),
    (7, "a list of targets is not a int"),
    ({"id": "a"}, "a list of targets is not a dict"),
    ({"a", "b"}, "a list of targets is not a set"),
    ((row for row in [{"id": "a"}]), "a list of targets is not a generator"),
    ([{"id": "a"}, 7], "<targets>:`/1`: a target is not a int"),
    ([{"id": "a"}, None], "<targets>:`/1`: "),
    ([{"id": "a"}, {"id": b"b"}], "<targets>:`/1/id`: "),
    ([{"id": "a"}, {"id": "b", "size_bytes": math.inf}], "<targets>:`/1/size_bytes`: "),
    ([CYCLE], "nested too deep"),
    ([{"id": "a"}, {"kind": "app"}, {"id": "a", "kind": {}}], "<targets>:3"),
    (pa.table({"name": ["a"]}), "there is no column `id`"),
    (pa.table({"id": [1.5]}), "<targets>: "),
    (pa.table({"id": [["a"]]}), "<targets>: "),
    (pa.table({"id": ["a"], "created_at": [1]}), "created_at"),
    (pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"]), "id"),
    (not_text(), "<targets>: it cannot be decoded"),
    (pa.table({"id": ["a"], "kind": pa.array([pa.scalar(1, pa.int8())]).cast(pa.decimal128(5))}), "the column `kind`"),
    (pa.chunked_array([["a", "b"]]), "the targets cannot be read as an Arrow table"),
    (pd.DataFrame({"id": [1.0, math.nan]}), "<targets>: "),
    (pd.Series(["a"]), "cannot be read as an Arrow table"),
]


@pytest.mark.parametrize(("targets", "message"), TARGETS, ids=lambda value: type(value).__name__)
def test_bad_targets(targets: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(reprieve.RequestError) as raised:
        reprieve.Gate(["mode"]).vet({**request_of(0), "targets": None}, targets=targets)
    assert message in str(raised.value), str(raised.value)


def test_a_stream_that_fails_is_not_a_shorter_list() -> None:
    def batches() -> Iterator[Any]:
        yield pa.record_batch({"id": ["a"]})
        raise OSError("the warehouse went away")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.string()}), batches())
    with pytest.raises(reprieve.RequestError, match="the warehouse went away"):
        reprieve.Gate(["mode"]).vet({**request_of(0), "targets": None}, targets=reader)


def test_a_stream_is_read_by_one_thread() -> None:
    threads: set[int] = set()

    def batches() -> Iterator[Any]:  # as one that reads from a connection, which belongs to a thread
        for number in range(200):
            threads.add(threading.get_ident())
            yield pa.record_batch({"id": [f"{number}-{row}" for row in range(1000)]})

    reader = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.string()}), batches())
    gate = reprieve.Gate(["mode"], threads=4)
    assert len(gate.vet({**request_of(0), "targets": None}, targets=reader)) == 200_000
    assert len(threads) == 1


@pytest.mark.parametrize("targets", [[], pa.table({"id": pa.array([], pa.string())})])
def test_an_empty_list_is_not_allowed(targets: Any) -> None:
    with pytest.raises((reprieve.NotAllowed, reprieve.RequestError)):
        reprieve.Gate().vet({**request_of(0), "targets": None}, targets=targets)


GATES: list[tuple[dict[str, Any], str]] = [
    ({"policies": ["identiy"]}, "did you mean `builtin:identity`"),
    ({"policies": [{"use": "builtin:mode", "settngs": {}}]}, "policies, at `policy[0]"),
    ({"policies": [{"use": "builtin:mode", "settings": {"nothing": 1}}]}, "there is no such setting"),
    ({"policies": [7]}, "policies, at `policy[0]`"),
    ({"policies": "mode"}, "`policies` is text"),
    ({"policies": {"polcy": []}}, "polcy"),
    ({"policies": ["mode", "mode"]}, "two policies of the set have the name"),
    ({"policies": ["mode"], "inventory": "missing.csv"}, "missing.csv: there is no such file"),
    ({"policies": ["mode"], "inventory": [{"nothing": 1}]}, "id"),
    ({"policies": {"ledger": "missing.db", "policy": [{"use": "builtin:mode"}]}}, "missing.db"),
]


@pytest.mark.parametrize(("arguments", "message"), GATES)
def test_bad_gates(arguments: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((reprieve.GateError, reprieve.LedgerError)) as raised:
        reprieve.Gate(**arguments)
    assert message in str(raised.value), str(raised.value)


def test_bad_configs(tmp_path: Path) -> None:
    config = tmp_path / "reprieve.toml"
    with pytest.raises(reprieve.GateError, match="there is no such file"):
        reprieve.Gate.from_config(config)
    config.write_text('[[policy]]\nuse = "builtin:mode"\nenforced = false\n')
    with pytest.raises(reprieve.GateError) as raised:
        reprieve.Gate.from_config(config)
    assert (raised.value.place, raised.value.help) == ("3", "did you mean `enforce`?")
    config.write_text('ledger = "ledger.db"\n[[policy]]\nuse = "builtin:mode"\n')
    with pytest.raises(reprieve.LedgerError, match="ledger.db"):
        reprieve.Gate.from_config(config)


def test_ledgers_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(reprieve.LedgerError):
        reprieve.Gate(["mode"], ledger=tmp_path / "ledger.db")
    reprieve.create_ledger(tmp_path / "ledger.db")
    with pytest.raises(reprieve.LedgerError):
        reprieve.create_ledger(tmp_path / "ledger.db")


def test_times_need_a_zone() -> None:
    gate = reprieve.Gate(["mode"])
    for at in ("yesterday", datetime(2026, 1, 1)):
        with pytest.raises(reprieve.RequestError, match="at"):
            gate.vet(request_of(1), at=at)


HOSTILE = "app-\x1b[31m<script>alert(1)</script>\u202egnp.exe\n\"'&"


def test_hostile_text_is_shown_harmlessly() -> None:
    request = {**request_of(0), "id": f"{HOSTILE}".replace("\x1b", "").replace("\n", ""), "target_kind": "site"}
    request["targets"] = [{"id": HOSTILE, "kind": "app"}, {"id": HOSTILE, "kind": "app"}]
    gate = reprieve.Gate(["identity", "mode"])
    try:
        gate.vet(request)
    except reprieve.NotAllowed as error:
        shown = [str(error), repr(error.decision), *map(str, error.findings), *map(str, error.faults)]
        page = error._repr_html_()
        assert any(HOSTILE in example for finding in error.findings for example in finding.examples)
    else:
        pytest.fail("allowed")
    for text in shown:
        assert "\x1b" not in text and "\u202e" not in text
    for forbidden in ("<script", "\x1b", "\u202e"):
        assert forbidden not in page
    assert "&lt;script&gt;" in page
