"""Counting offending targets."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Rows:
    """The number of offending targets, and the first few of them. Merging parts is equal to counting in one pass."""

    MAX_EXAMPLES: ClassVar[int] = 5
    """How many examples are kept."""

    count: int = 0
    """The number of offending targets."""
    examples: list[int] = field(default_factory=list)
    """The lowest row numbers, ascending."""

    def add_if(self, offends: bool, row: int) -> None:
        """Counts the row if `offends` holds."""
        if offends:
            self.add(row)

    def add(self, row: int) -> None:
        """Counts the row. Within a part, add rows in ascending order."""
        self.count += 1
        if len(self.examples) < self.MAX_EXAMPLES:
            self.examples.append(row)

    def merge(self, other: "Rows") -> None:
        """Adds the rows of another part."""
        self.count += other.count
        self.examples = sorted(self.examples + other.examples)[: self.MAX_EXAMPLES]

    def any(self) -> bool:
        """Whether any row offends."""
        return self.count > 0
