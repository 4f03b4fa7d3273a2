import json
import unittest

from reprieve_sdk import Settings, TimeZone, setting


class Everything(Settings):
    """One setting of each type."""

    max_targets: int = setting(
        default=100, min=0, max=1_000_000, unit="targets", doc="Targets that one batch may hold."
    )
    offset: float = setting(
        default=0.0, min=-14, max=14, unit="hours", doc="How far the window's clock is\n    ahead of UTC."
    )
    window: bool = setting(default=False, doc="Whether batches run only within the window.")
    zone: str = setting(default='Zürich "Z"', doc="Where.")
    clock: TimeZone = setting(default=TimeZone("UTC"), doc="The zone whose clock the window goes by.")
    days: list[int] = setting(default=[1, 2], doc="The days of the window.")
    limits: dict[str, int] = setting(default={"b": 2, "a": 1}, doc="Limits by kind.")


class Read(unittest.TestCase):
    def test_settings_that_are_not_set_have_their_default(self) -> None:
        settings = Everything.read('{"max_targets":7,"limits":{"x":1}}')
        self.assertEqual((settings.max_targets, settings.limits), (7, {"x": 1}))
        self.assertEqual((settings.offset, settings.window, settings.days), (0.0, False, [1, 2]))
        self.assertEqual(settings, Everything(max_targets=7, limits={"x": 1}))

    def test_numbers_are_exact_and_of_their_type(self) -> None:
        self.assertEqual(Everything.read('{"max_targets":18446744073709551615}').max_targets, 2**64 - 1)
        offset = Everything.read('{"offset":-2}').offset
        self.assertEqual((offset, type(offset)), (-2.0, float))
        for invalid in ("18446744073709551616", "-1", "1.0", "true", '"1"', "null"):
            with self.assertRaisesRegex(ValueError, "`max_targets` is not of type integer"):
                Everything.read(f'{{"max_targets":{invalid}}}')

    def test_rejects_settings_that_do_not_match(self) -> None:
        for text, error in [
            ("[]", "settings: expected a JSON object"),
            ('{"nope":1}', "has no setting `nope`"),
            ('{"window":1}', "`window` is not of type boolean"),
            ('{"days":["x"]}', "`days` is not of type integer"),
            ('{"limits":{"a":-1}}', "`limits` is not of type integer"),
        ]:
            with self.assertRaisesRegex(ValueError, error):
                Everything.read(text)

    def test_settings_are_read_only_and_do_not_share_defaults(self) -> None:
        settings = Everything()
        with self.assertRaises(AttributeError):
            settings.max_targets = 1  # type: ignore[misc]
        settings.days.append(3)
        self.assertEqual(Everything().days, [1, 2])


class Schema(unittest.TestCase):
    def test_the_schema_equals_that_of_the_other_sdks(self) -> None:
        self.assertEqual(
            Everything.schema(),
            '{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",'
            '"additionalProperties":false,"properties":{'
            '"max_targets":{"type":"integer","description":"Targets that one batch may hold.","default":100,'
            '"minimum":0,"maximum":1000000,"x-unit":"targets"},'
            '"offset":{"type":"number","description":"How far the window\'s clock is ahead of UTC.","default":0.0,'
            '"minimum":-14,"maximum":14,"x-unit":"hours"},'
            '"window":{"type":"boolean","description":"Whether batches run only within the window.",'
            '"default":false},'
            '"zone":{"type":"string","description":"Where.","default":"Zürich \\"Z\\""},'
            '"clock":{"type":"string","format":"time-zone",'
            '"description":"The zone whose clock the window goes by.","default":"UTC"},'
            '"days":{"type":"array","uniqueItems":true,"items":{"type":"integer"},'
            '"description":"The days of the window.","default":[1,2]},'
            '"limits":{"type":"object","additionalProperties":{"type":"integer"},'
            '"description":"Limits by kind.","default":{"a":1,"b":2}}}}',
        )

    def test_defaults_can_be_read(self) -> None:
        properties = json.loads(Everything.schema())["properties"]
        defaults = {name: schema["default"] for name, schema in properties.items()}
        self.assertEqual(Everything.read(json.dumps(defaults)), Everything())


class Declaration(unittest.TestCase):
    def test_rejects_an_invalid_declaration(self) -> None:
        with self.assertRaisesRegex(TypeError, "`a` of Bare has no `setting"):
            type("Bare", (Settings,), {"__annotations__": {"a": int}, "a": 3})
        for hint, given, error in [
            (int, setting(default=1, doc=" "), "has no doc"),
            (int, setting(default=1, doc="x", min=0, max=3), "give all three or none"),
            (int, setting(default=1, doc="x", min=0, unit="days"), "give all three or none"),
            (str, setting(default="", doc="x", min=0, max=3, unit="days"), "is not a number"),
            (int, setting(default=4, doc="x", min=0, max=3, unit="days"), "outside its bounds"),
            (int, setting(default="1", doc="x", min=0, max=3, unit="days"), "a default that is not of its type"),
            (int, setting(default=-1, doc="x"), "a default that is not of its type"),
            (bytes, setting(default=b"", doc="x"), "cannot be of type"),
        ]:
            with self.subTest(error), self.assertRaisesRegex(TypeError, error):
                type("Wrong", (Settings,), {"__annotations__": {"a": hint}, "a": given})


if __name__ == "__main__":
    unittest.main()
