"""Lists in several files, and their requests."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import reprieve

SECTION_BYTES = 4 << 20
"""A section ends with the file in which it reaches this number of bytes."""


def rows_of(random: random.Random, count: int, first: int) -> list[dict[str, Any]]:
    """Rows with some duplicates, tenants across files, and some that contradict the request."""

    def row(number: int) -> dict[str, Any]:
        id = number if random.random() > 0.01 else random.randrange(first + count)
        kind = "site" if random.random() < 0.002 else "app"
        return {"id": f"app-{id}", "kind": kind, "tenant": f"t-{random.randrange(40)}", "size_bytes": number % 97}

    return [row(number) for number in range(first, first + count)]


def write_file(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows in the format of the name. JSON is padded, so that a section ends with it."""
    table = pa.Table.from_pylist(rows)
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    elif path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    elif path.suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows)[:-1] + " " * SECTION_BYTES + "]")


def write_list(folder: Path, files: list[tuple[str, list[dict[str, Any]]]], mode: str = "hard") -> Path:
    """Writes a list in several files, and its request."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for number, (suffix, rows) in enumerate(files):
        path = folder / f"part-{number:03}.{suffix}"
        write_file(path, rows)
        listed.append({"path": path.name, "sha256": reprieve.targets_sha256(path)})
    request = {
        "id": "old-apps",
        "mode": mode,
        "environment": "production",
        "target_kind": "app",
        "reason": {"text": "a test"},
        "targets": {"files": listed},
    }
    path = folder / "request.json"
    path.write_text(json.dumps(request))
    return path


# The key pair of RFC 8037, appendix A.
_PUBLIC = {"kty": "OKP", "crv": "Ed25519", "kid": "permits", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPjHURo"}
_PRIVATE = {**_PUBLIC, "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}


def write_gate(folder: Path) -> Path:
    """Writes a policy set with a new ledger and keys for permits."""
    reprieve.create_ledger(folder / "reprieve.db")
    (folder / "permits.key").write_text(json.dumps(_PRIVATE))
    (folder / "permits.key").chmod(0o600)
    (folder / "keys.json").write_text(json.dumps({"keys": [_PUBLIC]}))
    path = folder / "reprieve.toml"
    permits = '[permits]\nkey = "permits.key"\nkeys = "keys.json"\n'
    path.write_text(f'ledger = "reprieve.db"\n{permits}[[policy]]\nuse = "builtin:timing"\n')
    return path
