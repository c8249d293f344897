"""The whole way with every program real: server, relay, organisation, technician, agent. And what may fail on it."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from agent.local.client import call
from agent.session.descendants import below
from protocol import strict_json
from protocol.audit import AuditLeaf
from protocol.fields import sha256
from protocol.limits import RISK3_WAIT_S, STOP_CHILDREN_S, STOP_S
from technician.audit.files import read_log
from tests.agent.session.programs import WORDS, Connect, World, command, log_of_tests, wait_for

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("w"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def asked_for_help_just_now(world: World) -> None:
    """A local act lifts the limits of questions, as it does for a customer who waits for help."""
    if world.server.process.poll() is not None:
        world.server.start_again()
    if world.service.poll() is not None:
        world.start_again()
    call(world.state, "ticket-text", ticket=world.ticket, text="I am here")


def test_a_visit_from_the_question_to_the_verified_receipt(world: World) -> None:
    visit = world.connect("diagnose", "processes", "logs")
    phrase = visit.until("phrase")["words"]
    prompt, yes = world.approve("--scope", "processes", "--scope", "diagnose", "--minutes", "5")
    assert prompt["phrase"] == phrase
    assert (prompt["technician"], prompt["organisation"]) == ("Tom Vale", "Example Support")
    assert prompt["reason"] == "Looking at what is slow"
    assert sorted(yes["scopes"]) == ["diagnose", "processes"]
    granted = visit.until("granted")
    assert granted["minutes"] == 5
    visit.say("ps")
    assert visit.until("result")["outcome"] == "done"
    assert len(visit.rows("processes")) > 0
    visit.say("logs list")
    assert visit.until("result", 2)["outcome"] == "refused"
    visit.say("end")
    ended = visit.until("ended")
    assert ended["receipt"]
    visit.close()
    newest = world.receipts()[0]
    assert newest["ended_by"] == "technician"
    assert newest["countersigned"]
    assert [action["outcome"] for action in newest["actions"]] == ["done", "refused"]
    verified = world.agent("receipts", "verify")
    assert verified["ok"]
    saved = str(world.folder / "receipt.json")
    world.agent("receipts", "save", newest["grant"], saved)
    assert world.agent("receipts", "verify", saved)["technician"] == "Tom Vale"


@pytest.mark.soak
def test_files_and_a_terminal_all_the_way_and_what_a_terminal_cannot_do(world: World) -> None:
    """One visit: a download that goes on after a cut, an upload, and a shell that tries the agent's own door."""
    there, here = world.documents, world.folder / "here"
    here.mkdir()
    content = os.urandom(3_000_000)
    (there / "a.bin").write_bytes(content)
    (here / "a.bin.part").write_bytes(content[:1_000_000])  # as a cut leaves it
    assert world.agent("terminal", "enable")["terminal"] is True
    visit = world.connect("files.read", "files.write", "terminal")
    wait_for(lambda: bool(world.asks("consent-list")["pending"]))
    (prompt,) = world.agent("consent", "list")["pending"]
    world.agent("consent", "show", prompt["id"])
    time.sleep(RISK3_WAIT_S + 0.2)
    world.agent("consent", "approve", prompt["id"])
    visit.until("granted")

    visit.say(f"get Documents/a.bin {here / 'a.bin'}")
    carried = visit.until("file")
    assert (carried["resumed_at"], carried["restarted"]) == (1_000_000, False)
    assert (here / "a.bin").read_bytes() == content
    visit.say(f"put {here / 'a.bin'} Documents/copy.bin")
    visit.until("confirm")
    visit.say("yes")
    visit.until("file", 2)
    assert (there / "copy.bin").read_bytes() == content

    visit.say("terminal")
    visit.until("confirm", 2)
    visit.say("yes")
    asking = f"{sys.executable} -m agent.cli.main"
    state = f"--state {world.state}"
    visit.say(json.dumps({"keys": f"cd {os.getcwd()}; {asking} terminal disable {state}; echo a''nswered\n"}))
    wait_for(lambda: b"answered" in shown(visit))
    assert b"refused to programs started by a technician's session" in shown(visit)
    visit.say(json.dumps({"keys": "exit 7\n"}))
    assert visit.until("result", 3)["outcome"] == "done"
    ended = [each["text"] for each in visit.events if each["event"] == "notice" and "ended with" in each["text"]]
    assert ended == ["the shell ended with 7"]
    assert world.agent("terminal")["terminal"] is True

    visit.say("end")
    visit.until("ended")
    visit.close()
    newest = world.receipts()[0]
    assert newest["countersigned"]
    assert [action["action"] for action in newest["actions"]] == ["files.read", "files.write", "terminal"]
    details = [action["detail"] for action in newest["actions"]]
    assert "gave 2000" in details[0]
    assert "got 3000" in details[1]
    assert "sha256" in details[2]


