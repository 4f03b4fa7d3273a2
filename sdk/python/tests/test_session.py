import json
import types
import unittest
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprieve_sdk import (
    Chunk,
    Context,
    Finding,
    Findings,
    Invalid,
    Limit,
    Policy,
    Rows,
    Rule,
    Session,
    Settings,
    Severity,
    describe,
    setting,
    state,
    validate,
)
from reprieve_sdk.testing import check, chunk, codes, review


class Limits(Settings):
    max_databases: int = setting(default=1, min=0, max=9, unit="targets", doc="Databases that may go.")
    strict: bool = setting(default=False, doc="Whether the limit is strict.")


TOO_MANY = Rule(
    "too-many",
    """
    More databases
    than may go.
    """,
    """
    The first paragraph
    has two lines.

    The second has one.
    """,
    settings=["max_databases"],
    subject="size",
)
NO_OWNER = Rule("no-owner", "No owner.", "Owners can object.", nature="missing", never_lifted=True)


@dataclass
class Seen:
    databases: Rows = field(default_factory=Rows)
    kinds: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Databases(Policy[Limits, Seen]):
    NAME = "databases"
    VERSION = "1.2.3"
    SUMMARY = "Keeps databases."
    RULES = [TOO_MANY, NO_OWNER]
    COLUMNS = ["kind"]
    LIMITS = [Limit("tenants-hard", "max_databases")]

    def validate(self, settings: Limits, data: Mapping[str, bytes]) -> None:
        if "list" not in data:
            raise Invalid("there is no list")

    def observe(self, context: Context[Limits], state: Seen, chunk: Chunk) -> None:
        for row, kind in enumerate(chunk.column("kind").texts()):
            state.databases.add_if(kind == "db", chunk.row(row))
            name = kind or "unknown"
            state.kinds[name] = state.kinds.get(name, 0) + 1
            state.names.add(name)

    def merge(self, state: Seen, other: Seen) -> None:
        state.databases.merge(other.databases)
        for kind, count in other.kinds.items():
            state.kinds[kind] = state.kinds.get(kind, 0) + count
        state.names |= other.names

    def check(self, context: Context[Limits], state: Seen, findings: Findings) -> None:
        if state.databases.count > context.settings.max_databases:
            findings.deny(TOO_MANY, f"{state.databases.count} databases").help("keep them").field("/targets").setting(
                "max_databases"
            ).rows(state.databases)


KINDS = ["db", "app", None, "db", "app", "db", "db"]


def session(rows: list[str | None], first_row: int = 0) -> Session:
    session = Session(Databases, json.dumps(review()), "{}", {})
    if rows:
        session.observe(chunk(len(rows), [codes("kind", rows)], first_row))
    return session


class Passes(unittest.TestCase):
    def test_a_finding_has_all_its_fields(self) -> None:
        self.assertEqual(
            session(list(KINDS)).finish(),
            [
                Finding(
                    rule="too-many",
                    severity=Severity.DENY,
                    nature="wrong",
                    message="4 databases",
                    help="keep them",
                    field="/targets",
                    setting="max_databases",
                    rows=4,
                    examples=[0, 3, 5, 6],
                )
            ],
        )

    def test_merged_parts_equal_one_pass(self) -> None:
        whole = session(list(KINDS))
        for cut in range(len(KINDS) + 1):
            for swapped in (False, True):
                parts = [session(KINDS[:cut]), session(KINDS[cut:], cut)]
                merged = session([])
                for part in reversed(parts) if swapped else parts:
                    merged.merge(part.save())
                self.assertEqual(merged.save(), whole.save())
                self.assertEqual(merged.finish(), whole.finish())

    def test_equal_states_have_equal_bytes(self) -> None:
        seen = Seen(Rows(1, [7]), {"b": 1, "a": 2}, {"z", "y", "x"})
        text = b'{"databases":{"count":1,"examples":[7]},"kinds":{"a":2,"b":1},"names":["x","y","z"]}'
        self.assertEqual(state.write(seen), text)
        self.assertEqual(state.read(Seen, text), seen)
        self.assertEqual((state.write(None), state.read(type(None), b"null")), (b"null", None))
        self.assertEqual(state.read(int | None, b"3"), 3)
        for invalid in ({1: 2}, object(), b"x"):
            with self.assertRaises(TypeError):
                state.write(invalid)

    def test_check_returns_severities_and_codes(self) -> None:
        rows = [chunk(len(KINDS), [codes("kind", KINDS)])]
        self.assertEqual(check(Databases, review(), {}, rows), ["deny too-many"])
        self.assertEqual(check(Databases, review(), {"max_databases": 4}, rows), [])

    def test_reading_a_column_that_is_not_requested_is_an_error(self) -> None:
        class Misspelt(Databases):
            def observe(self, context: Context[Limits], state: Seen, chunk: Chunk) -> None:
                chunk.column("knid")

        with self.assertRaisesRegex(ValueError, r"`knid` is not in COLUMNS \(kind\)"):
            check(Misspelt, review(), {}, [chunk(1, [codes("kind", ["db"])])])

    def test_a_review_needs_claims_and_facts(self) -> None:
        for text in ("[]", '{"claims":{}}'):
            with self.assertRaisesRegex(ValueError, "no `claims` or no `facts`"):
                Session(Databases, text, "{}", {})

    def test_deny_if_selects_the_severity(self) -> None:
        findings = Findings()
        findings.deny_if(True, TOO_MANY, "a")
        findings.deny_if(False, TOO_MANY, "b")
        findings.warn(TOO_MANY, "c")
        self.assertEqual([finding.severity.value for finding in findings.as_list()], ["deny", "warn", "warn"])

    def test_a_finding_has_the_nature_of_its_rule_or_its_own(self) -> None:
        findings = Findings()
        findings.deny(TOO_MANY, "a")
        findings.deny(TOO_MANY, "b").missing()
        findings.deny(NO_OWNER, "c")
        findings.deny(NO_OWNER, "d").wrong()
        natures = [finding.nature for finding in findings.as_list()]
        self.assertEqual(natures, ["wrong", "missing", "missing", "wrong"])


