import json
import unittest
from pathlib import Path
from typing import Any

from reprieve_sdk import ApprovalIssue, Claims, Context, Duration, Facts, TimeZone, Timestamp, non_blank, same_kind
from reprieve_sdk.testing import DIGEST, review


def context(claims: dict[str, Any] | None = None, facts: dict[str, Any] | None = None) -> Context[None]:
    whole = review(claims, facts)
    return Context(Claims(whole["claims"]), Facts(whole["facts"]), None, {"calendar": b"{}"})


def approval(**changed: Any) -> dict[str, Any]:
    valid = {
        "by": "alice",
        "type": "human",
        "at": "2026-03-02T11:50:00Z",
        "targets_sha256": DIGEST,
        "mode": "soft",
        "kinds": {"app": 2},
        "tenants": 2,
    }
    return {key: value for key, value in {**valid, **changed}.items() if value is not None}


class LocalTime(unittest.TestCase):
    def test_local_time_comes_from_the_host(self) -> None:
        seen = context(facts={"zones": {"Europe/Berlin": 3600}})
        self.assertEqual(seen.local(TimeZone("Europe/Berlin")), seen.facts.evaluated_at + 3600)
        self.assertIsNone(seen.local(TimeZone("Europe/Rome")))
        self.assertIsNone(context().local(TimeZone("UTC")))


class Approvals(unittest.TestCase):
    def test_each_defect_of_an_approval_has_its_issue(self) -> None:
        reasons: list[tuple[dict[str, Any], ApprovalIssue | None]] = [
            ({}, None),
            ({"by": None}, ApprovalIssue.NOBODY),
            ({"by": " \t"}, ApprovalIssue.NOBODY),
            ({"by": "Carol"}, ApprovalIssue.OWN),
            ({"by": " SVC-cleanup "}, ApprovalIssue.OWN),
            ({"type": "ai-agent"}, ApprovalIssue.NOT_HUMAN),
            ({"type": None}, ApprovalIssue.NOT_HUMAN),
            ({"targets_sha256": DIGEST.upper()}, ApprovalIssue.OTHER_LIST),
            ({"targets_sha256": None}, ApprovalIssue.OTHER_LIST),
            ({"mode": "hard"}, ApprovalIssue.OTHER_MODE),
            ({"kinds": {"app": 3}}, ApprovalIssue.OTHER_KINDS),
            ({"kinds": None}, ApprovalIssue.OTHER_KINDS),
            ({"tenants": 1}, ApprovalIssue.OTHER_TENANTS),
            ({"tenants": None}, ApprovalIssue.OTHER_TENANTS),
        ]
        for changed, expected in reasons:
            with self.subTest(changed):
                seen = context({"approvals": [approval(**changed)]})
                assert seen.claims.approvals is not None
                self.assertEqual(seen.approval_issue(seen.claims.approvals[0]), expected)
                self.assertEqual(seen.approvers(3_600), [] if expected else ["alice"])
        self.assertEqual(str(ApprovalIssue.OWN), "it is the submitter's own")

    def test_evidence_counts_if_it_is_signed_as_the_set_requires(self) -> None:
        def signed(tokens: list[dict[str, str]], required: bool) -> Context[None]:
            required_by = {"approvals_required": required, "attestations_required": required}
            approvals = [approval(token="e30"), approval()]
            return context({"approvals": approvals}, {"signatures": {**required_by, "tokens": tokens}})

        def issues(seen: Context[None]) -> list[ApprovalIssue | None]:
            return [seen.approval_issue(stated) for stated in seen.claims.approvals or ()]

        by_alice = {"field": "/approvals/0", "by": "alice"}
        self.assertEqual(issues(signed([by_alice], True)), [None, ApprovalIssue.NOT_SIGNED])
        self.assertEqual(issues(signed([by_alice], False)), [None, None])
        refused = {"field": "/approvals/0", "issue": "no"}
        self.assertEqual(issues(signed([refused], False)), [ApprovalIssue.BAD_TOKEN, None])
        self.assertEqual(issues(signed([], False)), [ApprovalIssue.BAD_TOKEN, None])
        by_ci = {"field": "/dry_run", "by": "ci"}
        self.assertIsNone(signed([by_ci], True).attestation_issue("/dry_run", "e30"))
        unsigned = "it is not signed, and only signed evidence counts"
        self.assertEqual(signed([], True).attestation_issue("/dry_run", None), unsigned)
        self.assertIsNone(signed([], False).attestation_issue("/dry_run", None))
        unverified = "its token is not valid: it was not verified"
        self.assertEqual(context().attestation_issue("/dry_run", "e30"), unverified)
        wrong = {"field": "/dry_run", "issue": "no"}
        issue = signed([wrong], False).attestation_issue("/dry_run", "e30")
        self.assertEqual(issue, "its token is not valid: no")

    def test_an_approval_of_the_whole_list_counts_for_its_waves(self) -> None:
        whole = {
            "targets_sha256": "f00",
            "targets": 9,
            "tenants": {"distinct": 5, "unknown": 0},
            "kinds": {"counts": {"app": 9}, "others": 0, "unknown": 0},
        }
        for of_whole, expected in [(False, ApprovalIssue.OTHER_LIST), (True, None)]:
            changed = {"targets_sha256": "f00", "kinds": {"app": 9}, "tenants": 5} if of_whole else {}
            seen = context({"approvals": [approval(**changed)]}, {"whole": whole})
            assert seen.claims.approvals is not None
            self.assertEqual(seen.approval_issue(seen.claims.approvals[0]), expected)

    def test_unknown_kinds_cannot_be_approved(self) -> None:
        for tally in ({"others": 1}, {"unknown": 1}):
            self.assertEqual(context(facts={"kinds": tally}).approvers(3_600), [])

    def test_only_ascii_case_is_ignored(self) -> None:
        claims = {"actor": {"id": "jörg"}, "approvals": [approval(by="JÖRG")]}
        self.assertEqual(context(claims).approvers(3_600), ["JÖRG"])

    def test_an_approval_expires(self) -> None:
        for at, max_age, counts in [
            ("2026-03-02T11:50:00Z", 600, True),
            ("2026-03-02T11:49:59Z", 600, False),
            ("2026-03-02T12:05:00Z", 0, True),
            ("2026-03-02T12:05:01Z", 600, False),
            (None, 600, False),
        ]:
            approvers = context({"approvals": [approval(at=at)]}).approvers(max_age)
            self.assertEqual(approvers, ["alice"] if counts else [], at)

    def test_each_approver_counts_once(self) -> None:
        claims = {"approvals": [approval(by=by) for by in ("Bob", " alice", "alice ", "bob")]}
        self.assertEqual(context(claims).approvers(3_600), ["alice", "bob"])
        self.assertEqual(context({"approvals": None}).approvers(3_600), [])