def shown(visit: Connect) -> bytes:
    return b"".join(base64.b64decode(each["data"]) for each in list(visit.events) if each["event"] == "terminal")


def test_the_customers_own_words_are_in_the_question(world: World) -> None:
    visit = world.connect("diagnose")
    wait_for(lambda: bool(world.asks("consent-list")["pending"]))
    (prompt,) = world.agent("consent", "list")["pending"]
    shown = world.agent("consent", "show", prompt["id"])
    assert WORDS in shown["text"]
    world.agent("consent", "refuse", prompt["id"])
    assert visit.until("error")
    visit.close()


def test_stop_with_a_frozen_server_is_dead_within_a_second(world: World) -> None:
    visit = world.connect("processes")
    world.approve()
    visit.until("granted")
    hosts = [pid for pid in below(world.service.pid) if _is_host(pid)]
    assert len(hosts) == 1
    world.server.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        stopped = world.agent("stop")
        assert stopped["stopped"] == 1
        assert stopped["seconds"] < STOP_S
        while _alive(hosts[0]):
            assert time.monotonic() - began < STOP_CHILDREN_S
            time.sleep(0.01)
        wait_for(lambda: world.receipts()[0]["ended_by"] == "customer", 15)
    finally:
        world.server.process.send_signal(signal.SIGCONT)
    visit.until("ended")
    visit.close()


def test_a_server_that_dies_in_the_middle_of_a_visit(world: World) -> None:
    """The visit waits, both ends say so, and it goes on when the server is back: two grants, a receipt each.

    The file that was on its way goes on behind what had come of it.
    """
    content = os.urandom(1 << 20) * 48
    (world.documents / "on-its-way.bin").write_bytes(content)
    visit = world.connect("processes", "files.read")
    world.approve()
    visit.until("granted")
    visit.say("ps")
    visit.until("result")
    before = len(world.receipts())
    visit.say(f"get Documents/on-its-way.bin {world.folder / 'on-its-way.bin'}")
    visit.until("progress")
    world.server.kill()
    visit.until("connection-lost")
    part = (world.folder / "on-its-way.bin.part").stat().st_size
    world.server.start_again()
    visit.until("went-on")
    carried = visit.until("file")
    assert (carried["losses"], carried["restarted"], carried["sha256"]) == (1, False, sha256(content).hex())
    assert 0 < part < len(content)
    assert (world.folder / "on-its-way.bin").read_bytes() == content
    visit.say("ps")
    visit.until("result", 3)
    visit.say("end")
    ended = visit.until("ended")
    assert ended["by"] == "technician"
    visit.close()
    wait_for(lambda: len(world.receipts()) == before + 2)
    after, first = world.receipts()[:2]
    assert (first["ended_by"], after["ended_by"]) == ("connection-lost", "technician")
    done = [[(action["action"], action["outcome"]) for action in receipt["actions"]] for receipt in (first, after)]
    assert done == [
        [("processes", "done"), ("files.read", "cancelled")],
        [("files.read", "done"), ("processes", "done")],
    ]
    rest = int(after["actions"][0]["detail"].split("gave ")[1].split()[0])
    assert 0 < rest < len(content), "only what was missing came the second time"
    wait_for(lambda: [pid for pid in below(world.service.pid) if _is_host(pid)] == [])
    wait_for(lambda: world.asks("status")["outbox"]["items"] == 0, 60)
    assert world.asks("status")["outbox"]["dead_letters"] == 0
    assert world.asks("status")["alarms"] == []


