import unittest

from reprieve_sdk import Chunk, Column, Rows
from reprieve_sdk.chunk import BoolColumn, CodeColumn, I64Column, StringColumn, U64Column
from reprieve_sdk.testing import answers, codes, counts, strings, times

N = 19  # More than two bytes of bits, and not a multiple of eight.


class Columns(unittest.TestCase):
    def both(self, column: Column, kind: str, expected: list[object]) -> None:
        """One row at a time and all at once are the same, and every other kind is unknown."""
        one, many = getattr(column, kind), getattr(column, kind + "s")
        self.assertEqual([one(row) for row in range(column.rows)], expected)
        self.assertEqual(list(many()), expected)
        for row in (-1, column.rows, column.rows + 100):
            self.assertIsNone(one(row))
        for other in {"text", "u64", "i64", "bool"} - {kind}:
            self.assertIsNone(getattr(column, other)(0))
            self.assertEqual(list(getattr(column, other + "s")()), [None] * column.rows)

    def test_what_is_unknown_is_none(self) -> None:
        for unknown in ({0}, {7}, {8}, {N - 1}, {0, 8, 16}, set(range(N)), set()):
            rows = [None if row in unknown else row for row in range(N)]
            self.both(counts("size_bytes", rows), "u64", list(rows))
            self.both(times("created_at", rows), "i64", list(rows))
            texts = [None if row is None else f"é{row % 3}" for row in rows]
            self.both(strings("id", texts), "text", list(texts))
            self.both(codes("kind", texts), "text", list(texts))
            odd = [None if row is None else row % 2 == 1 for row in rows]
            self.both(answers("legal_hold", odd), "bool", list(odd))

    def test_without_a_bitmap_everything_is_known(self) -> None:
        most = 2**64 - 1
        self.both(U64Column("size_bytes", [0, most]), "u64", [0, most])
        self.both(I64Column("created_at", [-(2**63), 2**63 - 1]), "i64", [-(2**63), 2**63 - 1])
        self.both(BoolColumn("legal_hold", 3, b"\x05"), "bool", [True, False, True])
        self.both(StringColumn("id", [0, 0, 3], b"a-1"), "text", ["", "a-1"])
        self.both(CodeColumn("kind", ["app", "db"], [1, 0]), "text", ["db", "app"])

    def test_an_unknown_code_is_not_looked_up(self) -> None:
        self.both(CodeColumn("kind", [], [0, 0], b"\x00"), "text", [None, None])

    def test_a_text_is_judged_once(self) -> None:
        for column in (codes("kind", ["app", None, "db", "app"]), strings("id", ["app", None, "db", "app"])):
            asked: list[str] = []
            heard: list[tuple[int, bool | None]] = []

            def test(text: str) -> bool:
                asked.append(text)
                return text == "app"

            column.judge(test, lambda row, verdict: heard.append((row, verdict)))
            self.assertEqual(sorted(asked), ["app", "db"])
            self.assertEqual(heard, [(0, True), (1, None), (2, False), (3, True)])

    def test_a_column_that_is_not_there_is_unknown(self) -> None:
        chunk = Chunk(65_536, 2, [times("created_at", [1, 2])])
        self.assertEqual((chunk.has("created_at"), chunk.has("kind")), (True, False))
        self.assertEqual(list(chunk.column("created_at").i64s()), [1, 2])
        missing = chunk.column("kind")
        self.assertEqual(list(missing.texts()), [None, None])
        self.assertEqual(list(missing.verdicts(str.upper)), [None, None])
        self.assertEqual(chunk.row(1), 65_537)


class Counting(unittest.TestCase):
    def test_parts_add_up_in_any_order(self) -> None:
        offending = [2, 3, 5, 7, 11, 13, 17]
        whole = Rows()
        for row in range(20):
            whole.add_if(row in offending, row)
        for cut in range(21):
            for swapped in (False, True):
                parts = [Rows(), Rows()]
                for row in offending:
                    parts[row >= cut].add(row)
                first, second = reversed(parts) if swapped else parts
                first.merge(second)
                self.assertEqual(first, whole)
        self.assertEqual((whole.count, whole.examples, whole.any()), (7, [2, 3, 5, 7, 11], True))
        self.assertFalse(Rows().any())


if __name__ == "__main__":
    unittest.main()
