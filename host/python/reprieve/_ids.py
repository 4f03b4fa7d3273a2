"""The ids of what may be deleted, exactly as they were vetted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol


class Chunks(Protocol):
    """Targets in chunks."""

    def chunks(self) -> int: ...
    def chunk_ids(self, chunk: int, /) -> list[str]: ...


def each_id(source: Chunks, check: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Each id, in the order of the list. ``check`` is called before each one, and may raise."""
    for chunk in range(source.chunks()):
        for id in source.chunk_ids(chunk):
            check()
            yield id


def check_size(size: int) -> None:
    """Refuses a size for which there are no batches."""
    if size < 1:
        raise ValueError(f"a batch has at least 1 id, not {size}")


def id_batches(source: Chunks, size: int, check: Callable[[], None] = lambda: None) -> Iterator[list[str]]:
    """The ids in lists of at most ``size`` ids, in the order of the list. ``check`` is called before each one, and may raise."""
    batch: list[str] = []
    for chunk in range(source.chunks()):
        batch += source.chunk_ids(chunk)
        whole = len(batch) - len(batch) % size
        for start in range(0, whole, size):
            check()
            yield batch[start : start + size]
        del batch[:whole]
    if batch:
        check()
        yield batch
