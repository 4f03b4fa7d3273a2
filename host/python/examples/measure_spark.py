"""Decides about a large list in one process and in a cluster on this machine, compares the documents, and prints the times.

    python measure_spark.py --engine spark --folder /tmp/lists
    python measure_spark.py --engine cluster --wheel reprieve-0.1.0-cp310-abi3-linux_x86_64.whl --folder /tmp/lists --kill
    python measure_spark.py --engine sail --rows 100000000 --files 200 --folder /tmp/lists

It needs the package, pyspark 4.2 and pysail (`tests_spark/requirements.txt`). A list that is there already is used again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.parquet
import reprieve
import reprieve.spark

AT = "2026-03-01T00:00:00Z"


def write_list(folder: Path, rows: int, files: int) -> Path:
    """Tenants are in every file, and one id in a million is that of a row of an earlier file."""
    folder = folder / f"{rows}-in-{files}"
    request = folder / "request.json"
    if request.exists():
        return request
    folder.mkdir(parents=True)
    listed, of_file = [], rows // files
    for number in range(files):
        row = numpy.arange(number * of_file, (number + 1) * of_file)
        id = numpy.where(row % 1_000_003 == 5, row // 2, row)
        table = pa.table(
            {
                "id": pa.array([f"app-{n:09}" for n in id.tolist()]),
                "kind": pa.array(["app"] * of_file).dictionary_encode(),
                "tenant": pa.array([f"t-{n % 9_973}" for n in row.tolist()]).dictionary_encode(),
                "size_bytes": pa.array(row % 997, pa.uint64()),
            }
        )
        name = f"part-{number:03}.parquet"
        pa.parquet.write_table(table, folder / name)
        listed.append({"path": name})
    document = {"id": "old-apps", "mode": "hard", "environment": "production", "target_kind": "app"}
    request.write_text(json.dumps({**document, "targets": {"files": listed}}))
    return request


def session(engine: str, wheel: Path | None, folder: Path) -> Any:
    """A session of two tasks at a time."""
    from pyspark.sql import SparkSession

    if engine == "sail":
        from pysail.spark import SparkConnectServer

        global server  # it stops when it is forgotten
        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        return SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
    master = "local-cluster[2,1,2048]" if engine == "cluster" else "local[2,4]"
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.config("spark.driver.memory", "3g").config("spark.executor.memory", "2g")
    if wheel:
        # Spark unpacks what ends in .zip, and a native module is imported from a folder only.
        archive = folder / "reprieve.zip"
        shutil.copy(wheel, archive)
        builder = builder.config("spark.archives", f"{archive}#lib").config("spark.executorEnv.PYTHONPATH", "lib")
    return builder.getOrCreate()


def kill_a_worker(after: float) -> None:
    """Kills a Python worker of Spark after as many seconds."""
    time.sleep(after)
    found = subprocess.run(["pgrep", "-f", "pyspark.(daemon|worker)"], capture_output=True, text=True).stdout.split()
    if found:
        os.kill(int(found[-1]), signal.SIGKILL)
        print(f"killed a worker after {after} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=["spark", "cluster", "sail"], default="spark")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--kill", action="store_true", help="kill a worker while it counts")
    arguments = parser.parse_args()

    request = write_list(arguments.folder, arguments.rows, arguments.files)
    config = arguments.folder / "reprieve.toml"
    names = [policy["name"] for policy in reprieve.Gate().policies]
    config.write_text("".join(f'[[policy]]\nuse = "builtin:{name}"\n' for name in names))

    start = time.monotonic()
    whole = reprieve.Gate.from_config(config).decide(request, at=AT).document
    print(f"one process: {time.monotonic() - start:.1f} s")

    start = time.monotonic()
    spark = session(arguments.engine, arguments.wheel, arguments.folder)
    spark.range(0, 1, 1, 1).toArrow()
    print(f"the session: {time.monotonic() - start:.1f} s")
    if arguments.kill:
        threading.Thread(target=kill_a_worker, args=[3.0], daemon=True).start()
    start = time.monotonic()
    planned = reprieve.spark.decide(spark, request, gate=config, at=AT).document
    print(f"{arguments.engine}: {time.monotonic() - start:.1f} s")
    assert planned == whole
    print(f"the same document: {planned['decision']}, {planned['targets']} targets")
    spark.stop()


if __name__ == "__main__":
    main()
