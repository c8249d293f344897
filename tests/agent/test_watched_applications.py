"""Which applications are watched, by whose wish, and what that lets be read: never more than the owner signed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent.bundles.planning import make_plan
from agent.bundles.talk import BundleRequest
from agent.cli.command import Exit
from agent.cli.main import main
from agent.identity.identity import Identity
from agent.identity.owner_key import OwnerKey
from agent.local.client import call
from agent.paths import StateFolder
from agent.refusal import Refusal
from agent.store.database import Database
from agent.uuid7 import uuid7
from agent.watch.applications import Watches, Wish, watch_list
from agent.watch.finding_store import FindingStore
from agent.watch.look import CheckLine, LookRequest
from agent.watch.report import APPLICATIONS, told_checks
from agent.watch.worker import look_once, still_watched
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.vendors.application import WATCHES_MAX, Application, load_application, settings_of, text_of
from diagnostics.vendors.check import watch_applications
from protocol.owner import VendorWatch
from protocol.strict_json import dump
from tests.agent.doubles import HandClocks, enrol_in_memory
from tests.agent.test_cli import Service
from tests.making import NOW, Organisation, signing_key

MACHINE = Path(__file__).parent.parent / "machines" / "laptop-healthy"
DESK = """
application = "desk"
title = "Front desk"
log_files = ["/var/log/desk.log"]
config_files = ["/etc/opt/desk/desk.conf"]
services = ["desk.service"]
processes = ["systemd"]
packages = ["adduser"]
"""
THIEF = """
application = "thief"
title = "Nice helper"
config_files = ["/etc/shadow"]
"""


class Pack(dict[str, str]):
    """The organisation's signed texts, as they stand now."""


@pytest.fixture
def pack() -> Pack:
    return Pack()


@pytest.fixture
def watches(folder: StateFolder, database: Database, identity: Identity, clocks: HandClocks, pack: Pack) -> Watches:
    return Watches(database, OwnerKey(folder.identity), clocks, device=identity.device, packed=lambda: pack)


# --- by whose wish ----------------------------------------------------------------------------------------------


def test_the_organisations_wish_alone_reads_no_settings(watches: Watches, pack: Pack) -> None:
    pack["watch-desk"] = DESK
    (found,) = watches.list().watched
    assert (found.wish, found.application.log_files) == (Wish.ORGANISATION, ("/var/log/desk.log",))
    assert found.settings_offered == ("/etc/opt/desk/desk.conf",)
    assert settings_of(watches.list().applications) == frozenset()


def test_the_owners_word_lets_the_settings_be_read_and_stands_whatever_the_pack_says_later(
    watches: Watches, pack: Pack
) -> None:
    pack["watch-desk"] = DESK
    offered = watches.offered("desk")
    assert offered == DESK
    watches.add(offered)
    pack["watch-desk"] = DESK.replace("desk.conf", "more.conf").replace("/var/log/desk.log", "/var/log/auth.log")
    (found,) = watches.list().watched
    assert (found.wish, found.since) == (Wish.OWNER, NOW)
    assert settings_of(watches.list().applications) == {"/etc/opt/desk/desk.conf"}
    assert found.application.log_files == ("/var/log/desk.log",)


def test_what_the_owner_removed_stays_away(watches: Watches, pack: Pack) -> None:
    pack["watch-desk"] = DESK
    assert watches.remove("desk").wish is Wish.ORGANISATION
    assert watches.list().watched == ()
    assert watches.list().refused == ("desk",)
    with pytest.raises(Refusal, match="no such application"):
        watches.remove("desk")
    watches.add(DESK)
    assert [each.wish for each in watches.list().watched] == [Wish.OWNER]


def test_a_pack_that_asks_for_more_than_the_fixed_folders_is_not_used_and_named(watches: Watches, pack: Pack) -> None:
    pack["watch-thief"] = THIEF
    pack["watch-climber"] = DESK.replace('"desk"', '"climber"').replace("/var/log/desk", "/var/log/../../root/x")
    pack["watch-glob"] = DESK.replace('"desk"', '"glob"').replace("desk.log", "*/*/*.log")
    found = watches.list()
    assert found.watched == ()
    assert len(found.unused) == 3
    assert watches.offered("thief") is None


def test_a_pack_of_many_does_not_push_the_owners_aside(watches: Watches, pack: Pack) -> None:
    watches.add(DESK.replace('"desk"', '"zzz"'))
    pack.update({f"watch-a{n:02}": DESK.replace('"desk"', f'"a{n:02}"') for n in range(WATCHES_MAX)})
    found = watches.list()
    assert len(found.watched) == WATCHES_MAX
    assert found.watched[0].application.application == "zzz"
    assert any("others come before it" in reason for reason in found.unused)