class Description(unittest.TestCase):
    def test_describe_returns_the_descriptor(self) -> None:
        descriptor = describe(Databases)
        self.assertEqual((descriptor.name, descriptor.version), ("databases", "1.2.3"))
        self.assertEqual((descriptor.columns, descriptor.limits), (["kind"], [Limit("tenants-hard", "max_databases")]))
        rule, other = descriptor.rules
        self.assertEqual((rule.nature, rule.subject, rule.never_lifted), ("wrong", "size", False))
        self.assertEqual((other.nature, other.subject, other.never_lifted), ("missing", "request", True))
        self.assertEqual(rule.summary, "More databases than may go.")
        self.assertEqual(rule.explanation, "The first paragraph has two lines.\n\nThe second has one.")
        self.assertEqual(json.loads(descriptor.settings_schema)["properties"]["max_databases"]["maximum"], 9)

    def test_validate_rejects_missing_data(self) -> None:
        validate(Databases, "{}", {"list": b""})
        with self.assertRaisesRegex(Invalid, "^there is no list$"):
            validate(Databases, "{}", {})

    def test_rejects_an_invalid_policy(self) -> None:
        valid: dict[str, Any] = {
            "NAME": "good",
            "VERSION": "0.1.0",
            "SUMMARY": "x",
            "RULES": [TOO_MANY],
            "check": Databases.check,
        }
        invalid: list[tuple[dict[str, Any], str]] = [
            ({"NAME": "Not Kebab"}, "is not kebab-case"),
            ({"RULES": [TOO_MANY, TOO_MANY]}, "declares the rule `too-many` more than once"),
            ({"RULES": [Rule("a", "b", "c", ["nope"])]}, "has no setting `nope`, which the rule `a` names"),
            ({"COLUMNS": ["kind"]}, "has COLUMNS but no `observe`"),
            ({"COLUMNS": ["kind"], "observe": Databases.observe}, "has COLUMNS but no `merge`"),
            ({"COLUMNS": "kind"}, "write a list"),
            ({"check": Policy.check}, "has no `check`"),
            ({"LIMITS": [Limit("growth", "nope")]}, "has no setting `nope`, which the limit `growth` names"),
            ({"LIMITS": [Limit("growth", "strict")]}, "has a limit on `strict`, which is not a number"),
            ({"LIMITS": [Limit("growth", "max_databases")] * 2}, "declares more than one limit for `growth`"),
        ]
        for changed, error in invalid:
            with self.subTest(error), self.assertRaisesRegex(TypeError, error):
                policy_class({**valid, **changed})
        self.assertEqual(policy_class(valid).__name__, "Built")
        with self.assertRaisesRegex(TypeError, "does not derive from `Policy"):
            type("Bare", (Policy,), valid)

    def test_rejects_an_invalid_rule(self) -> None:
        invalid: list[tuple[tuple[Any, ...], str]] = [
            (("Not", "b", "c"), "is not kebab-case"),
            (("a", " ", "c"), "no summary or no explanation"),
            (("a", "b", "\n"), "no summary or no explanation"),
            (("a", "b", "c", "x"), "write settings="),
        ]
        for arguments, error in invalid:
            with self.assertRaisesRegex(TypeError, error):
                Rule(*arguments)
        with self.assertRaisesRegex(
            TypeError, "the nature of the rule `a` is `bad`; expected one of `wrong`, `missing`"
        ):
            Rule("a", "b", "c", nature="bad")  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, "the subject of the rule `a` is `batch`; expected one of `request`, "):
            Rule("a", "b", "c", subject="batch")  # type: ignore[arg-type]
        with self.assertRaisesRegex(
            TypeError, "the measure of the limit `x` is `size`; expected one of `tenants-hard`, "
        ):
            Limit("size", "x")  # type: ignore[arg-type]


def policy_class(members: dict[str, Any]) -> type:
    return types.new_class("Built", (Policy[Limits, Seen],), {}, lambda namespace: namespace.update(members))


if __name__ == "__main__":
    unittest.main()
