"""Denied, allowed and undecided."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import reprieve
from conftest import AT, ATLASSIAN, ROOT, TWIN_AT, request_of


def test_the_atlassian_batch_is_denied(gate: reprieve.Gate) -> None:
    with pytest.raises(reprieve.Denied) as raised:
        gate.vet(ATLASSIAN / "request.json", at=AT)
    denied = raised.value
    mismatch = next(finding for finding in denied.findings if finding.code == "identity/kind-mismatch")
    assert (mismatch.denies, mismatch.rows, mismatch.nature, mismatch.field) == (True, 883, "wrong", "/target_kind")
    assert len(mismatch.examples) > 1
    text = str(denied)
    assert text.startswith("deny insight-retire/2: 883 targets of 775 tenants\n")
    assert "deny identity/kind-mismatch: 883 of 883 targets are `site`" in text
    assert isinstance(denied, reprieve.NotAllowed) and denied.decision.document["decision"] == "deny"


def test_its_twin_is_allowed() -> None:
    twin = ATLASSIAN / "corrected"
    gate = reprieve.Gate(inventory=twin / "inventory.csv")
    permit = gate.vet(twin / "request.json", at=TWIN_AT)
    assert list(permit) == ["app-820391923a", "app-d988a576a2"]
    assert gate.decide(twin / "request.json", at=TWIN_AT).allowed
    # The same request as text and as a dict, with its list beside it. The evidence names the digest of the list.
    request = json.loads((twin / "request.json").read_text())
    targets = request.pop("targets")
    assert reprieve.targets_sha256(targets) == request["dry_run"]["targets_sha256"]
    assert len(gate.vet(request, targets=targets, at=TWIN_AT)) == 2
    assert len(gate.vet(json.dumps(request), targets=targets, at=TWIN_AT)) == 2
    assert len(gate.vet((twin / "request.json").read_bytes(), at=TWIN_AT)) == 2


def test_a_config_file_decides_as_its_policies_do(tmp_path: Path) -> None:
    config = tmp_path / "reprieve.toml"
    config.write_text('[[policy]]\nuse = "builtin:mode"\n')
    gate = reprieve.Gate.from_config(config)
    assert [policy["name"] for policy in gate.policies] == ["mode"]
    assert gate.policy_set_sha256 == reprieve.Gate(["mode"]).policy_set_sha256
    assert gate.vet(request_of(2)).decision.allowed
    assert repr(gate) == "<reprieve.Gate mode>"


def test_undecided_raises_too(recording: tuple[reprieve.Gate, Path]) -> None:
    gate, _ = recording
    with pytest.raises(reprieve.Undecided) as raised:
        gate.vet(request_of(1), at=AT)  # the clock of the ledger decides
    assert raised.value.faults and "fault gate/" in str(raised.value)


def test_without_policies_nothing_is_allowed() -> None:
    with pytest.raises(reprieve.NotAllowed):
        reprieve.Gate([]).vet(request_of(1))


def test_a_decision_is_not_a_truth_value(gate: reprieve.Gate) -> None:
    decision = gate.decide(ATLASSIAN / "request.json", at=AT)
    assert not decision.allowed and decision.verdict == "deny"
    with pytest.raises(TypeError, match="decision.allowed"):
        bool(decision)
    with pytest.raises(TypeError):
        if decision:  # what a hurried caller writes
            pass
    with pytest.raises(reprieve.Denied):
        decision.permit()
    kinds = decision.breakdown()["kinds"]
    assert kinds


def test_decisions_and_errors_are_copied_without_a_permit(gate: reprieve.Gate) -> None:
    decision = reprieve.Gate(["mode"]).decide(request_of(2))
    copy = pickle.loads(pickle.dumps(decision))
    assert copy.allowed and copy.document == decision.document
    with pytest.raises(reprieve.PermitError, match="copy"):
        copy.permit()
    with pytest.raises(reprieve.Denied) as raised:
        gate.vet(ATLASSIAN / "request.json", at=AT)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    for value in (gate, decision.permit()):
        with pytest.raises(TypeError):
            pickle.dumps(value)


def test_threads_share_a_gate(gate: reprieve.Gate) -> None:
    def vet(_: int) -> str:
        decision = gate.decide(ATLASSIAN / "request.json", at=AT)
        return json.dumps(decision.document)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(vet, range(24)))) == 1


def test_the_gil_is_released(gate: reprieve.Gate) -> None:
    counted, stop = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    targets = [{"id": f"app-{number}", "kind": "app"} for number in range(200_000)]
    lines = "".join(json.dumps(row) + "\n" for row in targets)
    before = counted
    reprieve.Gate(["mode"]).decide({**request_of(0), "targets": None}, targets=targets)
    assert counted > before and lines
    stop.set()
    thread.join()


def test_a_signal_stops_the_call(tmp_path: Path) -> None:
    # In a process of its own, because the signal is for the main thread.
    script = """
