"""Keeps batches small enough to watch."""

from reprieve_sdk import Context, Findings, Policy, Rule, Settings, setting


class Limits(Settings):
    """Settings of the policy `{{name}}`."""

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


class BatchSize(Policy[Limits, None]):
    """The policy `{{name}}`."""

    NAME = "{{name}}"
    VERSION = "0.1.0"
    SUMMARY = "Keeps batches small enough to watch."
    RULES = [TOO_MANY]

    def check(self, context: Context[Limits], state: None, findings: Findings) -> None:
        targets, max_targets = context.facts.targets, context.settings.max_targets
        if targets > max_targets:
            message = f"{targets} targets in one batch, and {max_targets} are allowed"
            finding = findings.deny(TOO_MANY, message).field("/targets").setting("max_targets")
            finding.help(f"split the list into batches of {max_targets}")