@pytest.mark.soak
def test_what_streams_goes_on_over_a_server_that_dies(world: World) -> None:
    """A download cut twice, an upload, a followed log; and a shell, which cannot be carried over and says so."""
    here, block = world.folder / "streams", os.urandom(1 << 20)
    here.mkdir()
    content = b"".join(number.to_bytes(4, "big") + block for number in range(48))
    (world.documents / "large.bin").write_bytes(content)
    log = log_of_tests()
    world.agent("terminal", "enable")
    visit = world.connect("files.read", "files.write", "logs", "terminal")
    wait_for(lambda: bool(world.asks("consent-list")["pending"]))
    (prompt,) = world.agent("consent", "list")["pending"]
    world.agent("consent", "show", prompt["id"])
    time.sleep(RISK3_WAIT_S + 0.2)
    world.agent("consent", "approve", prompt["id"])
    visit.until("granted")
    try:
        log.write_text("".join(f"line {number}\n" for number in range(5)))
        visit.say(f"logs follow {log.name}")
        wait_for(lambda: lines_of(visit) == [f"line {number}" for number in range(5)])
        visit.say(f"get Documents/large.bin {here / 'large.bin'}")
        for cut in (1, 2):
            visit.until("progress", cut)
            world.server.kill()
            with log.open("a") as file:
                file.write(f"written in cut {cut}\n")
            world.server.start_again()
            visit.until("went-on", cut)
        carried = visit.until("file")
        assert carried["losses"] == 2
        assert carried["sha256"] == sha256(content).hex()
        assert (here / "large.bin").read_bytes() == content

        told = len([each for each in visit.events if each["event"] == "progress"])
        visit.say(f"put {here / 'large.bin'} Documents/copy-of-large.bin")
        visit.until("confirm")
        visit.say("yes")
        visit.until("progress", told + 1)
        world.server.kill()
        assert not (world.documents / "copy-of-large.bin").exists(), "never half a file at its name"
        world.server.start_again()
        assert visit.until("file", 2)["losses"] == 1
        assert (world.documents / "copy-of-large.bin").read_bytes() == content

        visit.say("terminal")
        visit.until("confirm", 2)
        visit.say("yes")
        visit.say(json.dumps({"keys": "echo sh''own\n"}))
        wait_for(lambda: b"shown" in shown(visit))
        world.server.kill()
        visit.until("connection-lost", 4)
        visit.say(json.dumps({"keys": f"touch {here / 'typed-in-between'}\n"}))
        world.server.start_again()
        visit.until("confirm", 3)  # another one is offered
        assert any("the shell ended with the connection" in each.get("text", "") for each in visit.events)
        visit.say("yes")
        visit.say(json.dumps({"keys": "echo sec''ond; exit\n"}))
        wait_for(lambda: b"second" in shown(visit))
        assert not (here / "typed-in-between").exists()

        wait_for(lambda: len(lines_of(visit)) == 7)
        assert lines_of(visit) == [*(f"line {number}" for number in range(5)), "written in cut 1", "written in cut 2"]
        assert not any("missing" in str(each) for each in visit.rows("logs.follow"))
        wait_for(lambda: len([each for each in visit.events if each["event"] == "result"]) >= 3)
        visit.say("end")
        assert visit.until("ended")["fault"] == ""
    finally:
        log.unlink()
        visit.close()
    grants = world.receipts()[:5]
    assert [receipt["ended_by"] for receipt in grants] == ["technician", *["connection-lost"] * 4]
    written = [
        (action["action"], action["outcome"])
        for receipt in reversed(grants)
        for action in receipt["actions"]
        if action["action"] in ("files.write", "terminal")
    ]
    assert written == [
        ("files.write", "cancelled"), ("files.write", "done"), ("terminal", "cancelled"), ("terminal", "done"),
    ]  # fmt: skip
    assert world.agent("receipts", "verify")["ok"]


