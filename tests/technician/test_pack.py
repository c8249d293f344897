"""`bellpull org pack`: every case is tried before anything is signed, and no version goes back."""

import json
from pathlib import Path

import pytest

from diagnostics.knowledge.issue import own_issues
from diagnostics.knowledge.rollout import in_share, roll_out
from diagnostics.vendors.application import packed_applications
from protocol.certificates import IssuerRole, KnownIssuePack
from protocol.messages.api import TrialRow
from protocol.statements import StatementName, parse_payload
from technician.clock import now_s
from technician.commands.organisation import tell_trials
from technician.commands.output import EXIT_PROBLEM, Output
from technician.keys.passphrase import Passphrases
from technician.organisation import pack
from technician.organisation.desk import Desk
from technician.organisation.publish import make_documents
from technician.organisation.server_pin import pin_server, pinned_server
from tests.technician.conftest import Ran, Run
from tests.technician.test_organisation import FACTS

ISSUE = """\
id = "our-own"
version = 1
certainty = "certain"
priority = 99
article = "Ask the desk."
[title]
en = "Our own word"
ru = "Наше слово"
[explain]
en = "Call us."
ru = "Позвоните нам."
[when]
finding = "disk-space-low"
[[cases]]
name = "full"
expect = "fires"
findings = [{ code = "disk-space-low", instance = "disk:/" }]
[[cases]]
name = "room"
expect = "quiet"
judged = ["disk-space-low"]
"""


@pytest.fixture
def desk(run: Run, private: Path, passphrase_file: Path) -> Desk:
    run("org", "init", "--name", "Helpful Ltd", "--keys", private / "org", "--passphrase-file", passphrase_file)
    opened = Desk.open(private / "org", Passphrases(passphrase_file))
    pin_server(opened.records, FACTS)
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "our-issues"
    made.mkdir()
    (made / "our-own.toml").write_text(ISSUE, encoding="utf-8")
    return made


def packed(run: Run, desk: Desk, folder: Path, *more: str) -> Ran:
    return run("org", "pack", folder, "--keys", desk.folder, "--no-publish", *more)


def signed(desk: Desk) -> KnownIssuePack:
    keys = {role: desk.key(role) for role in IssuerRole}
    documents = dict(make_documents(desk.identity, desk.records, pinned_server(desk.records), keys, now_s()))
    return parse_payload(documents[StatementName.KNOWN_ISSUE_PACK].statement, KnownIssuePack)


def test_what_was_packed_is_signed_beside_the_programs_own(run: Run, desk: Desk, folder: Path) -> None:
    ran = packed(run, desk, folder, "--json")
    assert ran.code == 0, ran.text
    assert ran.json["issues"] == [{"id": "our-own", "version": 1, "cases": 2, "whom": "shown on all devices"}]
    texts = {issue.id: issue.toml for issue in signed(desk).issues}
    assert texts.keys() == {issue.id for issue in own_issues()} | {"our-own"}
    # And a device makes of it what was meant.
    rolled = roll_out(own_issues(), texts, device="d")
    assert "our-own" in {issue.id for issue in rolled.shown}
    assert (rolled.unused, rolled.withheld, rolled.stopped) == ((), (), ())


def test_check_keeps_nothing(run: Run, desk: Desk, folder: Path) -> None:
    assert "Every case holds" in packed(run, desk, folder, "--check").text
    assert pack.kept_texts(desk.records) == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('expect = "quiet"', 'expect = "unknown"', "at least one case that quiet"),
        ('judged = ["disk-space-low"]', "", "its own case 'room' does not hold"),
        ('id = "our-own"', 'id = "another"', "expected the id 'our-own', got 'another'"),
        ("priority = 99", 'priority = 99\nremedies = ["format-disk"]', "there is no remedy 'format-disk'"),
        ("[when]", "[when", "not TOML"),
        ("Ask the desk.", "x" * 40_000, "32768"),
    ],
)
def test_one_wrong_file_keeps_the_whole_folder_out(
    old: str, new: str, words: str, run: Run, desk: Desk, folder: Path
) -> None:
    (folder / "zz-good.toml").write_text(ISSUE.replace("our-own", "zz-good"), encoding="utf-8")
    (folder / "our-own.toml").write_text(ISSUE.replace(old, new, 1), encoding="utf-8")
    ran = packed(run, desk, folder)
    assert ran.code == EXIT_PROBLEM
    assert words in " ".join(ran.text.split())
    assert pack.kept_texts(desk.records) == {}


