"""The base class of policies, and their descriptor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

from .chunk import Chunk
from .context import Context
from .findings import Findings
from .rule import Limit, Rule, is_kebab
from .settings import Settings

S = TypeVar("S", bound=Settings)
T = TypeVar("T")


class Invalid(Exception):
    """Raised by `Policy.validate`. Its text is all that the operator reads: name the setting or data that is wrong, and
    what to do."""


class Policy(Generic[S, T]):
    """A policy. Derive one class from `Policy[YourSettings, YourState]` in `policy.py`.

    The state carries what `observe` found from chunk to chunk: `Rows`, a dataclass, a `dict` or a `list`, created by
    calling the type without arguments; or `None` for a policy that reads only claims and facts. It must not depend on
    how the batch is cut into chunks. Keep nothing in `self` or in a module: another instance may read another part of
    the batch."""

    NAME: ClassVar[str]
    """Kebab-case, unique within a policy set."""
    VERSION: ClassVar[str]
    """A semantic version."""
    SUMMARY: ClassVar[str]
    """One sentence."""
    RULES: ClassVar[Sequence[Rule]]
    """Every rule that it may report."""
    COLUMNS: ClassVar[Sequence[str]] = ()
    """The columns that `observe` reads. Empty: `observe` is never called."""
    LIMITS: ClassVar[Sequence[Limit]] = ()
    """The settings that limit the size of a batch, at most one for each measure. `reprieve split` keeps to them."""

    settings_type: ClassVar[type[Settings]]
    state_type: ClassVar[Any]

    def __init_subclass__(cls) -> None:
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Policy:
                cls.settings_type, cls.state_type = get_args(base)
        _check_declaration(cls)

    def validate(self, settings: S, data: Mapping[str, bytes]) -> None:
        """Checks what the schema of the settings cannot. Raises `Invalid`. Runs when the policy is loaded."""

    def observe(self, context: Context[S], state: T, chunk: Chunk) -> None:
        """Folds a chunk into the state."""
        raise NotImplementedError("a policy with COLUMNS needs `observe`")

    def merge(self, state: T, other: T) -> None:
        """Adds the state of another part of the batch."""
        raise NotImplementedError("a policy with COLUMNS needs `merge`")

    def check(self, context: Context[S], state: T, findings: Findings) -> None:
        """Reports the findings. Without a denial the policy passes the batch."""
        raise NotImplementedError("a policy needs `check`")


@dataclass(frozen=True)
class Descriptor:
    """What a policy is: its name, its rules, its settings, and the columns that it reads."""

    name: str
    version: str
    summary: str
    rules: list[Rule]
    settings_schema: str
    columns: list[str]
    limits: list[Limit]


def describe(policy: type[Policy[Any, Any]]) -> Descriptor:
    """The descriptor of a policy."""
    return Descriptor(
        policy.NAME,
        policy.VERSION,
        policy.SUMMARY,
        list(policy.RULES),
        policy.settings_type.schema(),
        list(policy.COLUMNS),
        list(policy.LIMITS),
    )


def validate(policy: type[Policy[Any, Any]], settings: str, data: Mapping[str, bytes]) -> None:
    """Checks settings and data when the policy is loaded."""
    policy().validate(policy.settings_type.read(settings), data)


def _check_declaration(cls: type[Policy[Any, Any]]) -> None:
    """Rejects at build time what the host would refuse at load time."""

    def require(holds: bool, otherwise: str) -> None:
        if not holds:
            raise TypeError(f"the policy {cls.__name__} {otherwise}")

    settings = getattr(cls, "settings_type", None)
    is_settings = isinstance(settings, type) and issubclass(settings, Settings)
    require(is_settings, "does not derive from `Policy[YourSettings, YourState]`")
    for name in ("NAME", "VERSION", "SUMMARY", "RULES"):
        require(hasattr(cls, name), f"has no {name}")
    require(is_kebab(cls.NAME), f"has the name `{cls.NAME}`, which is not kebab-case")
    require(not isinstance(cls.COLUMNS, str), "has a string as COLUMNS; write a list")
    for rule in cls.RULES:
        for name in rule.settings:
            require(name in cls.settings_type.names(), f"has no setting `{name}`, which the rule `{rule.code}` names")
    for code in _duplicates([rule.code for rule in cls.RULES]):
        require(False, f"declares the rule `{code}` more than once")
    for limit in cls.LIMITS:
        name = limit.setting
        require(name in cls.settings_type.names(), f"has no setting `{name}`, which the limit `{limit.measure}` names")
        require(cls.settings_type.is_number(name), f"has a limit on `{name}`, which is not a number")
    for measure in _duplicates([limit.measure for limit in cls.LIMITS]):
        require(False, f"declares more than one limit for `{measure}`")
    if cls.COLUMNS:
        require(cls.observe is not Policy.observe, "has COLUMNS but no `observe`")
        require(cls.merge is not Policy.merge, "has COLUMNS but no `merge`")
    require(cls.check is not Policy.check, "has no `check`")


def _duplicates(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
