"""The decision of a cluster is that of one machine, whatever runs the tasks and however the list is divided.

REPRIEVE_TEST_ENGINE names the engine: ``spark`` (classic PySpark, two tasks at a time) or ``sail``.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import reprieve
import reprieve.spark
from lists import rows_of, write_gate, write_list

ENGINE = os.environ["REPRIEVE_TEST_ENGINE"]
AT = "2026-03-01T00:00:00Z"


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A session on this machine."""
    from pyspark.sql import SparkSession

    if ENGINE == "sail":
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        _, port = server.listening_address
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    else:
        # A task that fails is tried four times.
        builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every policy, with an inventory that knows some of the ids, and contradicts the list in part."""
    folder = tmp_path_factory.mktemp("gate")
    known = [
        {"id": f"app-{number}", "kind": "database" if number % 50 == 0 else "app", "tenant": f"t-{number % 40}"}
        for number in range(0, 900, 3)
    ]
    pa.parquet.write_table(pa.Table.from_pylist(known), folder / "inventory.parquet")
    path = folder / "reprieve.toml"
    names = [policy["name"] for policy in reprieve.Gate().policies]
    path.write_text('inventory = "inventory.parquet"\n' + "".join(f'[[policy]]\nuse = "builtin:{name}"\n' for name in names))
    return path


def whole(config: Path, request: Path) -> dict[str, Any]:
    """The document of one process."""
    return reprieve.Gate.from_config(config).decide(request, at=AT).document


def test_the_document_is_that_of_one_process(spark: Any, config: Path, tmp_path: Path) -> None:
    source = random.Random(7)
    for case in range(6):
        files, first = [], 0
        for _ in range(source.randrange(1, 6)):
            count = source.randrange(0, 300)
            suffix = source.choice(["parquet", "csv", "ndjson", "json", "json"])
            rows = rows_of(source, count, first) or rows_of(source, 1, first)
            files.append((suffix, rows))
            first += count
        request = write_list(tmp_path / str(case), files)
        decision = reprieve.spark.decide(spark, request, gate=config, at=AT)
        assert decision.document == whole(config, request)


def test_an_allow_has_a_permit_and_is_recorded(spark: Any, tmp_path: Path) -> None:
    ledger = tmp_path / "reprieve.db"
    reprieve.create_ledger(ledger)
    config = tmp_path / "reprieve.toml"
    config.write_text('ledger = "reprieve.db"\n[[policy]]\nuse = "builtin:timing"\n')
    files = [("json", [{"id": f"app-{part}-{row}", "kind": "app", "tenant": "t"} for row in range(3)]) for part in range(3)]
    request = write_list(tmp_path, files, mode="soft")
    with reprieve.spark.vet(spark, request, gate=config) as permit:
        ids = [id for ids in permit.batches(2) for id in ids]
        permit.deleted(len(ids))
    assert ids == [f"app-{part}-{row}" for part in range(3) for row in range(3)]
    again = reprieve.spark.decide(spark, request, gate=config)
    assert again.document["ledger"]["entry"] == 3, "a decision, its outcome, a decision"


def three(folder: Path) -> tuple[Path, Path]:
    """A gate, and a list of three sections that it allows."""
    rows = [[{"id": f"app-{part}-{row}", "kind": "app", "tenant": "t"} for row in range(5)] for part in range(3)]
    return write_gate(folder), write_list(folder, [("json", part) for part in rows], mode="soft")


def entries(ledger: Path) -> list[tuple[str, dict[str, Any]]]:
    with sqlite3.connect(ledger) as database:
        rows = database.execute("SELECT kind, body FROM entries ORDER BY entry").fetchall()
    return [(kind, json.loads(body)) for kind, body in rows]


def test_tasks_delete_each_section_once_with_a_token(spark: Any, tmp_path: Path) -> None:
    config, request = three(tmp_path)
    deleted = tmp_path / "deleted"
    deleted.mkdir()

    def delete(ids: list[str]) -> int:
        for id in ids:
            (deleted / id).touch(exist_ok=False)
        return len(ids)

    with reprieve.spark.vet(spark, request, gate=config) as permit:
        assert permit.delete(delete, size=2) == 15
        with pytest.raises(reprieve.PermitError, match="3 of 3 sections failed; at least 0 .*replayed"):
            permit.delete(delete)
    assert sorted(path.name for path in deleted.iterdir()) == [f"app-{part}-{row}" for part in range(3) for row in range(5)]
    recorded = entries(tmp_path / "reprieve.db")
    assert [kind for kind, _ in recorded] == ["decision", "used", "used", "used", "closed"]
    assert sorted(body["section"] for kind, body in recorded if kind == "used") == [0, 1, 2]
    assert recorded[-1][1]["deleted"] == 15


def test_a_section_that_fails_leaves_the_batch_open(spark: Any, tmp_path: Path) -> None:
    config, request = three(tmp_path)

    def delete(ids: list[str]) -> None:
        if "app-1-2" in ids:
            raise OSError("the disk is gone")

    with (
        pytest.raises(reprieve.PermitError, match="1 of 3 sections failed; at least 12 .*section 1, after 2 .*the disk is gone"),
        reprieve.spark.vet(spark, request, gate=config) as permit,
    ):
        permit.delete(delete, size=2)
    assert (permit.state, permit.deleted_so_far) == ("open", None)
    assert [kind for kind, _ in entries(tmp_path / "reprieve.db")] == ["decision", "used", "used", "used"]


@pytest.mark.skipif(ENGINE == "sail", reason="Sail runs tasks in this process")
def test_a_task_that_died_while_it_deleted_is_not_repeated(spark: Any, tmp_path: Path) -> None:
    config, request = three(tmp_path)
    begun = tmp_path / "begun"

    def delete(ids: list[str]) -> None:
        if ids[0].startswith("app-2"):
            begun.touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)

    permit = reprieve.spark.vet(spark, request, gate=config)
    with pytest.raises(reprieve.PermitError, match="1 of 3 sections failed; .*section 2, not begun by this task: .*replayed"):
        permit.delete(delete)
    permit.commit(succeeded=False, note="a task died")


def test_deleting_in_tasks_needs_keys_and_no_speculation(spark: Any, tmp_path: Path) -> None:
    config, request = three(tmp_path)
    permit = reprieve.spark.vet(spark, request, gate=config)
    with pytest.raises(ValueError, match="at least 1 id"):
        permit.delete(print, size=0)
    if ENGINE == "sail":
        spark.conf.set("spark.speculation", "true")
        with pytest.raises(reprieve.PermitError, match=r"spark\.speculation"):
            permit.delete(print)
        spark.conf.unset("spark.speculation")
    permit.abort("a test")
    config.write_text('ledger = "reprieve.db"\n[[policy]]\nuse = "builtin:timing"\n')
    permit = reprieve.spark.vet(spark, request, gate=config)
    with pytest.raises(reprieve.GateError, match="names no key that signs permits"):
        permit.delete(print)
    permit.abort("a test")


def test_the_programs_in_the_documentation(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "distributed.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(programs) == 2
    for number, program in enumerate(programs):
        folder = tmp_path / str(number)
        write_list(folder, [("json", [{"id": "app-1", "kind": "app", "tenant": "t"}])], mode="soft")
        write_gate(folder)
        monkeypatch.chdir(folder)
        exec(program, {"spark": spark, "reprieve": reprieve, "delete_ids": len})
        recorded = entries(folder / "reprieve.db")
        assert recorded[-1][1]["deleted"] == 1


def test_what_a_task_cannot_read_is_raised_with_its_place(spark: Any, config: Path, tmp_path: Path) -> None:
    request = write_list(tmp_path, [("json", rows_of(random.Random(1), 5, 0)) for _ in range(3)])
    text = (tmp_path / "part-001.json").read_text()
    (tmp_path / "part-001.json").write_text(text.replace("app-", "app_"))
    with pytest.raises(reprieve.RequestError, match=r"part-001\.json.*its digest is"):
        reprieve.spark.vet(spark, request, gate=config)
    (tmp_path / "part-001.json").unlink()
    with pytest.raises(reprieve.RequestError, match=r"part-001\.json"):
        reprieve.spark.vet(spark, request, gate=config)


def test_a_task_with_another_policy_set_is_refused(spark: Any, tmp_path: Path) -> None:
    def other_gate(record: bool) -> reprieve.Gate:
        return reprieve.Gate(policies=["timing"] if record else ["mode"], record=record)

    request = write_list(tmp_path, [("json", rows_of(random.Random(1), 5, 0)) for _ in range(2)])
    with pytest.raises(reprieve.GateError, match="the plan is of the policy set"):
        reprieve.spark.vet(spark, request, gate=other_gate)


@pytest.mark.skipif(ENGINE == "sail", reason="Sail runs tasks in this process")
def test_a_worker_that_is_killed_changes_nothing(spark: Any, tmp_path: Path) -> None:
    marker = tmp_path / "died"

    def dies_once(record: bool) -> reprieve.Gate:
        if not record and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return reprieve.Gate(record=record)

    request = write_list(tmp_path, [("json", rows_of(random.Random(part), 50, 50 * part)) for part in range(4)])
    decision = reprieve.spark.decide(spark, request, gate=dies_once, at=AT)
    assert marker.exists()
    assert decision.document == reprieve.Gate().decide(request, at=AT).document


def test_a_batch_in_memory_and_a_shared_gate_are_refused(config: Path, tmp_path: Path) -> None:
    gate = reprieve.Gate.from_config(config)
    text = json.dumps({"id": "r", "mode": "soft", "environment": "e", "target_kind": "app", "targets": [{"id": "a"}]})
    with pytest.raises(reprieve.RequestError, match="the targets are in the request"):
        gate.plan(text)
    request = write_list(tmp_path, [("json", [{"id": "a"}])])
    with pytest.raises(TypeError, match="send the plan"):
        gate.planned(gate.plan(request)).__reduce__()
    with pytest.raises(reprieve.GateError, match="the plan cannot be read"):
        gate.planned("{}")
