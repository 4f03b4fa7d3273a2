"""Every kind of targets is the same list."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import reprieve
from conftest import AT, ATLASSIAN, atlassian, request_of

with (ATLASSIAN / "targets.csv").open() as _file:
    ROWS: list[dict[str, str]] = list(csv.DictReader(_file))


def comparable(decision: reprieve.Decision) -> dict[str, Any]:
    """A decision without what depends on the bytes of the list."""
    document: dict[str, Any] = json.loads(json.dumps(decision.document))
    del document["targets_sha256"]
    for policy in document["policies"]:
        del policy["fuel"]
    return document


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    return path


def parquet(path: Path) -> Path:
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def arrow(path: Path) -> Path:
    pyarrow.feather.write_feather(pa.Table.from_pylist(ROWS), str(path), compression="uncompressed")
    return path


def categories(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(kind=frame["kind"].astype("category"))


KINDS: dict[str, Callable[[Path], Any]] = {
    "csv": lambda _: ATLASSIAN / "targets.csv",
    "text path": lambda _: str(ATLASSIAN / "targets.csv"),
    "ndjson": lambda folder: lines(folder / "list.ndjson", ROWS),
    "parquet": lambda folder: parquet(folder / "list.parquet"),
    "arrow": lambda folder: arrow(folder / "list.arrow"),
    "dicts": lambda _: ROWS,
    "tuple": lambda _: tuple(ROWS),
    "table": lambda _: pa.Table.from_pylist(ROWS),
    "batches": lambda _: pa.Table.from_batches(pa.Table.from_pylist(ROWS).to_batches(max_chunksize=100)),
    "reader": lambda _: pa.Table.from_pylist(ROWS).to_reader(),
    "record batch": lambda _: pa.RecordBatch.from_pylist(ROWS),
    "dictionary": lambda _: pa.table(
        {name: pa.array([row[name] for row in ROWS]).dictionary_encode() for name in ROWS[0]}
    ),
    "slice": lambda _: pa.Table.from_pylist([ROWS[0], *ROWS, ROWS[0]]).slice(1, len(ROWS)),
    "views": lambda _: pa.Table.from_pylist(ROWS).cast(pa.schema([(name, pa.string_view()) for name in ROWS[0]])),
    "polars": lambda _: pl.DataFrame(ROWS),
    "polars categorical": lambda _: pl.DataFrame(ROWS).with_columns(pl.col("kind").cast(pl.Categorical)),
    "polars chunks": lambda _: pl.concat([pl.DataFrame(ROWS[:500]), pl.DataFrame(ROWS[500:])], rechunk=False),
    "pandas": lambda _: pd.DataFrame(ROWS),
    "pandas categorical": lambda _: categories(pd.DataFrame(ROWS)),
    "pandas filtered": lambda _: pd.DataFrame([ROWS[0], *ROWS]).iloc[1:],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_targets_is_the_same_list(gate: reprieve.Gate, kind: str, tmp_path: Path) -> None:
    request = atlassian()
    expected = gate.decide(request, targets=ATLASSIAN / "targets.csv", at=AT)
    assert (expected.targets, expected.verdict) == (883, "deny")
    decision = gate.decide(request, targets=KINDS[kind](tmp_path), at=AT)
    assert comparable(decision) == comparable(expected)


def test_a_list_of_dicts_is_the_file_of_its_lines(gate: reprieve.Gate, tmp_path: Path) -> None:
    path = lines(tmp_path / "list.ndjson", ROWS)
    from_file = gate.decide(atlassian(), targets=path, at=AT)
    assert gate.decide(atlassian(), targets=ROWS, at=AT).document == from_file.document
    inline = gate.decide({**atlassian(), "targets": ROWS}, at=AT)
    assert inline.targets_sha256 == from_file.targets_sha256 == reprieve.targets_sha256(ROWS)
    assert reprieve.targets_sha256(path) == from_file.targets_sha256


@pytest.mark.parametrize("make", [pa.Table.from_pylist, pl.DataFrame, pd.DataFrame])
def test_the_digest_of_a_table_is_that_of_the_decision(make: Callable[[Any], Any]) -> None:
    digest = reprieve.targets_sha256(make(ROWS))
    assert digest == reprieve.targets_sha256(make(ROWS))
    assert reprieve.Gate(["mode"]).decide(atlassian(), targets=make(ROWS)).targets_sha256 == digest


@pytest.mark.parametrize("make", [pa.Table.from_pylist, pl.DataFrame, pd.DataFrame])
def test_long_tables_with_times_and_numbers_keep_every_row(make: Callable[[Any], Any], tmp_path: Path) -> None:
    moment = datetime(2021, 5, 1, 12, 30, tzinfo=timezone.utc)
    rows = [
        {"id": number, "kind": "app", "tenant": f"t-{number % 7}", "created_at": moment, "size_bytes": number * 10}
        for number in range(150_000)
    ]
    written = [{**row, "id": str(row["id"]), "created_at": moment.isoformat()} for row in rows]
    gate = reprieve.Gate(["mode", "retention", "blast-radius"])
    request = {**request_of(0), "targets": None}
    expected = gate.decide(request, targets=lines(tmp_path / "list.ndjson", written), at=AT)
    assert expected.targets == 150_000
    for targets in (make(rows), rows):
        decision = gate.decide(request, targets=targets, at=AT)
        assert comparable(decision) == comparable(expected)
        assert decision.breakdown() == expected.breakdown()


LONG = pa.table(
    {
        "id": [f"app-{number}" for number in range(150_000)],
        "kind": ["app", "app", "site"] * 50_000,
        "tenant": [f"t-{number % 4_001}" for number in range(150_000)],
    }
)


def typed(kind: pa.DataType) -> pa.Table:
    return LONG.cast(pa.schema([(name, kind) for name in LONG.column_names]))


def encoded(chunk_rows: int) -> pa.Table:
    """Each chunk has dictionaries of its own."""
    chunks = [pa.Table.from_batches([batch]) for batch in LONG.to_batches(max_chunksize=chunk_rows)]
    parts = [
        pa.table({name: chunk[name].combine_chunks().dictionary_encode() for name in LONG.column_names})
        for chunk in chunks
    ]
    return pa.concat_tables(parts)


CUTS: dict[str, Callable[[], Any]] = {
    "one batch": lambda: LONG,
    "short batches": lambda: pa.Table.from_batches(LONG.to_batches(max_chunksize=997)),
    "columns that are cut differently": lambda: pa.table(
        {
            "id": pa.chunked_array([LONG["id"].combine_chunks()[:70_001], LONG["id"].combine_chunks()[70_001:]]),
            "kind": LONG["kind"],
            "tenant": pa.chunked_array([LONG["tenant"].combine_chunks()[:9], LONG["tenant"].combine_chunks()[9:]]),
        }
    ),
    "a part": lambda: pa.concat_tables([LONG.slice(0, 5), LONG]).combine_chunks().slice(5),
    "large strings": lambda: typed(pa.large_string()),
    "views": lambda: typed(pa.string_view()),
    "one dictionary": lambda: encoded(150_000),
    "a dictionary in each chunk": lambda: encoded(30_000),
    "more columns": lambda: LONG.append_column("n", [[[1.5]] * 150_000]).append_column("x_own", LONG["kind"]),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", CUTS)
def test_a_table_is_its_file_however_it_is_cut(kind: str, threads: int, tmp_path: Path) -> None:
    table = CUTS[kind]()
    path = tmp_path / "list.parquet"
    pyarrow.parquet.write_table(table if "x_own" in table.column_names else LONG, path)
    gate = reprieve.Gate(["mode", "provenance", "blast-radius"], threads=threads)
    request = {**request_of(0), "targets": None}
    expected = gate.decide(request, targets=path, at=AT)
    decision = gate.decide(request, targets=table, at=AT)
    assert comparable(decision) == comparable(expected)
    assert decision.breakdown() == expected.breakdown()
    assert decision.targets_sha256 == reprieve.targets_sha256(table)
    ids = list(reprieve.Gate(["mode"], threads=threads).vet(request, targets=table))
    assert ids == LONG["id"].to_pylist()


def test_the_digest_of_a_table_stays_what_it_is() -> None:
    table = pa.table({"id": ["a", "b", None], "kind": pa.array(["app", "site", "app"]).dictionary_encode()})
    assert reprieve.targets_sha256(table) == "a68cb2c3be24b1e142e2dc691baa22281b704434d57d472bd3404e11c4ff91eb"
    assert reprieve.targets_sha256(typed(pa.string_view())) == reprieve.targets_sha256(typed(pa.large_string()))
    assert reprieve.targets_sha256(typed(pa.large_string())) == "8c04189a8ed34922b446bbccce4b2b06b6fa887ad44828ae8cf29c92599aad59"
    assert reprieve.targets_sha256(encoded(30_000)) == "f24d2236f195e4c558c3fad6cdb89908a982fb636bb35f5e1479f7d013e7bee5"


def test_columns_may_have_other_names() -> None:
    gate, request = reprieve.Gate(["mode"]), {**request_of(0), "targets": None}
    table = pa.table({"bucket": ["a", "a"], "key": ["1", "2"], "other": [None, None]})
    permit = gate.vet(request, targets=table, columns={"id": ["bucket", "key"]})
    assert list(permit) == ["a/1", "a/2"]
    assert list(gate.vet(request, targets=table, columns={"id": "key"})) == ["1", "2"]
    assert list(gate.vet(request, targets=["x", "y"])) == ["x", "y"]


def test_a_stream_is_read_once() -> None:
    reader = pa.table({"id": ["a", "b"]}).to_reader()
    gate, request = reprieve.Gate(["mode"]), {**request_of(0), "targets": None}
    assert len(gate.vet(request, targets=reader)) == 2
    with pytest.raises((reprieve.RequestError, reprieve.NotAllowed)):
        gate.vet(request, targets=reader)


def test_an_inventory_may_be_a_table() -> None:
    with (ATLASSIAN / "corrected" / "inventory.csv").open() as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:  # in a file of text, `none` is an empty list
        row["dependents"] = [] if row["dependents"] == "none" else row["dependents"].split(";")
    request = ATLASSIAN / "corrected" / "request.json"
    expected = reprieve.Gate(inventory=ATLASSIAN / "corrected" / "inventory.csv").decide(request, at=AT)
    for inventory in (pa.Table.from_pylist(rows), pl.DataFrame(rows), rows):  # type: Any
        decision = reprieve.Gate(inventory=inventory).decide(request, at=AT)
        assert decision.document["inventory_sha256"] != expected.document["inventory_sha256"]
        assert decision.findings == expected.findings
