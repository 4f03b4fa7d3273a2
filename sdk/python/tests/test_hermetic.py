import os
import platform
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from reprieve_sdk import hermetic
from reprieve_sdk.hermetic import linux_abi
from reprieve_sdk.hermetic.syscalls import FIXED_TIME

PRELUDE = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def status(name, flags=0, descriptor=-100):
    buffer = ctypes.create_string_buffer(b"\\xff" * 256, 256)
    if libc.statx(descriptor, name, flags, 0xFFF, buffer) != 0:
        return os.strerror(ctypes.get_errno())
    number = lambda at, size=8: int.from_bytes(buffer[at : at + size], "little")
    times = [number(at) for at in (64, 80, 96, 112)]
    return dict(mode=oct(number(28, 2)), number=number(32), size=number(40), times=times)
"""


IS_SYSTEM = f"{platform.system()} on {platform.machine()}" == linux_abi.SYSTEM
ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")


@unittest.skipUnless(
    IS_SYSTEM and ACTIONS.exists() and "user_notif" in ACTIONS.read_text(), f"requires {linux_abi.SYSTEM}"
)
class Hermetic(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name).resolve()

    def output(self, code: str, *arguments: str) -> str:
        run = hermetic.run(PRELUDE + code, arguments, self.path, os.environ)
        self.assertEqual(run.returncode, 0, run.stdout)
        return run.stdout.strip()

    def test_time_and_random_numbers_are_fixed(self) -> None:
        clocks = "[time.time(), time.clock_gettime(time.CLOCK_MONOTONIC), time.time()]"
        by_syscall = "libc.syscall(228, 0, at); libc.getrandom(random, 9, 0); print(list(at), random.raw)"
        output = self.output(
            f"print({clocks}, os.urandom(4)); at = (ctypes.c_long * 2)();"
            f"random = ctypes.create_string_buffer(b'x' * 9, 9); {by_syscall}"
        )
        fixed_time = float(FIXED_TIME)
        self.assertEqual(output, f"{[fixed_time] * 3} {bytes(4)!r}\n[{FIXED_TIME}, 0] {bytes(9)!r}")

    def test_file_metadata_is_fixed(self) -> None:
        (self.path / "folder").mkdir()
        (self.path / "folder" / "file").write_text("12345", encoding="utf-8")
        (self.path / "link").symlink_to("folder/file")
        os.utime(self.path / "folder" / "file", (7, 7))
        (self.path / "folder" / "file").chmod(0o640)
        (self.path / "folder").chmod(0o750)
        lines = self.output(
            "here = os.open('folder', os.O_RDONLY)\n"
            "for arguments in [(b'folder/file',), (b'link', 0x100), (b'file', 0, here), (b'', 0x1000, here),"
            " (b'none',), (b'folder/../folder/file',)]: print(status(*arguments))"
        ).splitlines()
        times = f"'times': {[FIXED_TIME] * 4}}}"
        file = f"{{'mode': '0o100640', 'number': 1, 'size': 5, {times}"
        self.assertEqual(lines[0], file)
        self.assertRegex(lines[1], "'mode': '0o120777', 'number': 2, 'size': 11")
        self.assertEqual(lines[2], file)
        self.assertRegex(lines[3], f"'mode': '0o40750', 'number': 3, 'size': 0, {times}".replace("[", r"\["))
        self.assertEqual(lines[4:], ["No such file or directory", file])

    def test_files_outside_the_folder_keep_their_metadata(self) -> None:
        outside = Path(__file__).resolve()
        output = self.output("print(status(os.fsencode(sys.argv[1]))['times'][3])", str(outside))
        self.assertEqual(int(output), int(outside.stat().st_mtime))
        listed = self.output("print(sorted(os.listdir(sys.argv[1])))", str(outside.parent))
        self.assertEqual(listed, str(sorted(os.listdir(outside.parent))))

    def test_folders_are_listed_completely_and_by_name(self) -> None:
        names = [f"{number * 7919 % 5000:x}-ä{'x' * 40}" for number in range(5000)]
        for name in names:
            (self.path / name).touch()
        code = "print(os.listdir('.') == sorted(os.listdir('.')), len(os.listdir('.')), *os.listdir('.')[:2])"
        self.assertEqual(self.output(code), " ".join(["True", "5000", *sorted(names)[:2]]))

    def test_system_calls_of_threads_are_intercepted(self) -> None:
        code = """
import threading
found = []
def ask():
    for _ in range(50):
        found.append((os.urandom(3), tuple(os.listdir('.')), status(b'.')['size']))
threads = [threading.Thread(target=ask) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(len(found), set(found))
"""
        self.assertEqual(self.output(code), f"400 {{({bytes(3)!r}, (), 0)}}")

    def test_returns_output_and_exit_status(self) -> None:
        run = hermetic.run("import sys; print('x' * 3_000_000); sys.exit(3)", [], self.path, os.environ)
        self.assertEqual((run.returncode, len(run.stdout)), (3, 3_000_001))
        run = hermetic.run("import os; os.kill(os.getpid(), 9)", [], self.path, os.environ)
        self.assertEqual(run.returncode, -9)
        run = hermetic.run("1 / 0", [], self.path, os.environ)
        self.assertEqual(run.returncode, 1)
        self.assertIn("ZeroDivisionError", run.stdout)

    def test_reports_why_a_hermetic_run_is_unavailable(self) -> None:
        # A process has at most one listener, and this one already has one.
        code = """
from pathlib import Path
from reprieve_sdk import hermetic
try:
    hermetic.run("print('never')", [], Path.cwd(), os.environ)
except hermetic.Unavailable as reason:
    print(reason)
"""
        with mock.patch.dict(os.environ, PYTHONPATH=str(Path(hermetic.__file__).parents[2])):
            self.assertEqual(self.output(code), "the kernel refused the seccomp filter: Device or resource busy")
        with (
            mock.patch("platform.machine", return_value="riscv64"),
            self.assertRaisesRegex(hermetic.Unavailable, "this is Linux on riscv64"),
        ):
            hermetic.run("", [], self.path, os.environ)


if __name__ == "__main__":
    unittest.main()