# --- the owner's signature ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [THIEF, "not toml", DESK.replace("/etc/opt/desk/desk.conf", "/etc/opt/desk/*.conf")])
def test_nothing_is_signed_that_no_watch_may_name(text: str, watches: Watches) -> None:
    with pytest.raises(Refusal, match="cannot be watched"):
        watches.add(text)
    assert watches.list().watched == ()


def bent(watches: Watches, database: Database, envelope: bytes) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE vendor_watches SET envelope = ?", (envelope,))
    found = watches.list()
    assert found.watched == ()
    assert len(found.unused) == 1


def test_a_row_that_the_owner_did_not_sign_for_this_device_and_version_is_not_used(
    folder: StateFolder, database: Database, watches: Watches
) -> None:
    watches.add(DESK)
    (row,) = database.query("SELECT envelope FROM vendor_watches")
    genuine: bytes = row["envelope"]
    owner = OwnerKey(folder.identity)
    body = VendorWatch(
        device="d-" + "a" * 26, version=1, issued_at=NOW, application="desk", title="Desk", log_files=(),
        config_files=(), services=(), processes=(),
    )  # fmt: skip
    bent(watches, database, signing_key("a stranger").sign(body).to_bytes())
    bent(watches, database, owner.sign(body).to_bytes())
    bent(watches, database, genuine.replace(b"payload", b"payl0ad"))
    bent(watches, database, b"")
    with database.transaction() as connection:
        connection.execute("UPDATE vendor_watches SET envelope = ?", (genuine,))
    assert len(watches.list().watched) == 1
    watches.add(DESK)  # version 2 now: the first one must not come back
    bent(watches, database, genuine)


def test_even_the_owners_signature_opens_no_other_file(
    folder: StateFolder, identity: Identity, database: Database, watches: Watches
) -> None:
    watches.add(DESK)
    body = VendorWatch(
        device=identity.device, version=1, issued_at=NOW, application="desk", title="Desk", log_files=(),
        config_files=("/etc/shadow",), services=(), processes=(),
    )  # fmt: skip
    bent(watches, database, OwnerKey(folder.identity).sign(body).to_bytes())


# --- what comes of it ---------------------------------------------------------------------------------------------


class WithDesk(RecordedMachine):
    """A recorded machine beside which an application lies: only a machine made for it reads its settings."""

    text = b"port = 1\n"

    def read_file(self, path: str, *, max_bytes: int = 1 << 23) -> bytes:
        if path == "/etc/opt/desk/desk.conf":
            if not self._readable(path):
                raise Unreadable("refused")
            return self.text[:max_bytes]
        return super().read_file(path, max_bytes=max_bytes)


def applications(*, owner: bool) -> tuple[Application, ...]:
    packed = {"watch-desk": DESK}
    signed = {"desk": (parse(), NOW)} if owner else {}
    return watch_list(signed, frozenset(), packed).applications


def parse() -> Application:
    from diagnostics.vendors.application import parse_application

    return parse_application(DESK)


def test_a_look_takes_the_watched_applications_along(database: Database) -> None:
    for owner in (False, True):
        watched = applications(owner=owner)
        request = LookRequest(now=NOW, database=None, everything=False, applications=watched)
        request = LookRequest.from_bytes(request.to_bytes())
        assert request.applications == watched
        look = look_once(WithDesk(MACHINE, settings_of(watched)), request, None)
        (line,) = [check for check in look.checks if check.id == "application-desk"]
        assert line.status == "ok", line.reason
        assert ("desk.conf" in look.past) is owner
    store = FindingStore(database)
    store.keep(look, NOW)
    store.forget_others(["application-desk"])
    assert "application-desk" in {run.id for run in store.check_runs()}
    store.forget_others([])
    assert "application-desk" not in {run.id for run in store.check_runs()}
    assert len(store.check_runs()) == len(look.checks) - 1


def test_findings_of_an_application_that_is_not_watched_any_more_are_dropped() -> None:
    def of(rule: str) -> Finding:
        return Finding("application-log-errors", "application:x:y", Severity.WARNING, rule, NOW, NOW)

    mine, gone, other = of("application-desk@2"), of("application-gone@2"), of("disk-space@1")
    kept = still_watched([mine, gone, other], watch_applications([parse()]).checks)
    assert kept == [mine, other]


def test_the_server_does_not_learn_which_applications_are_watched() -> None:
    lines = [
        CheckLine("disk-space", "ok", 1, ""),
        CheckLine("application-desk", "finding", 1, ""),
        CheckLine("application-secret-project", "skipped", 1, ""),
    ]
    told = told_checks(lines)
    assert [(each.id, each.status) for each in told] == [("disk-space", "ok"), (APPLICATIONS, "finding")]
    assert told_checks(lines[:1])[0].id == "disk-space"
    assert b"desk" not in b"".join(map(dump, told))


