"""The permit: handing out the ids, and recording the outcome."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import reprieve
from conftest import outcomes, request_of

Recording = tuple[reprieve.Gate, Path]


def test_the_block_commits_what_was_deleted(recording: Recording) -> None:
    gate, ledger = recording
    with gate.vet(request_of(25)) as permit:
        assert (len(permit), permit.state, outcomes(ledger)) == (25, "open", [("open", None)])
        batches = list(permit.batches(10))
        assert [len(batch) for batch in batches] == [10, 10, 5]
        assert sum(batches, []) == [f"app-{number}" for number in range(25)] == list(permit)
        permit.deleted(10)
        permit.deleted(14)
    assert (permit.state, permit.deleted_so_far, outcomes(ledger)) == ("committed", 24, [("committed", 24)])
    assert permit.decision.entry == 1
    for use in (permit.commit, permit.deleted, lambda: permit.abort("late"), lambda: next(iter(permit))):
        with pytest.raises(reprieve.PermitError, match="already committed"):
            use()


def test_an_uncounted_batch_counts_in_full(recording: Recording) -> None:
    gate, ledger = recording
    with gate.vet(request_of(3)):
        pass
    with gate.vet(request_of(3, "batch-2")) as permit:
        permit.deleted(0)
    assert outcomes(ledger) == [("committed", None), ("committed", 0)]


def test_an_exception_leaves_the_batch_open(recording: Recording) -> None:
    gate, ledger = recording
    with pytest.raises(ZeroDivisionError) as raised:
        with gate.vet(request_of(5)) as permit:
            permit.deleted(2)
            print(1 // 0)
    assert (permit.state, permit.deleted_so_far, outcomes(ledger)) == ("open", 2, [("open", None)])
    if sys.version_info >= (3, 11):
        assert "2 of 5 targets were deleted so far; the batch stays open" in raised.value.__notes__[0]
        assert "`reprieve commit 1 --deleted N`" in raised.value.__notes__[0]
    with pytest.raises(reprieve.PermitError, match="cannot be aborted"):
        permit.abort("nothing happened")
    with pytest.raises(reprieve.PermitError, match="used once"):
        permit.__enter__()
    permit.commit(succeeded=False, note="the database went away")
    assert outcomes(ledger) == [("committed", 2)]


def test_abort_releases_the_batch(recording: Recording) -> None:
    gate, ledger = recording
    with gate.vet(request_of(5)) as permit:
        permit.abort("the window closed")
    assert (permit.state, outcomes(ledger)) == ("aborted", [("aborted", None)])


def test_a_forgotten_permit_still_counts(recording: Recording) -> None:
    gate, ledger = recording
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gate.vet(request_of(5))
        gc.collect()
    assert any(issubclass(warning.category, ResourceWarning) for warning in caught)
    assert "a permit was forgotten" in str(caught[0].message)
    # A decision that was only looked at counts as well.
    assert gate.decide(request_of(5, "batch-2")).allowed
    gc.collect()
    assert outcomes(ledger) == [("open", None), ("open", None)]


def test_a_gate_that_does_not_record_leaves_nothing(tmp_path: Path) -> None:
    reprieve.create_ledger(tmp_path / "ledger.db")
    config = tmp_path / "reprieve.toml"
    config.write_text('ledger = "ledger.db"\n[[policy]]\nuse = "builtin:mode"\n')
    assert reprieve.Gate.from_config(config).records
    looking = reprieve.Gate.from_config(config, record=False)
    assert not looking.records
    with looking.vet(request_of(1)) as permit:
        assert permit.decision.entry is None
    assert outcomes(tmp_path / "ledger.db") == []


@pytest.mark.parametrize("count", [-1, True, 1.0, "3", None])
def test_counts_are_whole_numbers(recording: Recording, count: Any) -> None:
    gate, _ = recording
    with gate.vet(request_of(3)) as permit:
        with pytest.raises(ValueError, match="whole number"):
            permit.deleted(count)


def test_more_deleted_than_vetted_is_an_error(recording: Recording) -> None:
    gate, ledger = recording
    with pytest.raises(reprieve.PermitError, match="only 3 were vetted"):
        with gate.vet(request_of(3)) as permit:
            permit.deleted(4)
    with pytest.raises(reprieve.PermitError, match="only 3 were vetted"):
        permit.commit()
    assert outcomes(ledger) == [("open", None)]
    permit.commit(3)


def test_threads_count_together(recording: Recording) -> None:
    gate, ledger = recording
    with gate.vet(request_of(1000)) as permit:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda ids: permit.deleted(len(ids)), permit.batches(7)))
    assert outcomes(ledger) == [("committed", 1000)]


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_commit_that_fails_can_be_repeated(recording: Recording) -> None:
    gate, ledger = recording
    permit = gate.vet(request_of(3))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(reprieve.LedgerError):
        permit.commit(3)
    assert permit.state == "open"
    holder.communicate("")
    permit.commit(3)
    assert outcomes(ledger) == [("committed", 3)]


def test_long_lists_are_handed_out_whole() -> None:
    ids = [f"app-{number}" for number in range(200_001)]
    table = pa.table({"id": ids, "kind": ["app"] * len(ids)})
    permit = reprieve.Gate(["mode"]).vet({**request_of(0), "targets": None}, targets=table)
    assert list(permit) == ids
    for size in (1, 999, 65_536, 10**9):
        if size > 1:
            assert sum(map(len, permit.batches(size))) == len(ids)
        assert next(permit.batches(size)) == ids[:size]
    with pytest.raises(ValueError, match="at least 1"):
        permit.batches(0)


def test_nothing_of_a_denied_batch_is_handed_out() -> None:
    decision = reprieve.Gate([]).decide(request_of(3))
    vetted: Any = decision._vetted
    uses: list[Callable[[], Any]] = [
        vetted.chunks,
        lambda: vetted.chunk_ids(0),
        lambda: vetted.commit(True, 3, None),
        lambda: reprieve.Permit(decision, vetted),
    ]
    for use in uses:
        with pytest.raises(reprieve.PermitError, match="not allowed"):
            use()
