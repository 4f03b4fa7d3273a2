import unittest

from reprieve_sdk import wasm

HEADER = b"\0asm\x0d\0\x01\0"
CORE_HEADER = b"\0asm\x01\0\0\0"


def section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + wasm.encode_leb128(len(body)) + body


def prefixed(data: bytes) -> bytes:
    return wasm.encode_leb128(len(data)) + data


def core_module(exported: bytes) -> bytes:
    """A module that has an import of every kind and defines two functions. It exports the second one."""
    imports = [
        b"\x00\x00",  # A function of type 0.
        b"\x01\x70\x01\x01\x80\x02",  # A table with a maximum.
        b"\x02\x00\x80\x01",  # A memory without a maximum.
        b"\x03\x7f\x01",  # A mutable global.
        b"\x00\x00",
    ]
    large = b"\x00" + b"\x01" * 300 + b"\x0b"
    return (
        CORE_HEADER
        + section(1, b"\x01\x60\x00\x00")
        + section(2, bytes([len(imports)]) + b"".join(prefixed(b"env") + prefixed(b"x") + kind for kind in imports))
        + section(3, b"\x02\x00\x00")
        + section(7, b"\x02" + prefixed(b"memory") + b"\x02\x00" + prefixed(exported) + b"\x00\x03")
        + section(10, b"\x02" + prefixed(large) + prefixed(large))
        + section(0, prefixed(b"name") + b"of functions")
        + section(0, prefixed(b"dylink.0") + b"kept")
    )


def component(*extra: bytes, module: bytes = core_module(b"run")) -> bytes:
    types = b"\x01\x00" + prefixed(b"reprieve:policy/types@0.2.0") + b"\x05\x00"
    return (
        HEADER
        + section(10, types)
        + section(1, module)
        + b"".join(extra)
        + section(11, b"\x01\x00" + prefixed(b"observe") + b"\x01\x00\x00")
        + section(11, b"\x01\x00" + prefixed(b"begin") + b"\x01\x01\x00")
        + section(0, prefixed(b"component-name") + b"names")
    )


class Leb128(unittest.TestCase):
    def test_leb128_round_trips(self) -> None:
        for value in (0, 1, 127, 128, 255, 300, 16_383, 16_384, 2**32 - 1):
            data = b"\xff" + wasm.encode_leb128(value) + b"\xff"
            self.assertEqual(wasm.decode_leb128(data, 1), (value, len(data) - 1))
        self.assertEqual(wasm.encode_leb128(624_485), b"\xe5\x8e\x26")


class Strip(unittest.TestCase):
    def strip(self, data: bytes) -> list[tuple[int, bytes]]:
        stripped = wasm.strip(data)
        self.assertTrue(stripped.startswith(HEADER))
        return list(wasm.sections(stripped))

    def test_keeps_imports_and_exports(self) -> None:
        before = list(wasm.sections(component()))
        after = self.strip(component())
        self.assertEqual([kind for kind, _ in after], [10, 1, 11, 11])
        self.assertEqual(after[0], before[0])
        self.assertEqual(after[2:], before[2:4])

    def test_removes_only_names_from_a_module(self) -> None:
        before, after = core_module(b"run"), self.strip(component())[1][1]
        self.assertEqual(after, before.replace(section(0, prefixed(b"name") + b"of functions"), b""))

    def test_replaces_the_unused_function_with_a_trap(self) -> None:
        module = self.strip(component(module=core_module(b"__wasm_apply_data_relocs")))[1][1]
        (code,) = [body for kind, body in wasm.sections(module) if kind == 10]
        large = b"\x00" + b"\x01" * 300 + b"\x0b"
        self.assertEqual(code, b"\x02" + prefixed(large) + prefixed(b"\x00\x00\x0b"))

    def test_rejects_imports_other_than_types(self) -> None:
        self.strip(component(section(10, b"\x01\x00" + prefixed(b"chunk") + b"\x03\x00\x07")))
        for imported in (
            prefixed(b"log") + b"\x01\x00",  # A function.
            prefixed(b"handle") + b"\x03\x01",  # A resource.
            prefixed(b"wasi:clocks/wall-clock@0.2.0") + b"\x05\x00",  # An instance of another interface.
        ):
            with self.assertRaisesRegex(wasm.Malformed, "the component imports `"):
                self.strip(component(section(10, b"\x01\x00" + imported)))

    def test_rejects_an_unknown_layout(self) -> None:
        for data, error in [
            (component(section(10, b"\x02")), "a section has 2 imports; expected 1"),
            (component()[:-1], "a section is truncated"),
        ]:
            with self.assertRaisesRegex(wasm.Malformed, error):
                self.strip(data)


if __name__ == "__main__":
    unittest.main()
