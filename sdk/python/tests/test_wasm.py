import unittest

from reprieve_sdk import wasm

HEADER = b"\0asm\x0d\0\x01\0"
CORE_HEADER = b"\0asm\x01\0\0\0"


def section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + wasm.numbered(len(body)) + body


def named(name: bytes) -> bytes:
    return wasm.numbered(len(name)) + name


def core_module(dead_name: bytes) -> bytes:
    """A module that imports one of each kind and defines two functions, of which it exports the second."""
    imports = [
        b"\x00\x00",  # A function of type 0.
        b"\x01\x70\x01\x01\x80\x02",  # A table with a maximum.
        b"\x02\x00\x80\x01",  # A memory without one.
        b"\x03\x7f\x01",  # A global that changes.
        b"\x00\x00",
    ]
    large = b"\x00" + b"\x01" * 300 + b"\x0b"
    return (
        CORE_HEADER
        + section(1, b"\x01\x60\x00\x00")
        + section(2, bytes([len(imports)]) + b"".join(named(b"env") + named(b"x") + kind for kind in imports))
        + section(3, b"\x02\x00\x00")
        + section(7, b"\x02" + named(b"memory") + b"\x02\x00" + named(dead_name) + b"\x00\x03")
        + section(10, b"\x02" + named(large) + named(large))
        + section(0, named(b"name") + b"of functions")
        + section(0, named(b"dylink.0") + b"kept")
    )


def component(*extra: bytes, export: bytes = b"open-pass", module: bytes = core_module(b"run")) -> bytes:
    types = b"\x01\x00" + named(b"reprieve:policy/types@0.1.0") + b"\x05\x00"
    return (
        HEADER
        + section(10, types)
        + section(1, module)
        + b"".join(extra)
        + section(11, b"\x01\x00" + named(b"observe") + b"\x01\x00\x00")
        + section(11, b"\x01\x00" + named(export) + b"\x01\x01\x00")
        + section(0, named(b"component-name") + b"names")
    )


class Numbers(unittest.TestCase):
    def test_a_number_is_read_as_it_is_written(self) -> None:
        for value in (0, 1, 127, 128, 255, 300, 16_383, 16_384, 2**32 - 1):
            data = b"\xff" + wasm.numbered(value) + b"\xff"
            self.assertEqual(wasm.number(data, 1), (value, len(data) - 1))
        self.assertEqual(wasm.numbered(624_485), b"\xe5\x8e\x26")


class Finish(unittest.TestCase):
    def finish(self, data: bytes) -> list[tuple[int, bytes]]:
        finished = wasm.finish(data, b"open-pass", b"open")
        self.assertTrue(finished.startswith(HEADER))
        return list(wasm.sections(finished))

    def test_the_export_gets_its_name_and_the_rest_stays(self) -> None:
        before = list(wasm.sections(component()))
        after = self.finish(component())
        self.assertEqual([kind for kind, _ in after], [10, 1, 11, 11])
        self.assertEqual(after[0], before[0])
        self.assertEqual(after[2], before[2])
        self.assertEqual(after[3], (11, b"\x01\x00" + named(b"open") + b"\x01\x01\x00"))

    def test_only_names_are_dropped_from_a_module(self) -> None:
        before, after = core_module(b"run"), self.finish(component())[1][1]
        self.assertEqual(after, before.replace(section(0, named(b"name") + b"of functions"), b""))

    def test_code_that_is_done_becomes_a_trap(self) -> None:
        module = self.finish(component(module=core_module(b"__wasm_apply_data_relocs")))[1][1]
        (code,) = [body for kind, body in wasm.sections(module) if kind == 10]
        large = b"\x00" + b"\x01" * 300 + b"\x0b"
        self.assertEqual(code, b"\x02" + named(large) + named(b"\x00\x00\x0b"))

    def test_what_is_imported_is_types(self) -> None:
        self.finish(component(section(10, b"\x01\x00" + named(b"chunk") + b"\x03\x00\x07")))
        for imported in (
            named(b"log") + b"\x01\x00",  # A function.
            named(b"handle") + b"\x03\x01",  # A resource.
            named(b"wasi:clocks/wall-clock@0.2.0") + b"\x05\x00",  # An instance of something else.
        ):
            with self.assertRaisesRegex(wasm.Malformed, "it imports `"):
                self.finish(component(section(10, b"\x01\x00" + imported)))

    def test_what_is_not_as_known_is_refused(self) -> None:
        for data, error in [
            (component(export=b"begin"), "`open-pass` is exported 0 times"),
            (component(section(11, b"\x01\x00" + named(b"open-pass") + b"\x01\x01\x00")), "is exported 2 times"),
            (component(section(10, b"\x02")), "2 imports or exports"),
            (component()[:-1], "cut short"),
        ]:
            with self.assertRaisesRegex(wasm.Malformed, error):
                self.finish(data)


if __name__ == "__main__":
    unittest.main()
