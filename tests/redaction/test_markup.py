"""Between tags: a `key` of a property list is a name, and elsewhere it may be a key."""

import plistlib

from diagnostics.redaction import MachineNames, Redactor, harvest


def redacted(content: bytes) -> bytes:
    return b"".join(Redactor(harvest(MachineNames()), b"0123456789abcdef").stream([content], path="settings.xml"))


def test_names_of_settings_in_a_property_list_stay() -> None:
    settings = {"AppleRawMaxCapacity": 3921, "SMARTDeviceSpecificKeysMayVaryNotGuaranteed": {"MEDIA_ERRORS_0": 0}}
    content = plistlib.dumps(settings)
    assert redacted(content) == content


def test_a_secret_behind_its_name_in_a_property_list_goes() -> None:
    said = redacted(plistlib.dumps({"APIKey": "abcdefgh12345678XYZ", "Password": "hunter2hunter2"}))
    assert b"abcdefgh12345678XYZ" not in said
    assert b"hunter2" not in said
    assert b"<key>APIKey</key>" in said


def test_an_element_called_key_that_holds_one_is_still_taken_out() -> None:
    assert b"s3cr3tK3yV4lue99zz" not in redacted(b"<config><key>s3cr3tK3yV4lue99zz</key></config>\n")
