import json
import types
import unittest
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprieve_sdk import (
    Case,
    Chunk,
    Finding,
    Findings,
    Invalid,
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
    max_databases: int = setting(default=1, least=0, most=9, unit="targets", doc="Databases that may go.")


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
)


@dataclass
class Seen:
    databases: Rows = field(default_factory=Rows)
    kinds: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class Databases(Policy[Limits, Seen]):
    NAME = "databases"
    VERSION = "1.2.3"
    SUMMARY = "Keeps databases."
    RULES = [TOO_MANY]
    COLUMNS = ["kind"]

    def validate(self, settings: Limits, data: Mapping[str, bytes]) -> None:
        if "list" not in data:
            raise Invalid("there is no list")

    def observe(self, case: Case[Limits], state: Seen, chunk: Chunk) -> None:
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

    def check(self, case: Case[Limits], state: Seen, findings: Findings) -> None:
        if state.databases.count > case.settings.max_databases:
            findings.deny(TOO_MANY, f"{state.databases.count} databases").help("keep them").field("/targets").setting(
                "max_databases"
            ).rows(state.databases)


KINDS = ["db", "app", None, "db", "app", "db", "db"]


def session(rows: list[str | None], first_row: int = 0) -> Session:
    begun = Session(Databases, json.dumps(review()), "{}", {})
    if rows:
        begun.observe(chunk(len(rows), [codes("kind", rows)], first_row))
    return begun


class Passes(unittest.TestCase):
    def test_a_finding_goes_out_whole(self) -> None:
        self.assertEqual(
            session(list(KINDS)).finish(),
            [
                Finding(
                    rule="too-many",
                    severity=Severity.DENY,
                    message="4 databases",
                    help="keep them",
                    field="/targets",
                    setting="max_databases",
                    rows=4,
                    examples=[0, 3, 5, 6],
                )
            ],
        )

    def test_parts_give_what_one_pass_gives(self) -> None:
        whole = session(list(KINDS))
        for cut in range(len(KINDS) + 1):
            for swapped in (False, True):
                parts = [session(KINDS[:cut]), session(KINDS[cut:], cut)]
                merged = session([])
                for part in reversed(parts) if swapped else parts:
                    merged.merge(part.save())
                self.assertEqual(merged.save(), whole.save())
                self.assertEqual(merged.finish(), whole.finish())

    def test_the_same_state_has_the_same_bytes(self) -> None:
        seen = Seen(Rows(1, [7]), {"b": 1, "a": 2}, {"z", "y", "x"})
        text = b'{"databases":{"count":1,"examples":[7]},"kinds":{"a":2,"b":1},"names":["x","y","z"]}'
        self.assertEqual(state.write(seen), text)
        self.assertEqual(state.read(Seen, text), seen)
        self.assertEqual((state.write(None), state.read(type(None), b"null")), (b"null", None))
        self.assertEqual(state.read(int | None, b"3"), 3)
        for wrong in ({1: 2}, object(), b"x"):
            with self.assertRaises(TypeError):
                state.write(wrong)

    def test_check_says_it_in_short(self) -> None:
        rows = [chunk(len(KINDS), [codes("kind", KINDS)])]
        self.assertEqual(check(Databases, review(), {}, rows), ["deny too-many"])
        self.assertEqual(check(Databases, review(), {"max_databases": 4}, rows), [])

    def test_a_column_that_is_not_asked_for_is_an_error(self) -> None:
        class Misspelt(Databases):
            def observe(self, case: Case[Limits], state: Seen, chunk: Chunk) -> None:
                chunk.column("knid")

        with self.assertRaisesRegex(ValueError, "`knid` is not among COLUMNS: kind"):
            check(Misspelt, review(), {}, [chunk(1, [codes("kind", ["db"])])])

    def test_a_review_has_claims_and_facts(self) -> None:
        for text in ("[]", '{"claims":{}}'):
            with self.assertRaisesRegex(ValueError, "no claims or no facts"):
                Session(Databases, text, "{}", {})

    def test_a_severity_can_depend(self) -> None:
        findings = Findings()
        findings.deny_if(True, TOO_MANY, "a")
        findings.deny_if(False, TOO_MANY, "b")
        findings.warn(TOO_MANY, "c")
        self.assertEqual([finding.severity.value for finding in findings.as_list()], ["deny", "warn", "warn"])


class Description(unittest.TestCase):
    def test_a_policy_says_what_it_is(self) -> None:
        said = describe(Databases)
        self.assertEqual((said.name, said.version, said.columns), ("databases", "1.2.3", ["kind"]))
        (rule,) = said.rules
        self.assertEqual(rule.summary, "More databases than may go.")
        self.assertEqual(rule.explanation, "The first paragraph has two lines.\n\nThe second has one.")
        self.assertEqual(json.loads(said.settings_schema)["properties"]["max_databases"]["maximum"], 9)

    def test_validate_says_what_the_schema_cannot(self) -> None:
        validate(Databases, "{}", {"list": b""})
        with self.assertRaisesRegex(Invalid, "^there is no list$"):
            validate(Databases, "{}", {})

    def test_a_wrong_policy_is_found_when_it_is_imported(self) -> None:
        good: dict[str, Any] = {
            "NAME": "good",
            "VERSION": "0.1.0",
            "SUMMARY": "x",
            "RULES": [TOO_MANY],
            "check": Databases.check,
        }
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"NAME": "Not Kebab"}, "is not kebab-case"),
            ({"RULES": [TOO_MANY, TOO_MANY]}, "has a rule twice"),
            ({"RULES": [Rule("a", "b", "c", ["nope"])]}, "has no setting `nope`, which `a` names"),
            ({"COLUMNS": ["kind"]}, "has COLUMNS and no `observe`"),
            ({"COLUMNS": ["kind"], "observe": Databases.observe}, "has COLUMNS and no `merge`"),
            ({"COLUMNS": "kind"}, "write a list"),
            ({"check": Policy.check}, "has no `check`"),
        ]
        for changed, error in wrong:
            with self.subTest(error), self.assertRaisesRegex(TypeError, error):
                made({**good, **changed})
        self.assertEqual(made(good).__name__, "Made")
        with self.assertRaisesRegex(TypeError, "is no `Policy"):
            type("Bare", (Policy,), good)

    def test_a_wrong_rule_is_found_when_it_is_made(self) -> None:
        for arguments, error in [
            (("Not", "b", "c"), "is not kebab-case"),
            (("a", " ", "c"), "no summary or no explanation"),
            (("a", "b", "\n"), "no summary or no explanation"),
            (("a", "b", "c", "x"), "write settings="),
        ]:
            with self.assertRaisesRegex(TypeError, error):
                Rule(*arguments)


def made(members: dict[str, Any]) -> type:
    return types.new_class("Made", (Policy[Limits, Seen],), {}, lambda namespace: namespace.update(members))


if __name__ == "__main__":
    unittest.main()
