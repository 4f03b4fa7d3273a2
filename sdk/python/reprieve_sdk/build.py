"""Builds a policy into a component: `python -m reprieve_sdk.build PROJECT -o OUT.wasm`.

The project is a folder with `policy.py`. The component includes its other modules and packages, but not installed
packages."""

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
"""The version that this package requires."""

_HERE = Path(__file__).parent
_SDK_EXCLUDED = {"build.py", "testing.py", "wasm.py"}
_PROJECT_EXCLUDED = {"__pycache__", "build", "cases", "dist", "node_modules", "tests"}

_COMPONENTIZE = "import sys, componentize_py; sys.exit(componentize_py.script())"

# componentize-py reports this if the memory of the snapshot is larger than about 100 MiB.
_SNAPSHOT_TOO_LARGE = "too much data is being copied between the host and the guest"

_APP = """\
from reprieve_sdk.guest import world
import policy

WitWorld = world(policy)
"""


class Failed(Exception):
    """The build failed. The text says what to do."""


def build(project: Path, out: Path) -> str | None:
    """Builds the project into one component. Returns `None`, or why another build of the same source will have other
    bytes."""
    _check_tool()
    if not (project / "policy.py").is_file():
        raise Failed(f"there is no policy.py in `{project}`")
    with tempfile.TemporaryDirectory(prefix="reprieve-") as folder:
        stage = Path(folder).resolve()
        (stage / "tmp").mkdir()
        (stage / "site-packages" / "lib" / "site-packages").mkdir(parents=True)
        shutil.copyfile(_contract(), stage / "policy.wit")
        _lay_out(project, stage / "app")
        not_reproducible = _componentize(stage)
        try:
            component = wasm.strip((stage / "out.wasm").read_bytes())
        except wasm.Malformed as error:
            raise Failed(f"componentize-py built an unexpected component: {error}") from None
    out.parent.mkdir(parents=True, exist_ok=True)
    # Written to another file first, so that an interrupted build does not leave a truncated component.
    unfinished = out.with_name(out.name + ".unfinished")
    unfinished.write_bytes(component)
    os.replace(unfinished, out)
    return not_reproducible


def _check_tool() -> None:
    try:
        found = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        found = None
    if found != COMPONENTIZE_PY:
        state = "is not installed" if found is None else f"has version {found}, but {COMPONENTIZE_PY} is required"
        raise Failed(f"componentize-py {state}: {sys.executable} -m pip install componentize-py=={COMPONENTIZE_PY}")


def _contract() -> Path:
    """The path of the contract: in the package, or beside it in a checkout."""
    for path in (_HERE / "policy.wit", _HERE.parents[1] / "wit" / "policy.wit"):
        if path.is_file():
            return path
    raise Failed("policy.wit is missing from reprieve_sdk; install the package again")


def modules(project: Path) -> Iterator[Path]:
    """The Python files of a project that the component includes, relative to the project."""
    for folder, folders, files in os.walk(project):
        here = Path(folder)
        # Sorted, so that the order does not depend on the file system.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _PROJECT_EXCLUDED and not (here / name / "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test_"):
                yield (here / name).relative_to(project)


def _lay_out(project: Path, app: Path) -> None:
    """Copies everything that the component imports into one folder: the project, the SDK, and the entry module."""
    sources = [(project / path, app / path) for path in modules(project)]
    for path in sorted(_HERE.glob("*.py")):
        if path.name not in _SDK_EXCLUDED:
            sources.append((path, app / "reprieve_sdk" / path.name))
    for _, copy in sources:
        top = copy.relative_to(app).parts[0].removesuffix(".py")
        if top in sys.stdlib_module_names:
            # The component loads some standard modules first, so an import would find those instead.
            raise Failed(f"`{top}` is the name of a standard library module; rename yours")
    for source, copy in sources:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (app / "reprieve_app.py").write_text(_APP, encoding="utf-8")


def _componentize(stage: Path) -> str | None:
    """Runs componentize-py in an empty virtual environment, so that no installed package gets into the component.
    Returns `None`, or why another build will differ."""
    wit = ["-d", "policy.wit", "-w", "policy", "--quiet"]
    arguments = [*wit, "componentize", "--stub-wasi", "-p", "app", "reprieve_app", "-o", "out.wasm"]
    environment = {
        **os.environ,
        "VIRTUAL_ENV": str(stage / "site-packages"),
        "TMPDIR": str(stage / "tmp"),
        "RUST_BACKTRACE": "0",
    }
    not_reproducible = None
    try:
        run = hermetic.run(_COMPONENTIZE, arguments, stage, environment)
    except hermetic.Unavailable as unavailable:
        not_reproducible = str(unavailable)
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
    return not_reproducible


def _reason(output: str) -> str:
    """Extracts the cause from the output of componentize-py. If the project cannot be imported, drops its own lines."""
    if _SNAPSHOT_TOO_LARGE in output:
        return "policy.py uses too much memory when it is imported; create less data at the top of its modules"
    before, found, cause = output.rpartition("Caused by:")
    if not found:
        return f"componentize-py failed: {output.strip()}"
    traceback = before.partition("AssertionError: ")[2].strip()
    return f"policy.py cannot be imported: {cause.strip()}\n{traceback}".replace('"/0/', '"')


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m reprieve_sdk.build", description="Builds a policy into a component."
    )
    parser.add_argument("project", type=Path, help="the folder with policy.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the component to write")
    arguments = parser.parse_args()
    try:
        not_reproducible = build(arguments.project, arguments.output)
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not_reproducible:
        print(
            f"note: the build is not reproducible; another build will have another digest: {not_reproducible}",
            file=sys.stderr,
        )
    print(f"{arguments.output}: {arguments.output.stat().st_size // 1024} KiB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
