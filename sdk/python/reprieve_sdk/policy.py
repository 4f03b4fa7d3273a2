"""A policy, and what it says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

from .case import Case
from .chunk import Chunk
from .findings import Findings
from .rule import Rule, is_kebab
from .settings import Settings

S = TypeVar("S", bound=Settings)
T = TypeVar("T")


class Invalid(Exception):
    """Raised by `Policy.validate`: which setting or data is wrong, and the way out. The operator reads just that."""


class Policy(Generic[S, T]):
    """A policy. Derive one class from `Policy[YourSettings, YourState]` in `policy.py`.

    The state is what is kept from chunk to chunk: `Rows`, a dataclass, a `dict` or a `list`, made by calling the type
    without arguments; `None` for a policy that looks at claims and facts alone. It must come out the same however the
    batch is cut into chunks. Keep nothing in `self` or in a module: a part of a batch may be looked at elsewhere."""

    NAME: ClassVar[str]
    """Kebab-case, unique within a policy set."""
    VERSION: ClassVar[str]
    """A semantic version."""
    SUMMARY: ClassVar[str]
    """One sentence."""
    RULES: ClassVar[Sequence[Rule]]
    """Every rule it may report."""
    COLUMNS: ClassVar[Sequence[str]] = ()
    """The columns that `observe` wants. None: it is never called."""

    settings_type: ClassVar[type[Settings]]
    state_type: ClassVar[Any]

    def __init_subclass__(cls) -> None:
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Policy:
                cls.settings_type, cls.state_type = get_args(base)
        _check(cls)

    def validate(self, settings: S, data: Mapping[str, bytes]) -> None:
        """Says what the schema of the settings cannot, by raising `Invalid`. Runs when the policy is loaded."""

    def observe(self, case: Case[S], state: T, chunk: Chunk) -> None:
        """Folds a chunk into the state."""
        raise NotImplementedError("a policy with COLUMNS has an `observe`")

    def merge(self, state: T, other: T) -> None:
        """Adds the state of another part of the batch."""
        raise NotImplementedError("a policy with COLUMNS has a `merge`")

    def check(self, case: Case[S], state: T, findings: Findings) -> None:
        """The answer: no denial means that the policy is content."""
        raise NotImplementedError("a policy has a `check`")


@dataclass(frozen=True)
class Descriptor:
    """What a policy says of itself."""

    name: str
    version: str
    summary: str
    rules: list[Rule]
    settings_schema: str
    columns: list[str]


def describe(policy: type[Policy[Any, Any]]) -> Descriptor:
    """What the policy says of itself."""
    return Descriptor(
        policy.NAME,
        policy.VERSION,
        policy.SUMMARY,
        list(policy.RULES),
        policy.settings_type.schema(),
        list(policy.COLUMNS),
    )


def validate(policy: type[Policy[Any, Any]], settings: str, data: Mapping[str, bytes]) -> None:
    """Checks settings and data when the policy is loaded."""
    policy().validate(policy.settings_type.read(settings), data)


def _check(cls: type[Policy[Any, Any]]) -> None:
    """Finds while the component is built what the host would refuse when it is loaded."""

    def require(holds: bool, otherwise: str) -> None:
        if not holds:
            raise TypeError(f"the policy {cls.__name__} {otherwise}")

    settings = getattr(cls, "settings_type", None)
    require(isinstance(settings, type) and issubclass(settings, Settings), "is no `Policy[YourSettings, YourState]`")
    for name in ("NAME", "VERSION", "SUMMARY", "RULES"):
        require(hasattr(cls, name), f"has no {name}")
    require(is_kebab(cls.NAME), f"has the name `{cls.NAME}`, which is not kebab-case")
    require(not isinstance(cls.COLUMNS, str), "has a text as COLUMNS; write a list")
    codes = [rule.code for rule in cls.RULES]
    require(len(set(codes)) == len(codes), "has a rule twice")
    for rule in cls.RULES:
        for name in rule.settings:
            require(name in cls.settings_type.names(), f"has no setting `{name}`, which `{rule.code}` names")
    if cls.COLUMNS:
        require(cls.observe is not Policy.observe, "has COLUMNS and no `observe`")
        require(cls.merge is not Policy.merge, "has COLUMNS and no `merge`")
    require(cls.check is not Policy.check, "has no `check`")
