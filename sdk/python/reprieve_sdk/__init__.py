"""Write a Reprieve policy in Python.

A policy is a settings class, a list of rules and one method. Here is a whole one, the file `policy.py`:

    from reprieve_sdk import Case, Findings, Policy, Rule, Settings, setting


    class Limits(Settings):
        max_targets: int = setting(
            default=100, least=0, most=1_000_000, unit="targets", doc="Targets that one batch may hold."
        )


    TOO_MANY = Rule(
        "too-many",
        "The batch holds more targets than one batch may.",
        "Small batches can be watched while they run, and restored in one go.",
        settings=["max_targets"],
    )


    class SmallBatches(Policy[Limits, None]):
        NAME = "small-batches"
        VERSION = "0.1.0"
        SUMMARY = "Keeps batches small enough to watch."
        RULES = [TOO_MANY]

        def check(self, case: Case[Limits], state: None, findings: Findings) -> None:
            targets, most = case.facts.targets, case.settings.max_targets
            if targets > most:
                findings.deny(TOO_MANY, f"{targets} targets in one batch, and {most} are allowed").field(
                    "/targets"
                ).setting("max_targets").help(f"split the list into batches of {most}")

A policy that looks at single targets names the columns it wants in `COLUMNS` and folds each chunk of them into its
state, the second type in `Policy[Settings, State]`; `merge` adds up the states of parts that were looked at
elsewhere.

The same code runs natively in unit tests: see `Session` and the module `testing`.
"""

from .case import Case, Objection, said, same_kind
from .chunk import Chunk, Column
from .findings import Draft, Finding, Findings, Severity
from .model import Claims, Facts, InventoryFacts
from .policy import Descriptor, Invalid, Policy, describe, validate
from .rows import Rows
from .rule import Rule
from .session import Session
from .settings import Settings, TimeZone, setting
from .timestamps import Duration, Timestamp

__all__ = [
    "Case",
    "Chunk",
    "Claims",
    "Column",
    "Descriptor",
    "Draft",
    "Duration",
    "Facts",
    "Finding",
    "Findings",
    "Invalid",
    "InventoryFacts",
    "Objection",
    "Policy",
    "Rows",
    "Rule",
    "Session",
    "Settings",
    "Severity",
    "TimeZone",
    "Timestamp",
    "describe",
    "said",
    "same_kind",
    "setting",
    "validate",
]