SECRETS = b"""
primary_conninfo = 'host=10.0.0.9 user=repl password=hunter2canary'
proxy_set_header Authorization "Basic Y2FuYXJ5OmNhbmFyeWNhbmFyeQ==";
upstream = https://anna:canarypassword@db.example.org/x
api_key = "canary-9f8e7d6c5b4a39281706f5e4d3c2b1a0"
port = 5432
"""


def request_for(watched: tuple[Application, ...], never: tuple[str, ...] = ()) -> BundleRequest:
    keep = ("applications", "logs")
    from diagnostics.collectors.evidence import evidence_catalogue

    others = tuple(each.id for each in evidence_catalogue(NOW) if each.id not in keep)
    return BundleRequest(uuid7(), NOW, "ab" * 32, (), applications=watched, never=(*others, *never))


def files_of(plan_preview: object) -> dict[str, Mapping[str, object]]:
    files: list[Mapping[str, object]] = plan_preview["files"]  # type: ignore[index]
    return {str(file["path"]): file for file in files}


def test_a_bundle_shows_the_settings_redacted_and_lets_them_be_unticked() -> None:
    from agent.bundles.planning import preview_value

    watched = applications(owner=True)
    machine = WithDesk(MACHINE, settings_of(watched))
    machine.text = SECRETS
    plan = make_plan(request_for(watched), machine)
    files = files_of(preview_value(plan))
    config = files["applications/desk/config/desk.conf"]
    assert (config["status"], config["category"], config["can_untick"]) == ("ok", "applications", True)
    shown = plan.content("applications/desk/config/desk.conf")
    assert b"canary" not in shown
    assert b"port = 5432" in shown
    assert json.loads(plan.content("applications/desk/state.json"))["programs"]["systemd"]["processes"] == 1
    left_out = files_of(preview_value(plan.without(categories=["applications"])))
    assert {file["status"] for path, file in left_out.items() if path.startswith("applications/")} == {"skipped"}


def test_a_bundle_without_the_owners_word_holds_no_settings_and_none_where_the_owner_keeps_them_back() -> None:
    from agent.bundles.planning import preview_value

    for watched, never in ((applications(owner=False), ()), (applications(owner=True), ("applications",))):
        plan = make_plan(request_for(watched, never), WithDesk(MACHINE, settings_of(watched)))
        assert not [path for path in files_of(preview_value(plan)) if "desk.conf" in path]


# --- at the command line ------------------------------------------------------------------------------------------


@pytest.fixture
def service(folder: StateFolder, organisation: Organisation) -> Iterator[Service]:
    enrol_in_memory(folder, organisation)
    running = Service(folder)
    yield running
    running.stop()


def test_an_owner_adds_lists_and_removes_at_the_command_line(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def agent(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--state", str(service.folder.root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, _, told = agent("watch", "add", "nginx", "--yes")
    assert code == Exit.FINE, told
    assert "/etc/nginx/nginx.conf" in told  # shown before it is agreed to
    mine = tmp_path / "desk.toml"
    mine.write_text(DESK)
    assert agent("watch", "add", str(mine), "--yes")[0] == Exit.FINE
    mine.write_text(THIEF)
    code, _, told = agent("watch", "add", str(mine), "--yes")
    assert code == Exit.WRONG_USE
    assert "config_files" in told
    assert "/etc/shadow" in told
    assert agent("watch", "add", "../../etc/passwd", "--yes")[0] == Exit.WRONG_USE
    assert agent("watch", "add", "apache", "--yes")[0] == Exit.PROBLEM
    assert agent("watch", "add", "postgresql")[0] == Exit.PROBLEM  # nobody is there to say yes
    _, listed, _ = agent("watch")
    assert "by the owner's wish" in listed
    assert "Front desk (desk)" in listed
    names = {each["application"]["application"] for each in call(service.folder.root, "watches")["watched"]}
    assert names == {"nginx", "desk"}
    done = json.loads(agent("check", "agent-self", "application-nginx", "--json")[1])
    assert {check["id"] for check in done["checks"]} == {"agent-self", "application-nginx"}
    assert agent("watch", "remove", "nginx")[0] == Exit.FINE
    assert agent("watch", "remove", "nginx")[0] == Exit.PROBLEM
    assert "Not watched, by the owner's word: nginx" in agent("watch", "list")[1]


def test_the_watches_that_ship_can_all_be_signed(watches: Watches) -> None:
    for name in ("nginx", "postgresql"):
        watches.add(text_of(name))
    assert set(watches.list().applications) == {load_application("nginx"), load_application("postgresql")}
