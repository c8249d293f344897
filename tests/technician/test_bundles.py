"""Bundles on the technician's machine: read as hostile, judged by their signature, shown as text, never unpacked."""

import io
import json
from pathlib import Path

import pyrage
import pytest

from diagnostics.bundle import Heading, Window, plan_bundle, write_bundle
from diagnostics.bundle.manifest import SUMMARY_PATH
from diagnostics.collectors.contract import CollectedFile
from diagnostics.redaction import Identifiers, Redactor
from protocol import strict_json
from protocol.certificates import Chain
from protocol.tickets import BundleSeal, BundleSignature
from technician.bundles import open_bundle
from technician.home import Home
from technician.keys.technician_keys import TechnicianKeys, write_keys
from technician.problems import Problem
from tests.making import NOW, Organisation, signing_key
from tests.technician.conftest import Run

ORG = Organisation()
BUNDLE = "01890a5d-ac96-7745-bcce-b302099a8057"
HOSTILE = b"\x1b[31mred \x00 \xe2\x80\xaegpj.exe <script>alert(1)</script>\n"
KEYS = TechnicianKeys.make(bytes(range(64)))


def device_of(chain: Chain | None, key: str = "device laptop", **bent: object) -> "Sign":
    return Sign(chain, key, bent)


class Sign:
    """Makes signature.json for a root, as an agent does, or bent."""

    def __init__(self, chain: Chain | None, key: str, bent: dict[str, object]) -> None:
        self.chain, self.key, self.bent = chain, signing_key(key), bent

    def __call__(self, root: bytes) -> bytes:
        from protocol.fields import device_id

        body = BundleSignature(
            device=device_id(self.key.public), root=ORG.root_hash, bundle=BUNDLE, files_root=root, made_at=NOW
        )
        signature = self.key.sign(body.model_copy(update=self.bent))
        return strict_json.dump(BundleSeal(device=self.chain, device_key=self.key.public, signature=signature))


def made(tmp_path: Path, sign: Sign | None, *, recipients: tuple[str, ...] = (KEYS.age_recipient,)) -> Path:
    plan = plan_bundle(
        [
            CollectedFile(
                path="logs/syslog.txt",
                truncated=False,
                may_contain=frozenset(),
                ms=1,
                content=HOSTILE * 3,
                why="a log",
                collector="logs",
                source="/var/log/syslog",
            )
        ],
        heading=Heading(
            id=BUNDLE, created_unix_s=NOW, agent_version="0.1.0", pack_versions={}, window=Window(NOW - 60, NOW)
        ),
        findings=(),
        changes=(),
        redactor=Redactor(Identifiers(), bytes(32)),
    )
    path = tmp_path / "bundle.tar.zst.age"
    write_bundle(plan, path, recipients=recipients or None, sign=sign)
    return path


def opened(path: Path, keys: TechnicianKeys | None = KEYS) -> object:
    return open_bundle(io.BytesIO(path.read_bytes()), keys, ORG.trust, NOW)


def test_a_bundle_of_a_certified_device_names_its_customer(tmp_path: Path) -> None:
    bundle = open_bundle(io.BytesIO(made(tmp_path, device_of(ORG.device())).read_bytes()), KEYS, ORG.trust, NOW)
    assert (bundle.doubt, bundle.customer) == ("", "Acme")
    assert "What this bundle says" in bundle.summary


@pytest.mark.parametrize(
    ("sign", "doubt"),
    [
        (None, "nobody signed it"),
        (device_of(None), "had no certificate"),
        (device_of(Organisation("Evil Inc").device()), "does not verify"),
        (device_of(ORG.device("desktop")), "of another device"),
        (device_of(ORG.device(), files_root=bytes(32)), "of another bundle or device"),
        (device_of(ORG.device(), bundle="01890a5d-ac96-7745-bcce-b302099a8058"), "of another bundle or device"),
        (device_of(ORG.device(), "device thief"), "certificate in it is of another device"),
    ],
)
def test_a_maker_that_is_not_proven_is_said_to_be_so(tmp_path: Path, sign: Sign | None, doubt: str) -> None:
    bundle = open_bundle(io.BytesIO(made(tmp_path, sign).read_bytes()), KEYS, ORG.trust, NOW)
    assert doubt in bundle.doubt
    assert bundle.customer is None
    assert SUMMARY_PATH in bundle.opened.files  # still shown, as text


