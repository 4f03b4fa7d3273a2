import contextlib
import importlib.metadata
import io
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from reprieve_sdk import build, hermetic, wasm


class Project(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)

    def write(self, *names: str) -> None:
        for name in names:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")

    def test_includes_code_and_nothing_else(self) -> None:
        kept = ["closed_days.py", "days/__init__.py", "days/names.py", "policy.py"]
        self.write(
            *kept,
            ".venv/lib/x.py",
            "venv/pyvenv.cfg",
            "venv/lib/x.py",
            "tests/x.py",
            "test_policy.py",
            "days/test_names.py",
            "__pycache__/x.py",
            "README.md",
            "cases/x.json",
        )
        self.assertEqual(sorted(path.as_posix() for path in build.modules(self.path)), kept)

    def test_lays_out_the_project_with_the_sdk(self) -> None:
        self.write("policy.py", "days/__init__.py")
        app = self.path / "out" / "app"
        build._lay_out(self.path, app)
        laid_out = {path.relative_to(app).as_posix() for path in app.rglob("*.py")}
        self.assertLessEqual(
            {"policy.py", "days/__init__.py", "reprieve_app.py", "reprieve_sdk/__init__.py", "reprieve_sdk/guest.py"},
            laid_out,
        )
        self.assertFalse({"reprieve_sdk/build.py", "reprieve_sdk/testing.py"} & laid_out)

    def test_rejects_the_name_of_a_standard_library_module(self) -> None:
        self.write("policy.py", "calendar.py")
        with self.assertRaisesRegex(build.Failed, "`calendar` is the name of a standard library module; rename yours"):
            build._lay_out(self.path, self.path / "out")

    def test_rejects_a_folder_without_a_policy(self) -> None:
        with mock.patch.object(build, "_check_tool"), self.assertRaisesRegex(build.Failed, "there is no policy.py"):
            build.build(self.path, self.path / "out.wasm")

    def test_reports_how_to_install_a_missing_tool(self) -> None:
        missing = importlib.metadata.PackageNotFoundError
        command = f"{sys.executable} -m pip install componentize-py=={build.COMPONENTIZE_PY}"
        for effect, error in [(missing, "is not installed"), (lambda _: "0.1.0", "has version 0.1.0")]:
            with (
                mock.patch("importlib.metadata.version", mock.Mock(side_effect=effect)),
                self.assertRaises(build.Failed) as failed,
            ):
                build.build(self.path, self.path / "out.wasm")
            self.assertIn(error, str(failed.exception))
            self.assertIn(command, str(failed.exception))
        self.assertEqual(os.listdir(self.path), [])

    def test_reports_a_build_that_is_not_reproducible(self) -> None:
        self.write("policy.py")
        out = self.path / "out.wasm"

        def componentize(_: list[str], cwd: Path, **__: object) -> subprocess.CompletedProcess[str]:
            (cwd / "out.wasm").write_bytes(b"built")
            return subprocess.CompletedProcess([], 0, "")

        with (
            mock.patch.object(build, "_check_tool"),
            mock.patch.object(hermetic, "run", side_effect=hermetic.Unavailable("no filters here")),
            mock.patch.object(subprocess, "run", side_effect=componentize),
            mock.patch.object(wasm, "strip", side_effect=lambda component: component),
            mock.patch.object(sys, "argv", ["build", str(self.path), "-o", str(out)]),
            contextlib.redirect_stderr(io.StringIO()) as output,
        ):
            self.assertEqual(build.main(), 0)
        note = "note: the build is not reproducible; another build will have another digest: no filters here\n"
        self.assertIn(note, output.getvalue())
        self.assertEqual(out.read_bytes(), b"built")


class Contract(unittest.TestCase):
    def test_is_read_without_changes(self) -> None:
        contract = build._contract().read_text(encoding="utf-8")
        self.assertEqual(contract.count("export begin: func(input: input)"), 1)
        in_checkout = (Path(build.__file__).parents[2] / "wit" / "policy.wit").read_text(encoding="utf-8")
        self.assertEqual(contract, in_checkout)


class Failures(unittest.TestCase):
    def test_the_error_starts_with_the_cause(self) -> None:
        output = 'Traceback\nAssertionError: Traceback\n  File "/0/policy.py", line 1\n\nCaused by:\n    NameError: x\n'
        self.assertEqual(
            build._reason(output),
            'policy.py cannot be imported: NameError: x\nTraceback\n  File "policy.py", line 1',
        )
        too_large = "Caused by:\n    1: too much data is being copied between the host and the guest: fuel\n"
        self.assertIn("uses too much memory when it is imported", build._reason(too_large))
        self.assertEqual(build._reason("no space left\n"), "componentize-py failed: no space left")


if __name__ == "__main__":
    unittest.main()
