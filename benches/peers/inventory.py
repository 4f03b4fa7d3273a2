"""Whole checks of a list with an inventory beside DuckDB, which joins the same files and counts the same things.

    cargo build --release && python3 benches/peers/inventory.py [--formats parquet] [--memory 4GiB] [ROWS ...]

The ids are hashes, and both files have them in different orders. DuckDB counts per kind, tenant, environment and state.
Reprieve also looks for duplicate ids, follows dependents, computes both digests, and runs its nine policies.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

from processes import THREADS, environment, reprieve, run

# The newest version whose extension for SQLite is a package.
PACKAGES = [f"{name}==1.5.5" for name in ("duckdb", "duckdb-extensions", "duckdb-extension-sqlite-scanner")]
FORMATS = ["parquet", "csv", "db"]
REQUEST = '{"id":"scale","mode":"soft","environment":"test","target_kind":"app","targets":[]}'

COUNTS = """
    SELECT count(*), count(DISTINCT i.id), count(DISTINCT i.tenant), count(DISTINCT i.environment),
        count(DISTINCT i.state), count(DISTINCT i.kind), min(i.last_used_at)::VARCHAR, sum(i.size_bytes)
    FROM '{targets}' t LEFT JOIN {inventory} i USING (id);
    SELECT count(*), count(DISTINCT id), count(DISTINCT tenant), count(DISTINCT kind) FROM {inventory};
"""


def write(folder, rows, formats):
    import duckdb

    database = duckdb.connect()
    database.execute(f"SET temp_directory = '{folder}'")
    id = "'app-' || printf('%016x', hash((i * {0}) % {1}))"
    targets = f"SELECT {id.format(7919, rows)} AS id, 'app' AS kind, 't-' || i % 5000 AS tenant FROM range({rows}) r(i)"
    inventory = f"""SELECT {id.format(104729, rows)} AS id, CASE WHEN i % 20 = 0 THEN 'disk' ELSE 'app' END AS kind,
        't-' || i % 5000 AS tenant, CASE WHEN i % 10 = 0 THEN 'production' ELSE 'test' END AS environment,
        CASE WHEN i % 3 = 0 THEN 'disabled' ELSE 'soft-deleted' END AS state,
        strftime(make_timestamp((1700000000 + i * 37 % 30000000) * 1000000), '%Y-%m-%dT%H:%M:%SZ') AS last_used_at,
        i * 1009 % 100000000 AS size_bytes, 'none' AS dependents, 'false' AS legal_hold FROM range({rows}) r(i)"""
    for format in {"parquet" if format == "db" else format for format in formats}:
        for name, query in [("targets", targets), ("inventory", inventory)]:
            database.execute(f"COPY ({query}) TO '{folder}/{name}.{format}' (FORMAT {format})")
    if "db" in formats:
        write_sqlite(folder, database)
    database.close()


def write_sqlite(folder, database):
    rows_of = database.execute(f"SELECT * FROM '{folder}/inventory.parquet' ORDER BY id")
    sqlite = sqlite3.connect(f"{folder}/inventory.db")
    sqlite.execute("CREATE TABLE inventory (id TEXT PRIMARY KEY, kind TEXT, tenant TEXT, environment TEXT, state TEXT, "
                   "last_used_at TEXT, size_bytes INTEGER, dependents TEXT, legal_hold TEXT) WITHOUT ROWID")
    while some := rows_of.fetchmany(100_000):
        sqlite.executemany("INSERT INTO inventory VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", some)
    for column in ["kind", "tenant"]:
        sqlite.execute(f"CREATE INDEX by_{column} ON inventory ({column})")
    sqlite.commit()
    sqlite.close()


def count(targets, inventory):
    """What a process of DuckDB does. Prints the seconds that it takes once Python has started."""
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("sqlite_scanner")
    start = time.monotonic()
    database = duckdb.connect(config={"threads": THREADS})
    if inventory.endswith(".db"):
        database.load_extension("sqlite_scanner")
        database.execute(f"ATTACH '{inventory}' AS sqlite (TYPE sqlite, READ_ONLY)")
        inventory = "sqlite.inventory"
    else:
        inventory = f"'{inventory}'"
    for statement in COUNTS.format(targets=targets, inventory=inventory).split(";")[:-1]:
        database.execute(statement).fetchall()
    print(time.monotonic() - start)


def measure(commands, folder, runs):
    """The shortest time of several runs in seconds, and the largest memory in MiB, of commands that take turns."""
    figures = [[] for _ in commands]
    for _ in range(runs):
        for command, taken in zip(commands, figures, strict=True):
            seconds, memory, output = run(command, folder, (0, 1))
            taken.append((float(output) if "count" in command else seconds, memory))
    return [(min(seconds for seconds, _ in runs), max(memory for _, memory in runs)) for runs in figures]


def main():
    if sys.argv[1:2] == ["count"]:
        return count(*sys.argv[2:4])
    if sys.argv[1:2] == ["write"]:
        return write(sys.argv[2], int(sys.argv[3]), sys.argv[4].split(","))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--memory", help="of Reprieve")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    python, this = environment(*PACKAGES), os.path.abspath(__file__)
    print("| rows | format | without an inventory | with it | DuckDB | ratio | memory | DuckDB |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own: a process that is started begins with the memory of the one that starts it.
            subprocess.run([python, this, "write", folder, str(rows), arguments.formats], check=True)
            with open(f"{folder}/request.json", "w") as file:
                file.write(REQUEST)
            for format in arguments.formats.split(","):
                targets = f"targets.{'parquet' if format == 'db' else format}"
                check = [reprieve(), "check", "request.json", "--targets", targets, "--threads", str(THREADS)]
                check += ["--memory", arguments.memory] if arguments.memory else []
                joins = [*check, "--inventory", f"inventory.{format}"]
                peer = [python, this, "count", targets, f"inventory.{format}"]
                sides = measure([check, joins, peer], folder, arguments.runs)
                (alone, _), (joined, memory), (duckdb, peer_memory) = sides
                print(f"| {rows:,} | {format} | {alone:.2f} s | {joined:.2f} s | {duckdb:.2f} s |", end=" ")
                print(f"{joined / duckdb:.2f} | {memory} MiB | {peer_memory} MiB |", flush=True)


if __name__ == "__main__":
    main()