def test_content_is_shown_without_anything_that_moves_a_cursor(tmp_path: Path) -> None:
    bundle = open_bundle(io.BytesIO(made(tmp_path, device_of(ORG.device())).read_bytes()), KEYS, ORG.trust, NOW)
    text = bundle.shown("logs/syslog.txt")
    assert not set("\x1b\x00\u202e") & set(text)
    assert "<script>" in text  # markup is the page's to escape


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "manifest.json", "nothing", ""])
def test_only_what_the_manifest_lists_can_be_shown(tmp_path: Path, path: str) -> None:
    bundle = open_bundle(io.BytesIO(made(tmp_path, None).read_bytes()), KEYS, ORG.trust, NOW)
    with pytest.raises(Problem, match="no such file"):
        bundle.shown(path)


def test_a_bundle_sealed_to_somebody_else_says_so(tmp_path: Path) -> None:
    other = str(pyrage.x25519.Identity.generate().to_public())
    with pytest.raises(Problem, match="wrong-key"):
        opened(made(tmp_path, None, recipients=(other,)))


@pytest.mark.parametrize("data", [b"", b"not a bundle", b"PK\x03\x04zip", b"age-encryption.org/v1\n" + bytes(400)])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(Problem, match="the bundle was refused"):
        open_bundle(io.BytesIO(data), KEYS, ORG.trust, NOW)


def test_open_bundle_at_the_command_line(tmp_path: Path, private: Path, run: Run) -> None:
    """A technician with keys and no certificate yet: the content opens only once one is installed."""
    path = made(tmp_path, device_of(ORG.device()))
    write_keys(Home.at(private), KEYS, None, random=b"")
    refused = run("open-bundle", path, "--home", private, "--json")
    assert refused.code == 1
    assert "certificate" in refused.json["error"]["what"]


def test_a_plain_bundle_needs_no_keys_and_nothing_of_it_reaches_the_disk(
    tmp_path: Path, private: Path, run: Run
) -> None:
    path = made(tmp_path, None, recipients=())
    before = sorted(tmp_path.rglob("*"))
    told = run("open-bundle", path, "--home", private, "--json")
    assert told.code == 0, told.text
    assert told.json["sealed"] is False
    assert told.json["doubt"] == "nobody signed it"
    listed = run("open-bundle", path, "--home", private, "--list")
    assert "logs/syslog.txt" in listed.text
    shown = run("open-bundle", path, "--home", private, "--show", "logs/syslog.txt")
    assert "\x1b" not in shown.result.stdout
    assert run("open-bundle", path, "--home", private, "--show", "../x").code == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert json.loads(told.result.stdout)["id"] == BUNDLE


def test_two_bundles_are_compared_at_the_command_line(tmp_path: Path, private: Path, run: Run) -> None:
    (tmp_path / "later").mkdir()
    one = made(tmp_path, None, recipients=())
    other = made(tmp_path / "later", None, recipients=())
    told = run("open-bundle", one, "--against", other, "--home", private, "--json")
    assert told.code == 0, told.text
    assert told.json["subjects"]["findings"] == {"differences": [], "more": 0, "not_comparable": ""}
    assert "it has no packages/packages.json" in told.json["subjects"]["packages"]["not_comparable"]
    assert "findings: the same" in run("open-bundle", one, "--against", other, "--home", private).text
    assert run("open-bundle", one, "--against", other, "--list", "--home", private).code == 1


def test_bundles_of_two_devices_are_not_compared(tmp_path: Path, private: Path, run: Run) -> None:
    (tmp_path / "other").mkdir()
    one = made(tmp_path, device_of(None), recipients=())
    other = made(tmp_path / "other", device_of(None, "device desktop"), recipients=())
    told = run("open-bundle", one, "--against", other, "--home", private, "--json")
    assert told.code == 1
    assert "cannot be compared" in told.json["error"]["what"]
