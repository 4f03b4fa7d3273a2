import unittest
from typing import Any

from reprieve_sdk import Case, Claims, Duration, Facts, Objection, TimeZone, Timestamp, said, same_kind
from reprieve_sdk.testing import DIGEST, review


def case(claims: dict[str, Any] | None = None, facts: dict[str, Any] | None = None) -> Case[None]:
    whole = review(claims, facts)
    return Case(Claims(whole["claims"]), Facts(whole["facts"]), None, {"calendar": b"{}"})


def approval(**changed: Any) -> dict[str, Any]:
    good = {
        "by": "alice",
        "type": "human",
        "at": "2026-03-02T11:50:00Z",
        "targets_sha256": DIGEST,
        "mode": "soft",
        "kinds": {"app": 2},
        "tenants": 2,
    }
    return {key: value for key, value in {**good, **changed}.items() if value is not None}


class Clocks(unittest.TestCase):
    def test_a_zone_has_the_clock_that_the_host_says(self) -> None:
        asked = case(facts={"zones": {"Europe/Berlin": 3600}})
        self.assertEqual(asked.local(TimeZone("Europe/Berlin")), asked.facts.evaluated_at + 3600)
        self.assertIsNone(asked.local(TimeZone("Europe/Rome")))
        self.assertIsNone(case().local(TimeZone("UTC")))


class Approvals(unittest.TestCase):
    def test_each_reason_has_its_objection(self) -> None:
        reasons: list[tuple[dict[str, Any], Objection | None]] = [
            ({}, None),
            ({"by": None}, Objection.NOBODY),
            ({"by": " \t"}, Objection.NOBODY),
            ({"by": "Carol"}, Objection.OWN),
            ({"by": " SVC-cleanup "}, Objection.OWN),
            ({"type": "ai-agent"}, Objection.NOT_HUMAN),
            ({"type": None}, Objection.NOT_HUMAN),
            ({"targets_sha256": DIGEST.upper()}, Objection.OTHER_LIST),
            ({"targets_sha256": None}, Objection.OTHER_LIST),
            ({"mode": "hard"}, Objection.OTHER_MODE),
            ({"kinds": {"app": 3}}, Objection.OTHER_KINDS),
            ({"kinds": None}, Objection.OTHER_KINDS),
            ({"tenants": 1}, Objection.OTHER_TENANTS),
            ({"tenants": None}, Objection.OTHER_TENANTS),
        ]
        for changed, expected in reasons:
            with self.subTest(changed):
                asked = case({"approvals": [approval(**changed)]})
                assert asked.claims.approvals is not None
                self.assertEqual(asked.objection(asked.claims.approvals[0]), expected)
                self.assertEqual(asked.approvers(3_600), [] if expected else ["alice"])
        self.assertEqual(str(Objection.OWN), "it is the submitter's own")

    def test_an_approval_of_the_whole_list_counts_for_a_wave_of_it(self) -> None:
        whole = {
            "targets_sha256": "f00",
            "targets": 9,
            "tenants": {"distinct": 5, "unknown": 0},
            "kinds": {"counts": {"app": 9}, "others": 0, "unknown": 0},
        }
        for of_whole, expected in [(False, Objection.OTHER_LIST), (True, None)]:
            changed = {"targets_sha256": "f00", "kinds": {"app": 9}, "tenants": 5} if of_whole else {}
            asked = case({"approvals": [approval(**changed)]}, {"whole": whole})
            assert asked.claims.approvals is not None
            self.assertEqual(asked.objection(asked.claims.approvals[0]), expected)

    def test_kinds_that_nobody_knows_cannot_be_approved(self) -> None:
        for tally in ({"others": 1}, {"unknown": 1}):
            self.assertEqual(case(facts={"kinds": tally}).approvers(3_600), [])

    def test_only_ascii_letters_have_another_case(self) -> None:
        claims = {"actor": {"id": "jörg"}, "approvals": [approval(by="JÖRG")]}
        self.assertEqual(case(claims).approvers(3_600), ["JÖRG"])

    def test_an_approval_ages(self) -> None:
        for at, max_age, counts in [
            ("2026-03-02T11:50:00Z", 600, True),
            ("2026-03-02T11:49:59Z", 600, False),
            ("2026-03-02T12:05:00Z", 0, True),
            ("2026-03-02T12:05:01Z", 600, False),
            (None, 600, False),
        ]:
            approvers = case({"approvals": [approval(at=at)]}).approvers(max_age)
            self.assertEqual(approvers, ["alice"] if counts else [], at)

    def test_nobody_counts_twice(self) -> None:
        claims = {"approvals": [approval(by=by) for by in ("Bob", " alice", "alice ", "bob")]}
        self.assertEqual(case(claims).approvers(3_600), ["alice", "bob"])
        self.assertEqual(case({"approvals": None}).approvers(3_600), [])


