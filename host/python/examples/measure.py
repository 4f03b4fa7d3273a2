"""Measures the package: `python measure.py ROOT RUST`, with the folder of the repository and the built example `measure`."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import reprieve

ROWS = 1_000_000


def seconds(call, times):
    """The shortest time of a call: what it takes when nothing else runs."""
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        measured.append(time.perf_counter() - start)
    return min(measured)


def starts(folder):
    """The time that an import adds to a start, over that of an empty module."""
    (folder / "empty.py").write_text("")

    def start(module):
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True, cwd=folder)

    start("reprieve")()
    print(f"import: {1000 * (seconds(start('reprieve'), 31) - seconds(start('empty'), 31)):.1f} ms over an empty module")


def small(root, rust, folder):
    """A batch of ten targets, from Python and from Rust."""
    incident = root / "tests/incidents/i01-atlassian/corrected"
    request = json.loads((incident / "request.json").read_text())
    request["targets"] = [{"id": f"app-{i}", "kind": "app", "tenant": "customer-0008"} for i in range(10)]
    path, inventory, at = folder / "request.json", incident / "inventory.csv", "2022-04-05T10:00:00Z"
    path.write_text(json.dumps(request))
    gate = reprieve.Gate(inventory=inventory)
    for name, document in [("path", path), ("dict", request)]:
        ours = 1e6 * seconds(lambda document=document: gate.decide(document, at=at), 301)
        theirs = int(subprocess.check_output([rust, path, inventory, at, "301"]))
        print(f"ten targets, request as a {name}: {ours:.0f} µs, {theirs} µs from Rust, {ours / theirs:.2f}×")


def large(folder):
    """A million rows in memory, and in a file of Parquet."""
    table = pa.table(
        {
            "id": [f"app-{i:08}" for i in range(ROWS)],
            "kind": ["app"] * ROWS,
            "tenant": [f"customer-{i % 5000:04}" for i in range(ROWS)],
        }
    )
    path = folder / "targets.parquet"
    pyarrow.parquet.write_table(table, path)
    request = {"id": "r", "mode": "soft", "environment": "staging", "target_kind": "app"}
    gate = reprieve.Gate()
    file = seconds(lambda: gate.decide(request, targets=path), 7)
    print(f"{ROWS} rows of Parquet: {file:.2f} s")
    for name, targets in [("pyarrow", table), ("polars", pl.from_arrow(table)), ("pandas", table.to_pandas())]:
        taken = seconds(lambda targets=targets: gate.decide(request, targets=targets), 7)
        print(f"{ROWS} rows of {name}: {taken:.2f} s, {taken / file:.2f}×")


with tempfile.TemporaryDirectory() as temporary:
    starts(Path(temporary))
    small(Path(sys.argv[1]), sys.argv[2], Path(temporary))
    large(Path(temporary))
