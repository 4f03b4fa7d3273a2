"""Rules: the reasons for which a policy may object."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule. Its texts may be written over several lines: a paragraph ends at an empty one."""

    code: str
    """Kebab-case, unique within the policy."""
    summary: str
    """One sentence: what is denied."""
    explanation: str
    """Why it exists and where its default comes from."""
    settings: Sequence[str] = ()
    """The settings that steer it."""

    def __post_init__(self) -> None:
        if not is_kebab(self.code):
            raise TypeError(f"the rule `{self.code}` is not kebab-case")
        if isinstance(self.settings, str):
            raise TypeError(f"the rule `{self.code}`: write settings=[{self.settings!r}]")
        object.__setattr__(self, "summary", paragraph(self.summary))
        object.__setattr__(self, "explanation", paragraphs(self.explanation))
        object.__setattr__(self, "settings", tuple(self.settings))
        if not self.summary or not self.explanation:
            raise TypeError(f"the rule `{self.code}` has no summary or no explanation")


def is_kebab(text: str) -> bool:
    """Whether the host takes this as a name or a code."""
    return len(text) <= 64 and re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", text) is not None


def paragraph(text: str) -> str:
    """The lines of a paragraph as one."""
    return " ".join(line.strip() for line in text.splitlines()).strip()


def paragraphs(text: str) -> str:
    """The paragraphs of a text, each in one line, with an empty line between."""
    return "\n\n".join(filter(None, (paragraph(part) for part in re.split(r"\n\s*\n", text))))