def lines_of(visit: Connect) -> list[str]:
    return [each["item"]["body"]["text"] for each in visit.rows("logs.follow") if each["item"]["kind"] == "text-line"]


def test_an_agent_that_dies_in_the_middle_of_a_visit(world: World) -> None:
    """kill -9: the host and everything below it end by themselves; the next start makes the one receipt."""
    visit = world.connect("processes")
    world.approve()
    visit.until("granted")
    visit.say("ps")
    visit.until("result")
    tree = below(world.service.pid)
    before = len(world.receipts())
    world.kill_service()
    wait_for(lambda: not any(_alive(pid) for pid in tree), STOP_CHILDREN_S)
    visit.until("connection-lost")
    world.start_again()
    # An agent that was started again knows no visit to go on with, and nobody is asked about it.
    visit.say("end")
    assert visit.until("ended")["by"] == "connection-lost"
    assert world.agent("consent", "list")["pending"] == []
    visit.close()
    wait_for(lambda: len(world.receipts()) == before + 1)
    newest = world.receipts()[0]
    assert newest["rebuilt"]
    assert newest["ended_by"] == "agent-stopped"
    assert [action["outcome"] for action in newest["actions"]] == ["done"]
    assert world.agent("receipts", "verify")["ok"]


@pytest.mark.soak
def test_a_visit_in_which_something_is_changed_and_said(world: World) -> None:
    """A program ended after a second yes, history for a plot, words both ways, and a note for colleagues."""
    call(world.state, "check-now")
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    visit = world.connect("processes", "processes.end", "diagnose", "chat")
    try:
        world.approve()
        visit.until("granted")
        visit.say("ps age 2000")
        visit.until("result")
        row = next(
            each["item"]["body"] for each in visit.rows("processes") if each["item"]["body"]["pid"] == sleeper.pid
        )
        visit.say(f"end-process {sleeper.pid} {row['started_ms'] + 10}")
        visit.until("confirm")
        visit.say("yes")
        assert visit.until("result", 2)["outcome"] == "failed"  # another process, had the number been given away
        assert sleeper.poll() is None
        visit.say(f"end-process {sleeper.pid} {row['started_ms']}")
        visit.until("confirm", 2)
        visit.say("yes")
        assert visit.until("result", 3)["outcome"] == "done"
        assert sleeper.wait(10) == -signal.SIGTERM
        visit.say("facts history memory.available-bytes")
        assert visit.until("result", 4)["outcome"] == "done"
        assert visit.rows("facts")[0]["item"]["body"]["points"]
        visit.say("chat")
        visit.say("say Is it better now?")
        wait_for(lambda: len(visit.rows("chat")) == 1)
        world.agent("chat", "Yes, thank you")
        wait_for(lambda: len(visit.rows("chat")) == 2)
        said = [each["item"]["body"] for each in visit.rows("chat")]
        assert [(each["by"], each["text"]) for each in said] == [
            ("technician", "Is it better now?"),
            ("customer", "Yes, thank you"),
        ]
        assert said[0]["name"] == "Tom Vale"
        visit.say("end")
        assert visit.until("ended")["fault"] == ""
    finally:
        sleeper.kill()
        visit.close()
    home = ("--home", str(world.home), "--json")
    command("technician.cli", "note", world.ticket, "A hung program, ended.", *home)
    (note,) = command("technician.cli", "notes", world.ticket, *home)["notes"]
    assert (note["author"], note["text"], note["fault"]) == ("Tom Vale", "A hung program, ended.", "")
    wait_for(lambda: world.asks("status")["outbox"]["items"] == 0, 60)
    sealed = command("technician.cli", "evidence", world.ticket, *home)["evidence"]
    assert any(each["kind"] == "transcript" and "Yes, thank you" in each["text"] for each in sealed)


