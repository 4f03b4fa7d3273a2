"""Targets as columns.

Read a column row by row (`i64(row)`) or all rows at once (`i64s()`), which takes a third of the time. An unknown value
is `None`. Every row is unknown if the column is of another type, or if this batch does not have it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeVar

T = TypeVar("T")

_BITS = [tuple(byte >> bit & 1 == 1 for bit in range(8)) for byte in range(256)]


class Column:
    """One column: one value per row. In this base class every row is unknown."""

    def __init__(self, name: str, rows: int) -> None:
        self.name = name
        """The name of the column."""
        self.rows = rows
        """The number of rows."""

    def text(self, i: int) -> str | None:
        """The text in row `i`, if it is known."""
        return None

    def u64(self, i: int) -> int | None:
        """The count or size in row `i`, if it is known."""
        return None

    def i64(self, i: int) -> int | None:
        """The time in row `i` in seconds since 1970-01-01T00:00:00Z, if it is known."""
        return None

    def bool(self, i: int) -> bool | None:
        """The truth value in row `i`, if it is known."""
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
        """The truth values of all rows."""
        return [None] * self.rows

    def map_texts(self, function: Callable[[str], T]) -> Sequence[T | None]:
        """The result of `function` for the text of each row, or `None` if the text is unknown. Calls `function` once
        per distinct text instead of once per row."""
        return [None] * self.rows

    def map_distinct(self, function: Callable[[str], T], each: Callable[[int, T | None], object]) -> None:
        """Calls `function` once per distinct text, and `each` once per row: with the row number in the chunk and the
        result of `function` for its text, or `None` if the text is unknown."""
        for row, result in enumerate(self.map_texts(function)):
            each(row, result)


_Bool = bool  # `Column.bool` hides the type inside the classes.


class U64Column(Column):
    """Counts or sizes."""

    def __init__(self, name: str, values: Sequence[int], validity: bytes | None = None) -> None:
        super().__init__(name, len(values))
        self._values, self._validity = values, validity

    # Decoded for all rows on first use: this costs less than reading the bitmap row by row.
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
    """Truth values, as a bitmap."""

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
    """Texts, concatenated: text `i` is `data[offsets[i]:offsets[i + 1]]`."""

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

    def map_texts(self, function: Callable[[str], T]) -> Sequence[T | None]:
        results = {text: function(text) for text in dict.fromkeys(self._cells) if text is not None}
        return [None if text is None else results[text] for text in self._cells]


class CodeColumn(Column):
    """Texts with few distinct values: a dictionary, and an index into it for each row."""

    def __init__(
        self, name: str, dictionary: Sequence[str], codes: Sequence[int], validity: bytes | None = None
    ) -> None:
        super().__init__(name, len(codes))
        self._dictionary, self._codes, self._validity = dictionary, codes, validity

    @cached_property
    def _cells(self) -> Sequence[str | None]:
        return self._decoded(self._dictionary)

    def text(self, i: int) -> str | None:
        return self._cells[i] if 0 <= i < self.rows else None

    def texts(self) -> Sequence[str | None]:
        return self._cells

    def map_texts(self, function: Callable[[str], T]) -> Sequence[T | None]:
        return self._decoded([function(text) for text in self._dictionary])

    def _decoded(self, values: Sequence[T]) -> Sequence[T | None]:
        if self._validity is None:
            return [values[code] for code in self._codes]
        # An unknown row has code 0, and the dictionary may be empty.
        return [values[code] if known else None for code, known in zip(self._codes, _spread(self._validity))]


class Chunk:
    """A run of consecutive targets."""

    def __init__(self, first_row: int, rows: int, columns: Sequence[Column]) -> None:
        self.first_row = first_row
        """The row number of the first target in the whole batch."""
        self.rows = rows
        """The number of targets."""
        self.columns = columns
        """The requested columns, without those that this batch does not have."""
        self.requested: Sequence[str] = ()
        """Requested columns, set by `Session`. Empty: `column` does not check."""

    def column(self, name: str) -> Column:
        """The column of that name. If this batch does not have it, every row is unknown. Raises `ValueError` if the
        name is not in COLUMNS: such a column would be unknown in every batch."""
        return self._find(name) or Column(name, self.rows)

    def has(self, name: str) -> bool:
        """Whether this batch has a column of that name."""
        return self._find(name) is not None

    def _find(self, name: str) -> Column | None:
        if self.requested and name not in self.requested:
            raise ValueError(f"`{name}` is not in COLUMNS ({', '.join(self.requested)}); add it there")
        return next((column for column in self.columns if column.name == name), None)

    def row(self, row: int) -> int:
        """The row number in the whole batch of a row of this chunk."""
        return self.first_row + row


def decode(offsets: Sequence[int], data: bytes) -> list[str]:
    """Splits concatenated strings."""
    return [data[start:end].decode() for start, end in zip(offsets, offsets[1:])]


def _spread(bits: bytes) -> "chain[_Bool]":
    """The bits of a bitmap as truth values. The last byte may have more bits than there are rows."""
    return chain.from_iterable(map(_BITS.__getitem__, bits))


def _where_known(values: Sequence[T], validity: bytes | None) -> Sequence[T | None]:
    if validity is None:
        return values
    return [value if known else None for value, known in zip(values, _spread(validity))]
