"""Rules: the reasons for which a policy may object; and the limits on batch size that a policy declares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Nature = Literal["wrong", "missing"]
"""The nature of a finding.

- `wrong`: something contradicts, such as an id of another kind or a limit that is exceeded.
- `missing`: something that the rule asks for was not shown, such as a dry run or an approval."""
Subject = Literal["request", "size", "ids", "targets"]
"""What a finding is about, and so what clears it.

- `request`: the request as a whole. Correct the request.
- `size`: the size of the batch. `reprieve split` makes a smaller batch, which may pass.
- `ids`: ids that are blank or duplicated. `reprieve split` excludes these rows.
- `targets`: single targets, whatever else is in the batch. `reprieve split` excludes the reported rows."""
Measure = Literal["tenants-hard", "tenants-soft", "canary-share", "canary-tenants", "growth"]
"""What a setting limits.

- `tenants-hard`, `tenants-soft`: the number of tenants that a hard or a soft delete may reach.
- `canary-share`: the share of all tenants that the first batch of a campaign may reach, in percent.
- `canary-tenants`: the number of tenants that the first batch of a campaign may reach.
- `growth`: how many times as many tenants as the batch before a batch may reach."""


@dataclass(frozen=True)
class Rule:
    """One rule. Its texts may span several lines: a blank line separates paragraphs."""

    code: str
    """Kebab-case, unique within the policy."""
    summary: str
    """One sentence: what is denied."""
    explanation: str
    """Why the rule exists and where its default comes from."""
    settings: Sequence[str] = ()
    """The settings that control it."""
    nature: Nature = "wrong"
    """The nature of its findings, unless a finding has another."""
    subject: Subject = "request"
    """What its findings are about."""
    never_lifted: bool = False
    """Whether no override may lift its findings."""

    def __post_init__(self) -> None:
        if not is_kebab(self.code):
            raise TypeError(f"the code of the rule `{self.code}` is not kebab-case")
        if isinstance(self.settings, str):
            raise TypeError(
                f"the settings of the rule `{self.code}` are not a list: write settings=[{self.settings!r}]"
            )
        require_one_of(f"the nature of the rule `{self.code}`", self.nature, get_args(Nature))
        require_one_of(f"the subject of the rule `{self.code}`", self.subject, get_args(Subject))
        object.__setattr__(self, "summary", paragraph(self.summary))
        object.__setattr__(self, "explanation", paragraphs(self.explanation))
        object.__setattr__(self, "settings", tuple(self.settings))
        if not self.summary or not self.explanation:
            raise TypeError(f"the rule `{self.code}` has no summary or no explanation")


@dataclass(frozen=True)
class Limit:
    """A setting that limits the size of a batch. `reprieve split` keeps to it."""

    measure: Measure
    """What it limits. A policy declares at most one limit for each measure."""
    setting: str
    """The name of the setting, which is a number."""

    def __post_init__(self) -> None:
        require_one_of(f"the measure of the limit `{self.setting}`", self.measure, get_args(Measure))


def require_one_of(what: str, value: object, allowed: Sequence[str]) -> None:
    """Raises a `TypeError` that names the allowed values unless the value is one of them."""
    if value not in allowed:
        names = ", ".join(f"`{name}`" for name in allowed)
        raise TypeError(f"{what} is `{value}`; expected one of {names}")


def is_kebab(text: str) -> bool:
    """Whether the host accepts this as a name or a code."""
    return len(text) <= 64 and re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", text) is not None


def paragraph(text: str) -> str:
    """The lines of a paragraph, joined into one."""
    return " ".join(line.strip() for line in text.splitlines()).strip()


def paragraphs(text: str) -> str:
    """The paragraphs of a text, each on one line, with a blank line between."""
    return "\n\n".join(filter(None, (paragraph(part) for part in re.split(r"\n\s*\n", text))))
