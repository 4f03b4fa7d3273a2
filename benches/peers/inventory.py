"""Whole checks of a list with an inventory beside DuckDB, which joins the same files and counts the same things.

    pip install duckdb==1.5.5 duckdb-extensions==1.5.5 duckdb-extension-sqlite-scanner==1.5.5
    cargo build --release && python3 benches/peers/inventory.py [ROWS ...]

The ids of both files are in different random orders. DuckDB counts per kind, tenant, environment and state; Reprieve also
looks for duplicate ids, follows dependents, computes the digests of both files, and runs its nine policies.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time

THREADS = 2
RUNS = 5
REPRIEVE = os.environ.get("REPRIEVE_BIN", "target/release/reprieve")
REQUEST = '{"id":"scale","mode":"soft","environment":"test","target_kind":"app","targets":[]}'

COUNTS = """
    SELECT count(*), count(DISTINCT i.id), count(DISTINCT i.tenant), count(DISTINCT i.environment),
        count(DISTINCT i.state), count(DISTINCT i.kind), min(i.last_used_at), sum(i.size_bytes)
    FROM '{targets}' t LEFT JOIN {inventory} i USING (id);
    SELECT count(*), count(DISTINCT id), count(DISTINCT tenant), count(DISTINCT kind) FROM {inventory};
"""


def write(folder, rows):
    import duckdb

    database = duckdb.connect()
    database.execute(f"SET temp_directory = '{folder}'")
    id = "'app-' || printf('%016x', (i * {0}) % {1})"
    targets = f"SELECT {id.format(7919, rows)} AS id, 'app' AS kind, 't-' || i % 5000 AS tenant FROM range({rows}) r(i)"
    inventory = f"""SELECT {id.format(104729, rows)} AS id, CASE WHEN i % 20 = 0 THEN 'disk' ELSE 'app' END AS kind,
        't-' || i % 5000 AS tenant, CASE WHEN i % 10 = 0 THEN 'production' ELSE 'test' END AS environment,
        CASE WHEN i % 3 = 0 THEN 'disabled' ELSE 'soft-deleted' END AS state,
        strftime(make_timestamp((1700000000 + i * 37 % 30000000) * 1000000), '%Y-%m-%dT%H:%M:%SZ') AS last_used_at,
        i * 1009 % 100000000 AS size_bytes, 'none' AS dependents, 'false' AS legal_hold FROM range({rows}) r(i)"""
    for format in ["parquet", "csv"]:
        for name, query in [("targets", targets), ("inventory", inventory)]:
            database.execute(f"COPY ({query}) TO '{folder}/{name}.{format}' (FORMAT {format})")
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
    database.close()


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


def measure(command, folder):
    """The shortest time of several runs in seconds, and the largest memory in MiB."""
    seconds, memory = [], 0
    for _ in range(RUNS):
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(float(output) if "count" in command else time.monotonic() - start)
        memory = max(memory, usage.ru_maxrss >> 10)
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            sys.exit(f"{command} failed")
    return min(seconds), memory


def main():
    if sys.argv[1:2] == ["count"]:
        return count(*sys.argv[2:4])
    if sys.argv[1:2] == ["write"]:
        return write(sys.argv[2], int(sys.argv[3]))
    reprieve = os.path.abspath(REPRIEVE)
    print("| rows | format | without an inventory | with it | DuckDB | ratio | memory | DuckDB |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in [int(rows) for rows in sys.argv[1:]] or [100_000, 1_000_000]:
        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own: a process that is started begins with the memory of the one that starts it.
            subprocess.run([sys.executable, __file__, "write", folder, str(rows)], check=True)
            with open(f"{folder}/request.json", "w") as file:
                file.write(REQUEST)
            for format in ["parquet", "csv", "db"]:
                targets = f"targets.{'parquet' if format == 'db' else format}"
                check = [reprieve, "check", "request.json", "--targets", targets, "--threads", str(THREADS)]
                alone, _ = measure(check, folder)
                joined, memory = measure([*check, "--inventory", f"inventory.{format}"], folder)
                peer = [sys.executable, os.path.abspath(__file__), "count", targets, f"inventory.{format}"]
                duckdb, peer_memory = measure(peer, folder)
                print(f"| {rows:,} | {format} | {alone:.2f} s | {joined:.2f} s | {duckdb:.2f} s | {joined / duckdb:.2f} | "
                      f"{memory} MiB | {peer_memory} MiB |", flush=True)


if __name__ == "__main__":
    main()
