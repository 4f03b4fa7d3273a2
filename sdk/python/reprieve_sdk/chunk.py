"""Targets as columns.

A column can be asked for one row (`i64(row)`) or for all of them at once (`i64s()`), which is several times faster.
What is unknown is `None`, a column of another type is unknown throughout, and so is one that this batch does not
have."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

T = TypeVar("T")

_BITS = [tuple(byte >> bit & 1 == 1 for bit in range(8)) for byte in range(256)]


class Column:
    """One column: a value a row. This class itself is a column of which nothing is known."""

    __slots__ = ("name", "rows", "_validity")

    def __init__(self, name: str, rows: int, validity: bytes | None = None) -> None:
        self.name = name
        """Its name."""
        self.rows = rows
        """How many rows it has."""
        self._validity = validity

    def is_known(self, i: int) -> bool:
        """Whether the value of row `i` is known."""
        return False

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
        """The answer of `test` for the text of each row, with one call per distinct value instead of one per row."""
        return [None] * self.rows

    def judge(self, test: Callable[[str], T], each: Callable[[int, T | None], object]) -> None:
        """Calls `each` with the row number in the chunk and `test`'s answer for its text, or `None` where it is
        unknown."""
        for row, verdict in enumerate(self.verdicts(test)):
            each(row, verdict)


_Bool = bool  # `Column.bool` hides the type inside the class.


class _Known(Column):
    """A column with values, all of them known or those that the bitmap says."""

    __slots__ = ()

    def is_known(self, i: int) -> bool:
        bits = self._validity
        return 0 <= i < self.rows and (bits is None or bits[i >> 3] >> (i & 7) & 1 == 1)

    def _where_known(self, values: Sequence[T]) -> Sequence[T | None]:
        bits = self._validity
        if bits is None:
            return values
        return [value if known else None for value, known in zip(values, spread(bits))]


class U64Column(_Known):
    """Counts or sizes."""

    __slots__ = ("_values",)

    def __init__(self, name: str, values: Sequence[int], validity: bytes | None = None) -> None:
        super().__init__(name, len(values), validity)
        self._values = values

    def u64(self, i: int) -> int | None:
        return self._values[i] if self.is_known(i) else None

    def u64s(self) -> Sequence[int | None]:
        return self._where_known(self._values)


class I64Column(_Known):
    """Times."""

    __slots__ = ("_values",)

    def __init__(self, name: str, values: Sequence[int], validity: bytes | None = None) -> None:
        super().__init__(name, len(values), validity)
        self._values = values

    def i64(self, i: int) -> int | None:
        return self._values[i] if self.is_known(i) else None

    def i64s(self) -> Sequence[int | None]:
        return self._where_known(self._values)


class BoolColumn(_Known):
    """Yes or no, as a bitmap."""

    __slots__ = ("_bits",)

    def __init__(self, name: str, rows: int, bits: bytes, validity: bytes | None = None) -> None:
        super().__init__(name, rows, validity)
        self._bits = bits

    def bool(self, i: int) -> bool | None:
        return self._bits[i >> 3] >> (i & 7) & 1 == 1 if self.is_known(i) else None

    def bools(self) -> "Sequence[_Bool | None]":
        return self._where_known(list(spread(self._bits))[: self.rows])


class StringColumn(_Known):
    """Texts end to end."""

    __slots__ = ("_offsets", "_bytes")

    def __init__(self, name: str, offsets: Sequence[int], data: bytes, validity: bytes | None = None) -> None:
        super().__init__(name, len(offsets) - 1, validity)
        self._offsets = offsets
        self._bytes = data

    def text(self, i: int) -> str | None:
        return self._bytes[self._offsets[i] : self._offsets[i + 1]].decode() if self.is_known(i) else None

    def texts(self) -> Sequence[str | None]:
        return self._where_known(decode(self._offsets, self._bytes))

    def verdicts(self, test: Callable[[str], T]) -> Sequence[T | None]:
        answers: dict[str, T] = {}
        return [None if text is None else _answer(answers, test, text) for text in self.texts()]


class CodeColumn(_Known):
    """Texts with few distinct values: a dictionary, and an index into it for each row."""

    __slots__ = ("_dictionary", "_codes")

    def __init__(
        self, name: str, dictionary: Sequence[str], codes: Sequence[int], validity: bytes | None = None
    ) -> None:
        super().__init__(name, len(codes), validity)
        self._dictionary = dictionary
        self._codes = codes

    def text(self, i: int) -> str | None:
        return self._dictionary[self._codes[i]] if self.is_known(i) else None

    def texts(self) -> Sequence[str | None]:
        return self._looked_up(self._dictionary)

    def verdicts(self, test: Callable[[str], T]) -> Sequence[T | None]:
        return self._looked_up([test(text) for text in self._dictionary])

    def _looked_up(self, values: Sequence[T]) -> Sequence[T | None]:
        bits = self._validity
        if bits is None:
            return [values[code] for code in self._codes]
        # An unknown row has code 0, and the dictionary may be empty.
        return [values[code] if known else None for code, known in zip(self._codes, spread(bits))]


class Chunk:
    """A run of consecutive targets."""

    def __init__(self, first_row: int, rows: int, columns: Sequence[Column]) -> None:
        self.first_row = first_row
        """Row number of the first target in the whole batch."""
        self.rows = rows
        """How many targets."""
        self.columns = columns
        """The columns asked for, less those this batch does not have."""

    def column(self, name: str) -> Column:
        """The column of that name. One that this batch does not have is unknown for every row."""
        for column in self.columns:
            if column.name == name:
                return column
        return Column(name, self.rows)

    def has(self, name: str) -> bool:
        """Whether this batch has a column of that name."""
        return any(column.name == name for column in self.columns)

    def row(self, row: int) -> int:
        """The row's number in the whole batch."""
        return self.first_row + row


def decode(offsets: Sequence[int], data: bytes) -> list[str]:
    """Strings that stand end to end."""
    return [data[start:end].decode() for start, end in zip(offsets, offsets[1:])]


def spread(bits: bytes) -> "chain[_Bool]":
    """A bitmap as one truth value a bit; the last byte may have some too many."""
    return chain.from_iterable(map(_BITS.__getitem__, bits))


def _answer(answers: dict[str, T], test: Callable[[str], T], text: str) -> T:
    if text not in answers:
        answers[text] = test(text)
    return answers[text]