@pytest.mark.soak
def test_a_visit_is_handed_over_to_a_technician_with_keys_of_their_own(world: World) -> None:
    """Two programs of two technicians; the customer is asked about the second, and reads who asks for it."""
    home = world.another_technician("Bea Tech")
    tom = world.connect("processes")
    world.approve()
    tom.until("granted")
    tom.say("ps")
    tom.until("result")
    tom.say("handover Bea Tech")
    assert tom.until("notice")["kind"] == "hand-over-waits"
    bea = world.connect("processes", home=home, takes_over=True)
    wait_for(lambda: bool(world.asks("consent-list")["pending"]))
    (prompt,) = world.agent("consent", "list")["pending"]
    shown = world.agent("consent", "show", prompt["id"])["text"]
    assert prompt["technician"] == "Bea Tech"
    assert "Bea Tech asks to take over from Tom Vale." in shown
    assert "If you say no, Tom Vale stays." in shown
    tom.say("ps")
    assert tom.until("result", 2)["outcome"] == "done", "the first stays until the customer has said yes"
    world.agent("consent", "approve", prompt["id"])
    bea.until("granted")
    left = tom.until("ended")
    assert (left["by"], left["countersigned"], left["fault"]) == ("technician", True, "")
    assert [each["kind"] for each in tom.events if each["event"] == "notice"] == ["hand-over-waits", "handed-over"]
    bea.say("ps")
    assert bea.until("result")["outcome"] == "done"
    bea.say("end")
    assert bea.until("ended")["fault"] == ""
    for visit in (tom, bea):
        visit.close()
    wait_for(lambda: bool(world.receipts()[0]["handed_over_to"] or world.receipts()[0]["taken_over_from"]))
    after, before = world.receipts()[:2]
    assert [each["technician"] for each in (before, after)] == ["Tom Vale", "Bea Tech"]
    assert before["handed_over_to"]["grant"] == after["grant"]
    assert after["taken_over_from"]["grant"] == before["grant"]
    assert [len(each["actions"]) for each in (before, after)] == [2, 1]
    assert world.agent("receipts", "verify")["ok"]
    wait_for(lambda: world.asks("status")["outbox"]["items"] == 0, 60)
    audit = world.folder / "audit"
    command("technician.cli", "audit", "export", "--out", str(audit), "--home", str(home), "--json")
    assert command("technician.cli", "audit", "verify", str(audit), "--json")["problems"] == []
    entries = [strict_json.parse(leaf, AuditLeaf).entry for leaf in read_log(audit).entries]
    words = {
        grant: [entry.word.value for entry in entries if entry.session == bytes.fromhex(grant)]
        for grant in (before["grant"], after["grant"])
    }
    one = ["action-started", "action-ended"]
    assert words[before["grant"]] == ["session-started", *one, *one, "session-ended", "receipt-made"]
    assert words[after["grant"]] == ["session-started", *one, "session-ended", "receipt-made"]


def test_a_revoked_technician_is_out_within_five_seconds(world: World) -> None:
    """Last: the certificate is gone for good."""
    visit = world.connect("processes")
    world.approve()
    visit.until("granted")
    before = len(world.receipts())
    world.revoke()
    began = time.monotonic()
    wait_for(lambda: len(world.receipts()) == before + 1, 20)
    assert time.monotonic() - began < 5
    # The server closes the room as well; whichever the agent hears first, nobody is here any more.
    assert world.receipts()[0]["ended_by"] in ("revoked", "connection-lost")
    assert [pid for pid in below(world.service.pid) if _is_host(pid)] == []
    visit.close()


def _is_host(pid: int) -> bool:
    try:
        return b"agent.session.host" in subprocess.check_output(["/bin/ps", "-o", "args=", "-p", str(pid)])
    except subprocess.CalledProcessError:
        return False


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read()
    except OSError:
        return False
    return fields[fields.rindex(b")") + 2 : fields.rindex(b")") + 3] not in (b"Z", b"X") and pid != os.getpid()
