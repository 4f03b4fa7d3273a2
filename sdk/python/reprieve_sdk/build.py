"""Builds a policy into a component: `python -m reprieve_sdk.build PROJECT -o OUT.wasm`.

The project is a folder with `policy.py`. Its other modules and packages go along, installed packages do not."""

import argparse
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import hermetic, wasm

COMPONENTIZE_PY = "0.25.1"
"""The version that this package was written for."""

_HERE = Path(__file__).parent
_OUTSIDE = ("build.py", "testing.py", "wasm.py")
_LEFT_OUT = {"__pycache__", "build", "cases", "dist", "node_modules", "tests"}

# The C library inside has an `open` too, and componentize-py links both by name. So the contract is read with another
# name, and the finished component gets the right one.
_OPEN, _OPEN_INSIDE = "open", "open-pass"

_COMPONENTIZE = "import sys, componentize_py; sys.exit(componentize_py.script())"

# What it says where the memory that it is to keep is larger than it can take, some 100 MiB.
_TOO_MUCH = "too much data is being copied between the host and the guest"

_APP = """\
from reprieve_sdk.guest import world
import policy

WitWorld = world(policy)
"""


class Failed(Exception):
    """The build cannot go on, for a reason that its user can see to."""


def build(project: Path, out: Path) -> str | None:
    """Builds the project into one file. The same source gives the same bytes, or else the reason why not is returned."""
    _check_tool()
    if not (project / "policy.py").is_file():
        raise Failed(f"there is no policy.py in {project}")
    with tempfile.TemporaryDirectory(prefix="reprieve-") as folder:
        stage = Path(folder).resolve()
        (stage / "tmp").mkdir()
        (stage / "site-packages" / "lib" / "site-packages").mkdir(parents=True)
        (stage / "policy.wit").write_text(_contract(), encoding="utf-8")
        _lay_out(project, stage / "app")
        differs_for = _componentize(stage)
        try:
            component = wasm.finish((stage / "out.wasm").read_bytes(), _OPEN_INSIDE.encode(), _OPEN.encode())
        except wasm.Malformed as error:
            raise Failed(f"componentize-py made a component that cannot be finished: {error}") from None
    out.parent.mkdir(parents=True, exist_ok=True)
    # A build that is interrupted must not leave half a policy behind.
    unfinished = out.with_name(out.name + ".unfinished")
    unfinished.write_bytes(component)
    os.replace(unfinished, out)
    return differs_for


def _check_tool() -> None:
    try:
        found = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        found = None
    if found != COMPONENTIZE_PY:
        state = "is not installed" if found is None else f"has version {found}, and {COMPONENTIZE_PY} is needed"
        raise Failed(f"componentize-py {state}: {sys.executable} -m pip install componentize-py=={COMPONENTIZE_PY}")


def _contract() -> str:
    """The contract, which stands in the package, or beside it in a checkout."""
    for path in (_HERE / "policy.wit", _HERE.parents[1] / "wit" / "policy.wit"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            break
    else:
        raise Failed("policy.wit is missing from reprieve_sdk; install the package again")
    before, found, after = text.partition(f"export {_OPEN}:")
    if not found:
        raise Failed("policy.wit has no `open`; install the package again")
    return f"{before}export {_OPEN_INSIDE}:{after}"


def modules(project: Path) -> Iterator[Path]:
    """The Python files of a project that go into the component, relative to it."""
    for folder, folders, files in os.walk(project):
        here = Path(folder)
        # Sorted, so that the same project is laid out the same everywhere.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _LEFT_OUT and not (here / name / "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test_"):
                yield (here / name).relative_to(project)


def _lay_out(project: Path, app: Path) -> None:
    """Copies what is imported inside into one folder: the project, the SDK and what ties them together."""
    sources = [(project / path, app / path) for path in modules(project)]
    for path in sorted(_HERE.glob("*.py")):
        if path.name not in _OUTSIDE:
            sources.append((path, app / "reprieve_sdk" / path.name))
    for _, copy in sources:
        top = copy.relative_to(app).parts[0].removesuffix(".py")
        if top in sys.stdlib_module_names:
            # Inside, some of Python's own are loaded before, and yours would be taken for them.
            raise Failed(f"`{top}` is the name of a module of Python's own; give yours another")
    for source, copy in sources:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (app / "reprieve_app.py").write_text(_APP, encoding="utf-8")


def _componentize(stage: Path) -> str | None:
    """Runs componentize-py. Nothing that is installed here is to get into the component, so it is shown an empty
    environment. Gives the reason if another build would differ."""
    wit = ["-d", "policy.wit", "-w", "policy", "--quiet"]
    arguments = [*wit, "componentize", "--stub-wasi", "-p", "app", "reprieve_app", "-o", "out.wasm"]
    environment = {
        **os.environ,
        "VIRTUAL_ENV": str(stage / "site-packages"),
        "TMPDIR": str(stage / "tmp"),
        "RUST_BACKTRACE": "0",
    }
    differs_for = None
    try:
        run = hermetic.run(_COMPONENTIZE, arguments, stage, environment)
    except hermetic.Unavailable as unavailable:
        differs_for = str(unavailable)
        command = [sys.executable, "-c", _COMPONENTIZE, *arguments]
        run = subprocess.run(
            command,
            cwd=stage,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    if run.returncode != 0 or not (stage / "out.wasm").is_file():
        raise Failed(_reason(run.stdout))
    return differs_for


def _reason(said: str) -> str:
    """What componentize-py said, less its own part where the project could not be imported."""
    if _TOO_MUCH in said:
        return "policy.py keeps too much memory when it is imported; make less of it at the top of its modules"
    before, found, cause = said.rpartition("Caused by:")
    if not found:
        return f"componentize-py failed: {said.strip()}"
    traceback = before.partition("AssertionError: ")[2].strip()
    return f"policy.py cannot be imported: {cause.strip()}\n{traceback}".replace('"/0/', '"')


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m reprieve_sdk.build", description="Builds a policy.")
    parser.add_argument("project", type=Path, help="the folder with policy.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the component to write")
    arguments = parser.parse_args()
    try:
        differs_for = build(arguments.project, arguments.output)
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if differs_for:
        print(f"note: another build of this source will have another digest: {differs_for}", file=sys.stderr)
    print(f"{arguments.output}: {arguments.output.stat().st_size // 1024} KiB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
