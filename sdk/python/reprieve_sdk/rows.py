"""Counting offending targets."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Rows:
    """How many targets offend, and the first few of them. Adding up parts gives the same as counting in one pass."""

    EXAMPLES: ClassVar[int] = 5
    """Examples kept."""

    count: int = 0
    """How many."""
    examples: list[int] = field(default_factory=list)
    """The lowest row numbers, ascending."""

    def add_if(self, offends: bool, row: int) -> None:
        """Counts the row where `offends` holds."""
        if offends:
            self.add(row)

    def add(self, row: int) -> None:
        """Counts the row. Rows come in ascending order within a part."""
        self.count += 1
        if len(self.examples) < self.EXAMPLES:
            self.examples.append(row)

    def merge(self, other: "Rows") -> None:
        """Adds those of another part."""
        self.count += other.count
        self.examples = sorted(self.examples + other.examples)[: self.EXAMPLES]

    def any(self) -> bool:
        """Whether any row offends."""
        return self.count > 0
