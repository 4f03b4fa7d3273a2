"""The native half. Only the other modules of this package use it."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, final

__all__ = [
    "Gate",
    "Planned",
    "Vetted",
    "__version__",
    "compile_worker",
    "create_ledger",
    "draft",
    "explain",
    "formats",
    "read",
    "targets_sha256",
]

__version__: str

@final
class Gate:
    def __new__(
        cls,
        config: Path | None,
        policies: str | None,
        inventory: object | None,
        history: object | None,
        ledger: str | None,
        record: bool,
        memory: int,
        threads: int | None,
        worker: tuple[Path, list[str]],
    ) -> Gate: ...
    def vet(
        self,
        request: str | Path,
        targets: object | None,
        columns: list[tuple[str, list[str]]],
        at: str | None,
        with_override: Path | None,
        progress: Callable[[int, int, int], object] | None,
    ) -> Vetted: ...
    def split(
        self,
        request: str | Path,
        targets: object | None,
        columns: list[tuple[str, list[str]]],
        at: str | None,
        tenants: int | None,
    ) -> str: ...
    def plan(
        self,
        request: str | Path,
        targets: object | None,
        columns: list[tuple[str, list[str]]],
        at: str | None,
    ) -> str: ...
    def planned(self, plan: str, folder: Path | None) -> Planned: ...
    def policies(self) -> str: ...
    def set_sha256(self) -> str: ...
    def records(self) -> bool: ...
    def explain(self, code: str | None) -> str: ...

@final
class Planned:
    BUCKETS: ClassVar[int]
    def sections(self) -> int: ...
    def count(self, section: int) -> tuple[bytes, list[bytes]]: ...
    def duplicates(self, bucket: int, ids: list[bytes]) -> bytes: ...
    def facts(self, counts: list[bytes], duplicates: list[bytes]) -> bytes: ...
    def observe(self, facts: bytes, section: int) -> bytes: ...
    def decide(
        self,
        counts: list[bytes],
        duplicates: list[bytes],
        facts: bytes,
        states: list[bytes],
        with_override: Path | None,
    ) -> Vetted: ...

@final
class Vetted:
    def verdict(self) -> str: ...
    def document(self) -> str: ...
    def report(self) -> str: ...
    def chunks(self) -> int: ...
    def chunk_ids(self, chunk: int) -> list[str]: ...
    def commit(self, succeeded: bool, deleted: int | None, note: str | None) -> None: ...
    def abort(self, reason: str) -> None: ...

def compile_worker() -> None: ...
def create_ledger(name: str) -> None: ...
def draft(targets: object, columns: list[tuple[str, list[str]]], said: str) -> str: ...
def explain(code: str | None) -> str: ...
def formats() -> list[tuple[str, str]]: ...
def read(format: str, path: Path, kind: str | None, id: list[str], no_header: bool) -> str: ...
def targets_sha256(targets: object) -> str: ...