def test_a_version_never_goes_back_and_never_means_two_texts(run: Run, desk: Desk, folder: Path) -> None:
    file = folder / "our-own.toml"
    file.write_text(ISSUE.replace("version = 1", "version = 3"), encoding="utf-8")
    assert packed(run, desk, folder).code == 0
    file.write_text(ISSUE.replace("version = 1", "version = 2"), encoding="utf-8")
    assert "older than 3" in packed(run, desk, folder).text
    file.write_text(ISSUE.replace("version = 1", "version = 3").replace("99", "98"), encoding="utf-8")
    assert "give it a new version" in " ".join(packed(run, desk, folder).text.split())
    file.write_text(ISSUE.replace("version = 1", "version = 4"), encoding="utf-8")
    assert packed(run, desk, folder).code == 0


def test_a_trial_a_share_and_a_stop_reach_the_devices_they_are_for(run: Run, desk: Desk, folder: Path) -> None:
    (folder / "our-own.toml").write_text(ISSUE + '[rollout]\nmode = "shadow"\nshare_percent = 10\n', encoding="utf-8")
    stop = 'id = "user-cache-fills-disk"\nversion = 9\nstopped = "it blamed browsers"\n'
    (folder / "user-cache-fills-disk.toml").write_text(stop, encoding="utf-8")
    ran = packed(run, desk, folder, "--json")
    assert [each["whom"] for each in ran.json["issues"]] == [
        "on trial, counted on 10 % of the devices",
        "stopped: nobody hears it",
    ]
    texts = {issue.id: issue.toml for issue in signed(desk).issues}
    inside = next(f"d{number}" for number in range(999) if in_share("our-own", f"d{number}", 10))
    rolled = roll_out(own_issues(), texts, device=inside)
    assert [issue.id for issue in rolled.shadow] == ["our-own"]
    assert "user-cache-fills-disk" not in {issue.id for issue in rolled.shown}


def test_an_empty_folder_is_said_to_be_one(run: Run, desk: Desk, tmp_path: Path) -> None:
    ran = packed(run, desk, tmp_path / "nowhere")
    assert (ran.code, "no known issues to pack" in ran.text) == (EXIT_PROBLEM, True)


WATCH = 'application = "desk"\ntitle = "Front desk"\nlog_files = ["/var/log/desk.log"]\nservices = ["desk.service"]\n'


def test_the_watch_of_an_application_is_signed_with_the_pack_and_found_by_a_device(
    run: Run, desk: Desk, folder: Path
) -> None:
    (folder / "watch-desk.toml").write_text(WATCH + 'config_files = ["/etc/opt/desk/desk.conf"]\n', encoding="utf-8")
    told = {each["id"]: each["whom"] for each in packed(run, desk, folder, "--json").json["issues"]}
    assert told["watch-desk"] == "watched on all devices: 1 log, 1 service; 1 settings where the owner agrees"
    texts = {issue.id: issue.toml for issue in signed(desk.reopened()).issues}
    (found,), unused = packed_applications(texts.items())
    assert (found.application, found.config_files, unused) == ("desk", ("/etc/opt/desk/desk.conf",), ())
    rolled = roll_out(own_issues(), texts, device="d-1")
    assert rolled.unused == ()
    assert "our-own" in {issue.id for issue in rolled.shown}


@pytest.mark.parametrize(
    ("name", "more", "fault"),
    [
        ("watch-desk", 'config_files = ["/etc/shadow"]\n', "config_files: expected a .conf file below"),
        ("watch-desk", 'log_files = ["/etc/passwd"]\n', "overwrite"),
        ("watch-other", "", "expected the file name watch-desk.toml"),
        ("desk", "", "expected the file name watch-desk.toml"),
    ],
)
def test_a_watch_that_devices_would_refuse_is_not_signed(
    name: str, more: str, fault: str, run: Run, desk: Desk, folder: Path
) -> None:
    (folder / f"{name}.toml").write_text(WATCH + more, encoding="utf-8")
    ran = packed(run, desk, folder)
    assert (ran.code, fault in " ".join(ran.text.split())) == (EXIT_PROBLEM, True)


def test_trials_are_told_by_issue_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    row = TrialRow(issue="our-own", version=2, devices=40, fired_devices=3, fired=17, quiet=9000)
    tell_trials([row], Output())
    told = capsys.readouterr().out
    assert "our-own" in told
    assert "3 of 40 devices" in told
    assert "cannot prove them" in told
    tell_trials([row], Output(as_json=True))
    assert json.loads(capsys.readouterr().out) == {"trials": [row.model_dump()]}
    tell_trials([], Output())
    assert "No device has counted a trial yet" in capsys.readouterr().out


def test_a_folder_or_trials_and_not_both(run: Run, desk: Desk, folder: Path) -> None:
    for wrong in (("--trials", folder), ()):
        ran = run("org", "pack", *wrong, "--keys", desk.folder)
        assert (ran.code, "a folder to pack, or --trials" in " ".join(ran.text.split())) == (EXIT_PROBLEM, True)
