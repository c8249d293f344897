"""A machine recorded for others: no names and secrets in it, and the checks say the same of it."""

import plistlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.machine.interface import Command, CommandOutput
from diagnostics.machine.recorded import Origin, RecordedMachine
from diagnostics.recorder import README, FolderInUse, keep, make_draft
from diagnostics.redacted_recording import Disguise, stand_in
from diagnostics.redaction import LocalUser, MachineNames, harvest

SECRET = b"0123456789abcdef" * 2
NAMES = harvest(MachineNames(hosts=("annas-laptop",), users=(LocalUser("anna", "Anna Schmidt", "/home/anna"),)))
Recorded = Callable[[str], RecordedMachine]


@pytest.mark.parametrize(
    "name", ["laptop-healthy", "server-troubled", "office-network-sick", "mac-healthy", "mac-troubled"]
)
def test_checks_say_the_same_of_a_recording_as_of_the_machine(name: str, recorded: Recorded, tmp_path: Path) -> None:
    machine = recorded(name)
    now = machine.clock().unix_s
    draft = make_draft(machine, NAMES, SECRET, tmp_path / "made", name=name, about="a test", now=now)
    assert draft.differences == ()
    assert RecordedMachine(draft.folder).about.origin is Origin.RECORDED
    assert draft.taken.by_kind["ip-private"] > 0
    for path in draft.folder.rglob("*"):
        said = path.read_bytes().lower() if path.is_file() else b""
        assert b"anna" not in said, path
        assert b"192.168.1." not in said, path
        assert b"0101a8c0" not in said, path
        assert b"anna" not in str(path.relative_to(draft.folder)).encode(), path


def test_a_recording_names_nobody_that_the_machine_names(recorded: Recorded, tmp_path: Path) -> None:
    class Planted(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            output = super().run(command)
            if command.argv[0] != "dpkg-query":
                return output
            planted = b"anna-tools\t1.0\tall\tinstalled\n# password=hunter2hunter2 host annas-laptop\n"
            return CommandOutput(0, output.stdout + planted, b"", False)

    machine = Planted(recorded("laptop-healthy").folder)
    draft = make_draft(machine, NAMES, SECRET, tmp_path / "made", name="x", about="", now=machine.clock().unix_s)
    text = (draft.folder / "answers.json").read_text("utf-8")
    for secret in ("anna", "hunter2", "a4:c3:f0:12:34:56"):
        assert secret not in text
    assert draft.taken.by_kind["password"] == 1
    said = (draft.folder / README).read_text("utf-8")
    assert "Read it through before you give it away" in said
    assert "password 1" in said
    assert "checks that answer differently from it than from the machine: none" in said


def test_a_folder_with_something_in_it_is_left_alone(recorded: Recorded, tmp_path: Path) -> None:
    machine = recorded("debian-virtual-machine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(FolderInUse, match="never mixed"):
        make_draft(machine, NAMES, SECRET, tmp_path / "mine", name="x", about="", now=0)
    draft = make_draft(machine, NAMES, SECRET, tmp_path / "made", name="x", about="", now=machine.clock().unix_s)
    with pytest.raises(FolderInUse):
        keep(draft, tmp_path / "mine")
    (tmp_path / "empty").mkdir()
    keep(draft, tmp_path / "empty")
    assert RecordedMachine(tmp_path / "empty").about.name == "x"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_stand_in_has_the_shape_of_what_it_stands_for() -> None:
    assert stand_in(b"<ip-private:4c9a01d7>") == b"10.154.1.215"
    assert stand_in(b"<ip:4c9a01d7>") == b"198.154.1.215"
    assert stand_in(b"<ip:0011223344556677-8899aabb>") == b"2001:db8:4455:6677::8899:aabb"
    assert re.fullmatch(rb"02(:[0-9a-f]{2}){5}", stand_in(b"<mac:0a1b2c-3d4e5f>"))
    assert stand_in(b"<user:7f3a91c0>") == b"user-7f3a91c0"
    assert stand_in(b"<redacted:token>") == b"redacted-token"


def test_the_same_address_has_the_same_stand_in_in_text_field_and_hex() -> None:
    guise = Disguise(NAMES, SECRET)
    field = guise.address("192.168.1.1")
    assert field.startswith("10.")
    assert field in guise.text("default via 192.168.1.1 dev eth0")
    (line,) = guise.file("/proc/net/route", b"eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\n").splitlines()
    fields = line.decode().split()
    assert (fields[1], fields[7]) == ("00000000", "00000000")
    assert ".".join(str(octet) for octet in reversed(bytes.fromhex(fields[2]))) == field


def test_addresses_a_machine_gave_itself_stay_such() -> None:
    guise = Disguise(NAMES, SECRET)
    assert guise.address("169.254.12.34") == "169.254.12.34"
    assert guise.address("fe80::1%en0").startswith("fe80::")
    assert "fe80::" in guise.text('{"local":"fe80::a6c3:f0ff:fe12:3456"}')
    assert "f0ff" not in guise.text('{"local":"fe80::a6c3:f0ff:fe12:3456"}')


def test_a_host_called_by_a_common_word_is_not_named_by_its_own_file() -> None:
    guise = Disguise(harvest(MachineNames(hosts=("vm",))), SECRET)
    assert guise.file("/etc/hostname", b"vm\n").startswith(b"host-")


def test_of_wtmp_only_starts_and_shutdowns_stay() -> None:
    def record(kind: int, user: bytes, host: bytes) -> bytes:
        return struct.pack("<hxxi32s4s32s256sxxxxi2i", kind, 7, b"tty1", b"id", user, host, 0, 1, 2).ljust(384, b"\0")

    content = record(2, b"reboot", b"6.1.0") + record(7, b"anna", b"10.0.0.7") + record(1, b"shutdown", b"6.1.0")
    kept = Disguise(NAMES, SECRET).file("/var/log/wtmp", content)
    assert len(kept) == 2 * 384
    assert b"anna" not in kept
    assert b"10.0.0.7" not in kept
    assert kept.count(b"reboot") == kept.count(b"shutdown") == 1


def test_a_binary_property_list_becomes_text_and_its_names_of_settings_stay() -> None:
    settings = {"LastSuccessfulDate": 7, "Owner": "anna", "APIKey": "abcdefgh12345678XYZ"}
    content = plistlib.dumps(settings, fmt=plistlib.FMT_BINARY)
    told = plistlib.loads(Disguise(NAMES, SECRET).file("/Library/Preferences/com.apple.SoftwareUpdate.plist", content))
    assert told["LastSuccessfulDate"] == 7
    assert told["Owner"].startswith("user-")
    assert told["APIKey"] == "redacted-token"