class Reading(unittest.TestCase):
    def test_what_is_left_out_is_none(self) -> None:
        asked = case({"actor": None}, {"inventory": None})
        self.assertIsNone(asked.claims.actor)
        self.assertIsNone(asked.claims.schedule)
        self.assertIsNone(asked.inventory)
        self.assertIsNone(asked.data("nothing"))
        self.assertEqual(asked.data("calendar"), b"{}")

    def test_values_have_their_types(self) -> None:
        asked = case()
        assert asked.claims.actor is not None and asked.claims.actor.credential is not None
        assert asked.claims.dry_run is not None and asked.inventory is not None
        self.assertEqual(asked.claims.actor.credential.purpose, "deletion")
        self.assertEqual(asked.claims.dry_run.at, Timestamp.parse("2026-03-02T11:40:00Z"))
        self.assertEqual(asked.facts.restore.batch_duration.value, 5 * 86_400)
        self.assertEqual(asked.inventory.closure.kinds.counts, {"app": 2})

    def test_what_cannot_be_read_does_not_pass_for_absent(self) -> None:
        with self.assertRaisesRegex(ValueError, "Notice.owners_notified_at: `soon` is not"):
            notice = case({"notice": {"owners_notified_at": "soon"}}).claims.notice
            assert notice is not None
            print(notice.owners_notified_at)
        with self.assertRaisesRegex(ValueError, "Facts.targets: it is missing"):
            print(case(facts={"targets": None}).facts.targets)
        with self.assertRaisesRegex(AttributeError, "Claims has no field `freeze`"):
            print(case().claims.freeze)  # type: ignore[attr-defined]

    def test_by_mode(self) -> None:
        soft, hard = case(), case({"mode": "hard"})
        self.assertEqual((soft.is_hard(), soft.by_mode(1, 2)), (False, 2))
        self.assertEqual((hard.is_hard(), hard.by_mode(1, 2)), (True, 1))

    def test_the_future_begins_after_the_skew(self) -> None:
        now = case().facts.evaluated_at
        self.assertEqual((case().is_future(now + 300), case().is_future(now + 301)), (False, True))


class Words(unittest.TestCase):
    def test_said(self) -> None:
        for text, expected in [
            (None, None),
            ("", None),
            (" \u00a0\u2003\n", None),
            (" x ", "x"),
            ("\x1c", "\x1c"),
        ]:
            self.assertEqual(said(text), expected)

    def test_same_kind(self) -> None:
        for a, b, expected in [
            ("AWS::S3::Buckets", "bucket", True),
            ("k8s.io/pods", "Pod", True),
            ("apps", "app", True),
            ("class", "clas", False),
            ("as", "a", False),
            ("ass", "as", False),
            (" app\t", "app", True),
            ("\vapp", "app", False),
            ("És", "É", True),
            ("É", "é", False),
            ("site", "app", False),
            ("a:", "b:", True),
        ]:
            self.assertEqual(same_kind(a, b), expected, (a, b))
            self.assertEqual(same_kind(b, a), expected, (b, a))


class Times(unittest.TestCase):
    def test_timestamps(self) -> None:
        at = Timestamp.parse("2022-04-05T07:38:00Z")
        self.assertEqual((int(at), str(at), f"{at}"), (1_649_144_280, "2022-04-05T07:38:00Z", "2022-04-05T07:38:00Z"))
        self.assertEqual(str(at.plus(60)), "2022-04-05T07:39:00Z")
        self.assertEqual(at.since(at.plus(60)), -60)
        for wrong in (
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
            with self.assertRaises(ValueError, msg=wrong):
                Timestamp.parse(wrong)

    def test_every_date_is_read_as_it_is_written(self) -> None:
        for seconds in range(-62_000_000_000, 250_000_000_000, 86_400 * 97 + 12_345):
            self.assertEqual(Timestamp.parse(str(Timestamp(seconds))), seconds)

    def test_durations(self) -> None:
        for text, seconds in [("P5D", 432_000), ("PT12H", 43_200), ("PT0S", 0), ("P1DT1S", 86_401), ("PT90M", 5_400)]:
            self.assertEqual(Duration.parse(text), seconds)
        self.assertEqual(str(Duration(93_784)), "P1DT2H3M4S")
        self.assertEqual((str(Duration(0)), str(Duration(60))), ("P0D", "PT1M"))
        for wrong in ("", "P", "PT", "P1DT", "5d 3x", "P1M", "P1Y", "-P1D", "PT1H1H"):
            with self.assertRaises(ValueError, msg=wrong):
                Duration.parse(wrong)


if __name__ == "__main__":
    unittest.main()