class Fields(unittest.TestCase):
    def test_omitted_fields_are_none(self) -> None:
        seen = context({"actor": None}, {"inventory": None})
        self.assertIsNone(seen.claims.actor)
        self.assertIsNone(seen.claims.schedule)
        self.assertIsNone(seen.inventory)
        self.assertIsNone(seen.data("nothing"))
        self.assertEqual(seen.data("calendar"), b"{}")

    def test_fields_have_their_types(self) -> None:
        seen = context()
        assert seen.claims.actor is not None and seen.claims.actor.credential is not None
        assert seen.claims.dry_run is not None and seen.inventory is not None
        self.assertEqual(seen.claims.actor.credential.purpose, "deletion")
        self.assertEqual(seen.claims.dry_run.at, Timestamp.parse("2026-03-02T11:40:00Z"))
        self.assertEqual(seen.facts.restore.batch_duration.value, 5 * 86_400)
        self.assertEqual(seen.inventory.closure.kinds.counts, {"app": 2})

    def test_an_unreadable_field_is_an_error(self) -> None:
        with self.assertRaisesRegex(ValueError, "Notice.owners_notified_at: `soon` is not"):
            notice = context({"notice": {"owners_notified_at": "soon"}}).claims.notice
            assert notice is not None
            print(notice.owners_notified_at)
        with self.assertRaisesRegex(ValueError, "Facts.targets: the field is missing"):
            print(context(facts={"targets": None}).facts.targets)
        with self.assertRaisesRegex(AttributeError, "Claims has no field `freeze`"):
            print(context().claims.freeze)  # type: ignore[attr-defined]

    def test_by_mode_selects_the_value_of_the_mode(self) -> None:
        soft, hard = context(), context({"mode": "hard"})
        self.assertEqual((soft.is_hard(), soft.by_mode(1, 2)), (False, 2))
        self.assertEqual((hard.is_hard(), hard.by_mode(1, 2)), (True, 1))

    def test_times_within_the_clock_skew_are_not_in_the_future(self) -> None:
        now = context().facts.evaluated_at
        self.assertEqual((context().is_future(now + 300), context().is_future(now + 301)), (False, True))


class Text(unittest.TestCase):
    def test_names_are_compared_as_in_every_sdk(self) -> None:
        words = json.loads((Path(__file__).parents[2] / "words.json").read_text(encoding="utf-8"))
        for name, kind, expected in words["same_kind"]:
            self.assertEqual(same_kind(name, kind), expected, (name, kind))
        for text in [None, *words["nothing"]]:
            self.assertIsNone(non_blank(text), repr(text))
        for text, expected in words["something"]:
            self.assertEqual(non_blank(text), expected)


class Times(unittest.TestCase):
    def test_timestamps_parse_one_format(self) -> None:
        at = Timestamp.parse("2022-04-05T07:38:00Z")
        self.assertEqual((int(at), str(at), f"{at}"), (1_649_144_280, "2022-04-05T07:38:00Z", "2022-04-05T07:38:00Z"))
        self.assertEqual(str(at.plus(60)), "2022-04-05T07:39:00Z")
        self.assertEqual(at.since(at.plus(60)), -60)
        for invalid in (
            "",
            "now",
            "2022-04-05",
            "2022-04-05T07:38:00",
            "1649144280",
            "2022-02-29T00:00:00Z",
            "2022-13-01T00:00:00Z",
            "2022-04-05T24:00:00Z",
            "2022-04-05T07:60:00Z",
            "2022-04-05T07:38:00Z\n",
            "٢٠٢٢-04-05T07:38:00Z",
        ):
            with self.assertRaises(ValueError, msg=invalid):
                Timestamp.parse(invalid)

    def test_timestamps_round_trip(self) -> None:
        for seconds in range(-62_000_000_000, 250_000_000_000, 86_400 * 97 + 12_345):
            self.assertEqual(Timestamp.parse(str(Timestamp(seconds))), seconds)

    def test_durations_parse_days_and_less(self) -> None:
        for text, seconds in [("P5D", 432_000), ("PT12H", 43_200), ("PT0S", 0), ("P1DT1S", 86_401), ("PT90M", 5_400)]:
            self.assertEqual(Duration.parse(text), seconds)
        self.assertEqual(str(Duration(93_784)), "P1DT2H3M4S")
        self.assertEqual((str(Duration(0)), str(Duration(60))), ("P0D", "PT1M"))
        for invalid in ("", "P", "PT", "P1DT", "5d 3x", "P1M", "P1Y", "-P1D", "PT1H1H"):
            with self.assertRaises(ValueError, msg=invalid):
                Duration.parse(invalid)


if __name__ == "__main__":
    unittest.main()
