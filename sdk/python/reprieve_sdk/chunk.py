"""Targets as columns.

A column can be asked for one row (`i64(row)`) or for all of them at once (`i64s()`), which takes a third of the time.
What is unknown is `None`, a column of another type is unknown throughout, and so is one that this batch does not
have."""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeVar

T = TypeVar("T")

_BITS = [tuple(byte >> bit & 1 == 1 for bit in range(8)) for byte in range(256)]


class Column:
    """One column: a value a row. This class itself is a column of which nothing is known."""

    def __init__(self, name: str, rows: int) -> None:
        self.name = name
        """Its name."""
        self.rows = rows
        """How many rows it has."""

    def text(self, i: int) -> str | None:
        """The text of row `i`, where it is known."""
        return None

    def u64(self, i: int) -> int | None:
        """The count or size in row `i`, where it is known."""
        return None

    def i64(self, i: int) -> int | None:
        """The time in row `i` in seconds since 1970-01-01T00:00:00Z, where it is known."""
        return None

    def bool(self, i: int) -> bool | None:
        """Yes or no in row `i`, where it is known."""
        return None

    def texts(self) -> Sequence[str | None]:
        """The texts of all rows."""
        return [None] * self.rows

    def u64s(self) -> Sequence[int | None]:
        """The counts or sizes of all rows."""
        return [None] * self.rows

    def i64s(self) -> Sequence[int | None]:
        """The times of all rows."""
        return [None] * self.rows

    def bools(self) -> "Sequence[_Bool | None]":
        """Yes or no for all rows."""
        return [None] * self.rows

    def verdicts(self, test: Callable[[str], T]) -> Sequence[T | None]:
        """The answer of `test` for the text of each row, with one call per distinct text instead of one per row."""
        return [None] * self.rows

    def judge(self, test: Callable[[str], T], each: Callable[[int, T | None], object]) -> None:
        """Calls `each` with the row number in the chunk and `test`'s answer for its text, or `None` where it is
        unknown."""
        for row, verdict in enumerate(self.verdicts(test)):
            each(row, verdict)


_Bool = bool  # `Column.bool` hides the type inside the classes.


class U64Column(Column):
    """Counts or sizes."""

    def __init__(self, name: str, values: Sequence[int], validity: bytes | None = None) -> None:
        super().__init__(name, len(values))
        self._values, self._validity = values, validity

    # Worked out for all rows at once, at the first look: that costs less than looking at the bitmap row by row.
    @cached_property
    def _cells(self) -> Sequence[int | None]:
        return _where_known(self._values, self._validity)

    def u64(self, i: int) -> int | None:
        return self._cells[i] if 0 <= i < self.rows else None

    def u64s(self) -> Sequence[int | None]:
        return self._cells


class I64Column(Column):
    """Times."""

    def __init__(self, name: str, values: Sequence[int], validity: bytes | None = None) -> None:
        super().__init__(name, len(values))
        self._values, self._validity = values, validity

    @cached_property
    def _cells(self) -> Sequence[int | None]:
        return _where_known(self._values, self._validity)

    def i64(self, i: int) -> int | None:
        return self._cells[i] if 0 <= i < self.rows else None

    def i64s(self) -> Sequence[int | None]:
        return self._cells


class BoolColumn(Column):
    """Yes or no, as a bitmap."""

    def __init__(self, name: str, rows: int, bits: bytes, validity: bytes | None = None) -> None:
        super().__init__(name, rows)
        self._bits, self._validity = bits, validity

    @cached_property
    def _cells(self) -> "Sequence[_Bool | None]":
        return _where_known(list(_spread(self._bits))[: self.rows], self._validity)

    def bool(self, i: int) -> "_Bool | None":
        return self._cells[i] if 0 <= i < self.rows else None

    def bools(self) -> "Sequence[_Bool | None]":
        return self._cells


class StringColumn(Column):
    """Texts end to end: text `i` is `data[offsets[i]:offsets[i + 1]]`."""

    def __init__(self, name: str, offsets: Sequence[int], data: bytes, validity: bytes | None = None) -> None:
        super().__init__(name, len(offsets) - 1)
        self._offsets, self._data, self._validity = offsets, data, validity

    @cached_property
    def _cells(self) -> Sequence[str | None]:
        return _where_known(decode(self._offsets, self._data), self._validity)

    def text(self, i: int) -> str | None:
        return self._cells[i] if 0 <= i < self.rows else None

    def texts(self) -> Sequence[str | None]:
        return self._cells

    def verdicts(self, test: Callable[[str], T]) -> Sequence[T | None]:
        answers = {text: test(text) for text in dict.fromkeys(self._cells) if text is not None}
        return [None if text is None else answers[text] for text in self._cells]


class CodeColumn(Column):
    """Texts with few distinct values: a dictionary, and an index into it for each row."""

    def __init__(
        self, name: str, dictionary: Sequence[str], codes: Sequence[int], validity: bytes | None = None
    ) -> None:
        super().__init__(name, len(codes))
        self._dictionary, self._codes, self._validity = dictionary, codes, validity

    @cached_property
    def _cells(self) -> Sequence[str | None]:
        return self._looked_up(self._dictionary)

    def text(self, i: int) -> str | None:
        return self._cells[i] if 0 <= i < self.rows else None

    def texts(self) -> Sequence[str | None]:
        return self._cells

    def verdicts(self, test: Callable[[str], T]) -> Sequence[T | None]:
        return self._looked_up([test(text) for text in self._dictionary])

    def _looked_up(self, values: Sequence[T]) -> Sequence[T | None]:
        if self._validity is None:
            return [values[code] for code in self._codes]
        # An unknown row has code 0, and the dictionary may be empty.
        return [values[code] if known else None for code, known in zip(self._codes, _spread(self._validity))]


class Chunk:
    """A run of consecutive targets."""

    def __init__(self, first_row: int, rows: int, columns: Sequence[Column]) -> None:
        self.first_row = first_row
        """Row number of the first target in the whole batch."""
        self.rows = rows
        """How many targets."""
        self.columns = columns
        """The columns asked for, less those this batch does not have."""
        self.asked: Sequence[str] = ()
        """The names of all that were asked for. A session writes them; none is for none to be checked."""

    def column(self, name: str) -> Column:
        """The column of that name. One that this batch does not have is unknown for every row; one that the policy
        does not ask for would be unknown in every batch, and is a `ValueError`."""
        return self._find(name) or Column(name, self.rows)

    def has(self, name: str) -> bool:
        """Whether this batch has a column of that name."""
        return self._find(name) is not None

    def _find(self, name: str) -> Column | None:
        if self.asked and name not in self.asked:
            raise ValueError(f"`{name}` is not among COLUMNS: {', '.join(self.asked)}")
        return next((column for column in self.columns if column.name == name), None)

    def row(self, row: int) -> int:
        """The row's number in the whole batch."""
        return self.first_row + row


def decode(offsets: Sequence[int], data: bytes) -> list[str]:
    """Strings that stand end to end."""
    return [data[start:end].decode() for start, end in zip(offsets, offsets[1:])]


def _spread(bits: bytes) -> "chain[_Bool]":
    """A bitmap as one truth value a bit; the last byte may have some too many."""
    return chain.from_iterable(map(_BITS.__getitem__, bits))


def _where_known(values: Sequence[T], validity: bytes | None) -> Sequence[T | None]:
    if validity is None:
        return values
    return [value if known else None for value, known in zip(values, _spread(validity))]
