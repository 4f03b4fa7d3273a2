import unittest

from reprieve_sdk import Chunk, Column, Rows
from reprieve_sdk.chunk import BoolColumn, CodeColumn, I64Column, StringColumn, U64Column
from reprieve_sdk.testing import codes, counts, flags, strings, times

N = 19  # More than two bytes of bits, and not a multiple of eight.


class Columns(unittest.TestCase):
    def check_reads(self, column: Column, kind: str, expected: list[object]) -> None:
        """Rows read one by one equal all rows read at once, and every other type is unknown."""
        one, many = getattr(column, kind), getattr(column, kind + "s")
        self.assertEqual([one(row) for row in range(column.rows)], expected)
        self.assertEqual(list(many()), expected)
        for row in (-1, column.rows, column.rows + 100):
            self.assertIsNone(one(row))
        for other in {"text", "u64", "i64", "bool"} - {kind}:
            self.assertIsNone(getattr(column, other)(0))
            self.assertEqual(list(getattr(column, other + "s")()), [None] * column.rows)

    def test_unknown_values_are_none(self) -> None:
        for unknown in ({0}, {7}, {8}, {N - 1}, {0, 8, 16}, set(range(N)), set()):
            rows = [None if row in unknown else row for row in range(N)]
            self.check_reads(counts("size_bytes", rows), "u64", list(rows))
            self.check_reads(times("created_at", rows), "i64", list(rows))
            texts = [None if row is None else f"é{row % 3}" for row in rows]
            self.check_reads(strings("id", texts), "text", list(texts))
            self.check_reads(codes("kind", texts), "text", list(texts))
            odd = [None if row is None else row % 2 == 1 for row in rows]
            self.check_reads(flags("legal_hold", odd), "bool", list(odd))

    def test_without_validity_every_row_is_known(self) -> None:
        max_u64 = 2**64 - 1
        self.check_reads(U64Column("size_bytes", [0, max_u64]), "u64", [0, max_u64])
        self.check_reads(I64Column("created_at", [-(2**63), 2**63 - 1]), "i64", [-(2**63), 2**63 - 1])
        self.check_reads(BoolColumn("legal_hold", 3, b"\x05"), "bool", [True, False, True])
        self.check_reads(StringColumn("id", [0, 0, 3], b"a-1"), "text", ["", "a-1"])
        self.check_reads(CodeColumn("kind", ["app", "db"], [1, 0]), "text", ["db", "app"])

    def test_an_unknown_code_is_not_decoded(self) -> None:
        self.check_reads(CodeColumn("kind", [], [0, 0], b"\x00"), "text", [None, None])

    def test_map_distinct_calls_the_test_once_per_text(self) -> None:
        for column in (codes("kind", ["app", None, "db", "app"]), strings("id", ["app", None, "db", "app"])):
            tested: list[str] = []
            results: list[tuple[int, bool | None]] = []

            def test(text: str) -> bool:
                tested.append(text)
                return text == "app"

            column.map_distinct(test, lambda row, result: results.append((row, result)))
            self.assertEqual(sorted(tested), ["app", "db"])
            self.assertEqual(results, [(0, True), (1, None), (2, False), (3, True)])

    def test_a_missing_column_is_unknown(self) -> None:
        chunk = Chunk(65_536, 2, [times("created_at", [1, 2])])
        self.assertEqual((chunk.has("created_at"), chunk.has("kind")), (True, False))
        self.assertEqual(list(chunk.column("created_at").i64s()), [1, 2])
        missing = chunk.column("kind")
        self.assertEqual(list(missing.texts()), [None, None])
        self.assertEqual(list(missing.map_texts(str.upper)), [None, None])
        self.assertEqual(chunk.row(1), 65_537)


class CountingRows(unittest.TestCase):
    def test_parts_merge_in_any_order(self) -> None:
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