import os, signal, sys, threading, time
sys.path[:0] = [os.environ["TESTS"]]
import pyarrow as pa, reprieve
from conftest import outcomes, request_of
ledger = sys.argv[1]
reprieve.create_ledger(ledger)
stop = threading.Event()
def batches():
    for number in range(10_000):
        if stop.wait(0.1): return
        # The call is under way.
        if number == 1: threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        yield pa.record_batch({"id": [f"app-{number}"]})
reader = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.string()}), batches())
# A process that was started in the background ignores the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
start = time.monotonic()
try:
    reprieve.Gate(["mode"], ledger=ledger).vet(request_of(0), targets=reader)
except KeyboardInterrupt:
    assert time.monotonic() - start < 30
    # The work ends in the background. It allows the batch, which nobody receives, so the batch is aborted.
    stop.set()
    while not (outcomes(ledger) and outcomes(ledger)[0][0] == "aborted"):
        time.sleep(0.1)
    print("interrupted")
"""
    environment = {**os.environ, "TESTS": str(Path(__file__).parent)}
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "ledger.db")], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert run.stdout == "interrupted\n", run.stderr


def test_progress_is_reported_and_its_exception_raised() -> None:
    import pyarrow as pa

    def slow() -> Any:
        def batches() -> Iterator[Any]:
            for start in range(4):
                time.sleep(0.1)
                yield pa.record_batch({"id": [f"app-{start}-{number}" for number in range(70_000)]})

        return pa.RecordBatchReader.from_batches(pa.schema({"id": pa.string()}), batches())

    gate, seen = reprieve.Gate(["mode"]), list[int]()
    gate.decide(request_of(0), targets=slow(), progress=lambda rows, done, of: seen.append(rows))
    assert seen == sorted(seen)

    def fail(rows: int, done: int, of: int) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        targets = [{"id": f"app-{number}", "kind": "app"} for number in range(1_000_000)]
        gate.decide(request_of(0), targets=targets, progress=fail)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_gate_does_not_cross_a_fork() -> None:
    script = """
import os, sys
sys.path[:0] = [os.environ["TESTS"]]
import warnings; warnings.simplefilter("ignore")
import reprieve
from conftest import request_of
gate = reprieve.Gate(["mode"])
assert gate.decide(request_of(1)).allowed
child = os.fork()
if not child:
    try:
        gate.vet(request_of(1))
    except reprieve.GateError as error:
        os._exit(0 if "fork" in str(error) else 1)
    os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = {**os.environ, "TESTS": str(Path(__file__).parent)}
    run = subprocess.run([sys.executable, "-c", script], timeout=60, env=environment, check=False)
    assert run.returncode == 0


@pytest.mark.skipif("REPRIEVE_TEST_MODULE" not in os.environ, reason="no module was built")
def test_a_module_of_unknown_origin_is_compiled_by_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Path(os.environ["REPRIEVE_TEST_MODULE"])
    (tmp_path / "policies.wasm").write_bytes(module.read_bytes())
    config = tmp_path / "reprieve.toml"
    config.write_text('[[policy]]\nuse = "policies.wasm"\nname = "mode"\n')
    assert reprieve.Gate.from_config(config).vet(request_of(2)).decision.allowed
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(reprieve.GateError, match="cannot be started to compile it"):
        reprieve.Gate.from_config(config)


def test_codes_are_explained(gate: reprieve.Gate) -> None:
    (rule,) = reprieve.explain("identity/kind-mismatch")
    assert "setting max_mismatch" in str(rule) and rule.nature == "wrong"
    assert len(reprieve.explain("identity")) > 5
    assert reprieve.explain("gate/halted", gate=gate)[0].never_lifted
    assert reprieve.explain("fuel") == reprieve.explain("identity/fuel")
    with pytest.raises(reprieve.ReprieveError, match="no code"):
        reprieve.explain("identity/nothing")
    codes = {entry.code for entry in reprieve.explain()}
    with pytest.raises(reprieve.Denied) as raised:
        gate.vet(ATLASSIAN / "request.json", at=AT)
    assert {finding.code for finding in raised.value.findings} <= codes


def test_files_of_other_tools_are_read() -> None:
    plans = sorted((ROOT / "host/readers/tests/data/terraform").rglob("*.json"))
    assert plans and "terraform" in reprieve.formats()
    read = 0
    for plan in plans:
        try:
            reading = reprieve.read("terraform", plan)
        except reprieve.RequestError:
            continue
        if reading.items:
            read += 1
            request = {**request_of(0), "targets": reading.items}
            assert reprieve.Gate(["mode"]).decide(request).targets == len(reading.items)
    assert read
    with pytest.raises(reprieve.RequestError, match="did you mean `terraform`"):
        reprieve.read("terrafrom", plans[0])
