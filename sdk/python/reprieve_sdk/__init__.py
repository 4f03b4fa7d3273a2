"""Write a Reprieve policy in Python.

A policy is a settings class, a list of rules and one method. A complete `policy.py`:

    from reprieve_sdk import Context, Findings, Policy, Rule, Settings, setting


    class Limits(Settings):
        max_targets: int = setting(
            default=100, min=0, max=1_000_000, unit="targets", doc="Targets that one batch may hold."
        )


    TOO_MANY = Rule(
        "too-many",
        "The batch holds more targets than one batch may.",
        "Small batches can be watched while they run, and restored in one go.",
        settings=["max_targets"],
        subject="size",
    )


    class SmallBatches(Policy[Limits, None]):
        NAME = "small-batches"
        VERSION = "0.1.0"
        SUMMARY = "Keeps batches small enough to watch."
        RULES = [TOO_MANY]

        def check(self, context: Context[Limits], state: None, findings: Findings) -> None:
            targets, max_targets = context.facts.targets, context.settings.max_targets
            if targets > max_targets:
                message = f"{targets} targets in one batch, and {max_targets} are allowed"
                finding = findings.deny(TOO_MANY, message).field("/targets").setting("max_targets")
                finding.help(f"split the list into batches of {max_targets}")

A policy that reads single targets lists the columns that it reads in `COLUMNS`. Its `observe` folds each chunk of them
into the state, the second type in `Policy[Settings, State]`. Its `merge` adds the state of another part of the batch.

The same code runs natively in unit tests: see `Session` and the module `testing`.
"""

from .chunk import Chunk, Column
from .claims import Claims
from .context import ApprovalIssue, Context
from .facts import Facts, InventoryFacts
from .findings import Finding, FindingBuilder, Findings, Severity
from .policy import Descriptor, Invalid, Policy, describe, validate
from .rows import Rows
from .rule import Limit, Measure, Nature, Rule, Subject
from .session import Session
from .settings import Settings, TimeZone, setting
from .words import non_blank, same_kind
from .timestamps import Duration, Timestamp

__all__ = [
    "ApprovalIssue",
    "Chunk",
    "Claims",
    "Column",
    "Context",
    "Descriptor",
    "Duration",
    "Facts",
    "Finding",
    "FindingBuilder",
    "Findings",
    "Invalid",
    "InventoryFacts",
    "Limit",
    "Measure",
    "Nature",
    "Policy",
    "Rows",
    "Rule",
    "Session",
    "Settings",
    "Severity",
    "Subject",
    "TimeZone",
    "Timestamp",
    "describe",
    "non_blank",
    "same_kind",
    "setting",
    "validate",
]
