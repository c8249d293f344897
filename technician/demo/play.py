"""The main job, step by step, as people would do it: every step runs the program that does it.

admin        bellpull-server init, run
organisation bellpull org init, pin, certify, publish, enrol-token, approve
customer     bellpull-agent enrol, run, check, ask, consent, stop, receipts
technician   bellpull keys, login, inbox, evidence, connect, receipt, audit
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from technician.demo.canaries import Canary, Planted, environment, of_this_machine, plant
from technician.demo.folder import DemoFolder
from technician.demo.programs import Programs, Service, wait_until
from technician.demo.search import Haystack
from technician.demo.steps import Step, Telling
from technician.demo.tap import LOOPBACK, Tap, free_port, listen_from
from technician.demo.visit import DemoVisit, consent, stop_and_wait
from technician.demo.wire import read_tap
from technician.private_files import write_private
from technician.problems import Problem

CUSTOMER: Final = "Anna Berg"
ORGANISATION: Final = "Bellpull Demo Support"
TECHNICIAN: Final = "Tom Vale"
WORDS: Final = "My computer has been slow since this morning. Could somebody please have a look?"
REASON: Final = "You wrote that your computer is slow; I want to see what keeps it busy"
SCOPES: Final = ("diagnose", "processes")
MINUTES: Final = 15
_AGE_MAGIC: Final = b"age-encryption.org/v1"


@dataclass
class Stage:
    """What the steps share. `ticket` and so on are there once their step is done."""

    folder: DemoFolder
    programs: Programs
    telling: Telling
    origin: str = ""
    server: Service | None = None
    agent: Service | None = None
    tap: Tap | None = None
    planted: Planted = field(default_factory=lambda: Planted(None, ()))
    device: str = ""
    ticket: str = ""
    admin_link: str = ""
    visit: DemoVisit | None = None

    def bellpull(self, *arguments: object, ok: tuple[int, ...] = (0,)) -> Any:
        """A command of the technician."""
        home = ("--home", self.folder.technician)
        return self.programs.run("bellpull", *arguments, *home, "--json", ok=ok)

    def org(self, *arguments: object, passphrase: bool = True) -> Any:
        """A command of the organisation."""
        more = ("--passphrase-file", self.folder.passphrase) if passphrase else ()
        return self.programs.run("bellpull", "org", *arguments, "--keys", self.folder.organisation, *more, "--json")

    def customer(self, *arguments: object, ok: tuple[int, ...] = (0,)) -> Any:
        """A command of the customer."""
        return self.programs.run("bellpull-agent", *arguments, "--state", self.folder.agent, "--json", ok=ok)

    @property
    def secret(self) -> tuple[str, Path]:
        return ("--passphrase-file", self.folder.passphrase)


def set_up(stage: Stage, port: int) -> None:
    """From nothing to a ticket with a bundle: what a person then finds in all three faces."""
    with stage.telling.step(Step.SERVER_STARTED) as facts:
        start_server(stage, port)
        facts.update(address=stage.origin, say=stage.origin)
    with stage.telling.step(Step.ORGANISATION_CREATED) as facts:
        fingerprint = create_organisation(stage)
        facts.update(
            organisation=ORGANISATION, technician=TECHNICIAN, root=fingerprint, say=f"root {fingerprint[:19]} …"
        )
    with stage.telling.step(Step.DEVICE_ENROLLED) as facts:
        enrol(stage)
        facts.update(device=stage.device, customer=CUSTOMER, approved_by="certificate", say=stage.device)
    with stage.telling.step(Step.HEALTH_CHECKED) as facts:
        facts.update(check_health(stage))
    with stage.telling.step(Step.TICKET_OPENED) as facts:
        asked = open_ticket(stage)
        facts.update(ticket=asked["ticket"], case=asked["case"], why=asked["why"], say=asked["why"])
    with stage.telling.step(Step.BUNDLE_ATTACHED) as facts:
        facts.update(attach_bundle(stage, asked["bundle"]))


def main_job(stage: Stage) -> None:
    """The visit and its proofs."""
    with stage.telling.step(Step.SESSION_REQUESTED) as facts:
        visit = stage.visit = ask_for_session(stage)
        phrase = visit.until("phrase")["words"]
        facts.update(device=stage.device, scopes=list(SCOPES), minutes=MINUTES, reason=REASON, say=", ".join(SCOPES))
    with stage.telling.step(Step.CONSENT_GRANTED) as facts:
        question = consent(stage.programs, stage.folder)
        if question["phrase"] != phrase:
            raise Problem(
                "the two ends do not see the same words", expected=" ".join(phrase), got=str(question["phrase"])
            )
        granted = visit.until("granted")
        facts.update(
            scopes=granted["scopes"],
            minutes=granted["minutes"],
            phrase=phrase,
            phrase_equal=True,
            say=f"{', '.join(granted['scopes'])} for {granted['minutes']} minutes; both read: {' '.join(phrase)}",
        )
    with stage.telling.step(Step.DIAGNOSTIC_RUN) as facts:
        facts.update(run_diagnostic(stage, visit))
    with stage.telling.step(Step.OUT_OF_SCOPE_REFUSED) as facts:
        rows, result = visit.act("logs")
        if result["outcome"] != "refused" or rows:
            raise Problem("an action outside the grant was not refused", expected="refused", got=str(result["outcome"]))
        facts.update(action="logs", outcome="refused", detail=result["detail"], say="logs: " + result["detail"][:60])
    with stage.telling.step(Step.SESSION_STOPPED) as facts:
        if stage.agent is None:
            raise Problem("the agent was not started")
        dead_s, ended = stop_and_wait(stage.programs, stage.folder, stage.agent, lambda: visit.until("ended"))
        if ended["by"] != "customer" or ended["fault"]:
            raise Problem("the visit did not end as the customer wanted", expected="by customer", got=str(ended))
        facts.update(
            by="customer", seconds_until_dead=dead_s, say=f"by the customer; nothing runs after {dead_s:.2f} s"
        )
    with stage.telling.step(Step.RECEIPT_VERIFIED) as facts:
        facts.update(verify_receipt(stage, ended))
    with stage.telling.step(Step.AUDIT_VERIFIED) as facts:
        facts.update(verify_audit(stage))
    with stage.telling.step(Step.RELAY_SAW_ONLY_CIPHERTEXT) as facts:
        facts.update(search_everything(stage))


# --- setting up ------------------------------------------------------------------------------------------


def start_server(stage: Stage, port: int) -> None:
    listening = listen_from(port)
    behind = free_port()
    stage.origin = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    stage.tap = Tap(listening, behind, stage.folder.tap)
    first = stage.programs.run(
        "bellpull-server", "init", "--data", stage.folder.server, "--origin", stage.origin, "--json"
    )
    stage.admin_link = str(first.get("admin_link", ""))
    write_private(stage.folder.path / "setup-code", str(first["setup_code"]).encode())
    stage.server = stage.programs.start(
        "bellpull-server", "run", "--data", stage.folder.server, "--listen", f"{LOOPBACK}:{behind}"
    )
    address = stage.folder.server / "address"
    wait_until("the server to listen", lambda: address.exists() or None, within_s=20, service=stage.server)


def create_organisation(stage: Stage) -> str:
    """Keys under a random passphrase, the server pinned, a technician certified, documents published."""
    write_private(stage.folder.passphrase, secrets.token_urlsafe(24).encode())
    made = stage.org("init", "--name", ORGANISATION)
    code = (stage.folder.path / "setup-code").read_text("utf-8")
    stage.org("pin", stage.origin, "--setup-code", code, passphrase=False)
    stage.bellpull("keys", "init", "--name", TECHNICIAN, *stage.secret)
    certificate = stage.folder.path / "technician-certificate.json"
    request = stage.folder.technician / "request.json"
    stage.org("certify", request, "--customer", CUSTOMER, "--tier", "2", "--out", certificate)
    stage.org("publish")
    stage.bellpull("keys", "install", certificate)
    stage.bellpull("login", *stage.secret)
    return str(made["fingerprints"]["root"])


def enrol(stage: Stage) -> None:
    """Token, keys made on the device, the proof checked, the certificate signed, handed over and in force."""
    token = stage.org("enrol-token", "--customer", CUSTOMER)["token"]
    enrolled = stage.programs.run(
        "bellpull-agent", "enrol", "-", "--label", "this-computer", "--state", stage.folder.agent, "--json", stdin=token
    )
    stage.device = enrolled["device"]
    stage.agent = stage.programs.start("bellpull-agent", "run", "--state", stage.folder.agent)
    approved = stage.org("approve")
    if approved.get("device") != stage.device or not approved.get("approved"):
        raise Problem("the device was not approved", expected=stage.device, got=str(approved)[:200])

    def certified() -> bool | None:
        rows = stage.bellpull("devices", *stage.secret)["devices"]
        return next(
            (True for row in rows if row["device"] == stage.device and row["certified"] and row["connected"]), None
        )

    wait_until("the device to be connected and certified", certified, within_s=20, service=stage.agent)


def check_health(stage: Stage) -> dict[str, Any]:
    """The real checks on this machine."""
    looked = stage.customer("check", ok=(0, 1))
    checks = looked["checks"]
    skipped = [{"id": check["id"], "reason": check["reason"]} for check in checks if check["status"] == "skipped"]
    failed = [check["id"] for check in checks if check["status"] == "failed"]
    if failed or len(checks) == len(skipped):
        raise Problem("checks did not work on this machine", expected="at least one that ran", got=", ".join(failed))
    findings = [{"code": each["code"], "severity": each["severity"]} for each in looked["findings"]]
    return {
        "checks": len(checks),
        "ran": len(checks) - len(skipped),
        "skipped": skipped,
        "findings": findings,
        "duration_s": looked["duration_s"],
        "say": f"{len(checks) - len(skipped)} of {len(checks)} checks ran, {len(findings)} findings",
    }


def open_ticket(stage: Stage) -> dict[str, Any]:
    """About a finding when the agent stands by one; else the scripted customer asks for help in words."""
    stage.planted = plant(stage.folder.machine)
    if stage.planted.process is not None:
        stage.programs.start_plain(stage.planted.process, "3600")
    visible = stage.customer("status", ok=(0, 1)).get("health", {}).get("visible", [])
    finding = next((each for each in visible if each.get("fingerprint")), None)
    about = ("--finding", finding["fingerprint"]) if finding else ()
    asked: dict[str, Any] = stage.customer("ask", WORDS, "--yes", *about)
    why = f"a finding: {finding['code']}" if finding else "the customer asks for help"
    stage.ticket = asked["ticket"]

    def arrived() -> bool | None:
        tickets = stage.bellpull("inbox", *stage.secret)["tickets"]
        return next((True for ticket in tickets if ticket["ticket"] == stage.ticket), None)

    wait_until("the ticket in the technician's inbox", arrived, within_s=20, service=stage.agent)
    return {**asked, "why": why}


def attach_bundle(stage: Stage, told: dict[str, Any] | None) -> dict[str, Any]:
    """Wait until all of it is at the server; then the technician fetches, opens and compares it."""
    if told is None:
        raise Problem("no bundle was made", expected="one sealed to the organisation's technicians", got="none")
    folder = stage.folder.path / "evidence"

    def arrived() -> dict[str, Any] | None:
        opened = stage.bellpull("evidence", stage.ticket, "--save", folder, *stage.secret)
        return opened if opened["bundles"] else None

    opened = wait_until("the bundle to arrive", arrived, within_s=40, service=stage.agent)
    (bundle,) = opened["bundles"]
    (sealed,) = folder.glob("*.tar.zst.age")
    data = sealed.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if not data.startswith(_AGE_MAGIC) or digest != told["sha256"] or bundle["doubt"]:
        raise Problem(
            "the bundle is not the one the customer sent",
            expected=f"sealed, sha256 {told['sha256'][:16]}, signed by the device",
            got=f"sha256 {digest[:16]}, {bundle['doubt'] or 'signed'}",
        )
    present = [file for file in bundle["files"] if file["status"] == "ok"]
    return {
        "bytes": len(data),
        "files": len(present),
        "redactions": bundle["redactions"],
        "sha256": digest,
        "sealed": bundle["sealed"],
        "signed_by": bundle["device"],
        "say": f"{len(present)} files, {len(data)} bytes, {sum(bundle['redactions'].values())} redactions, sealed",
    }


# --- the visit and its proofs ----------------------------------------------------------------------------


def ask_for_session(stage: Stage) -> DemoVisit:
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    connect = stage.programs.start(
        "bellpull",
        "connect",
        stage.device,
        "--ticket",
        stage.ticket,
        *scopes,
        "--minutes",
        MINUTES,
        "--reason",
        REASON,
        "--home",
        stage.folder.technician,
        *stage.secret,
        "--json",
        speaks=True,
        label="bellpull-connect",
    )
    return DemoVisit(connect)


def run_diagnostic(stage: Stage, visit: DemoVisit) -> dict[str, Any]:
    """Checks; and the processes, among them the planted one: it crosses the relay, sealed."""
    rows, result = visit.act("diagnose")
    if result["outcome"] != "done" or not rows:
        raise Problem(
            "the diagnostic brought nothing", expected="done, with rows", got=f"{result['outcome']}, {result['detail']}"
        )
    processes, listed = visit.act("ps age 2000")
    if listed["outcome"] != "done" or not processes:
        raise Problem("the processes could not be listed", got=f"{listed['outcome']}, {listed['detail']}")
    if stage.planted.process is not None:
        names = {row["item"]["body"]["name"] for row in processes}
        if stage.planted.process.name not in names:
            raise Problem(
                "the planted program is not among the processes",
                expected=stage.planted.process.name,
                got=f"{len(names)} others",
            )
    return {
        "name": "diagnose",
        "rows": len(rows),
        "processes": len(processes),
        "say": f"diagnose: {len(rows)} rows; processes: {len(processes)} rows",
    }


def verify_receipt(stage: Stage, ended: dict[str, Any]) -> dict[str, Any]:
    """The technician's copy under the organisation's root, and the customer's own copy."""
    if not ended["receipt"]:
        raise Problem("no receipt came", expected="one, countersigned", got="none")
    root = stage.folder.organisation / "root.json"
    (told,) = stage.bellpull("receipt", "verify", ended["receipt"], "--root", root)["receipts"]
    own = stage.customer("receipts", "verify")
    if not told["countersigned"] or told["ended_by"] != "customer":
        raise Problem(
            "the receipt tells another visit", expected="ended by customer, countersigned", got=str(told)[:200]
        )
    return {
        "actions": told["actions"],
        "countersigned": True,
        "customers_copy": own,
        "say": f"{len(told['actions'])} actions, countersigned, both copies hold",
    }


def verify_audit(stage: Stage) -> dict[str, Any]:
    """Export and check from files. The device cosigns a moment after the last entry: asked again until it has."""
    receipts = stage.folder.technician / "receipts"
    last: dict[str, Any] = {}

    def holds() -> dict[str, Any] | None:
        stage.bellpull("audit", "export", "--out", stage.folder.audit, *stage.secret)
        report: dict[str, Any] = stage.programs.run(
            "bellpull", "audit", "verify", stage.folder.audit, "--receipts", receipts, "--json", ok=(0, 1)
        )
        last.update(report)
        whole = report["ok"] and any(each["size"] == report["entries"] for each in report["witnesses"])
        return report if whole and not report["notes"] else None

    try:
        report = wait_until("the audit log to hold", holds, within_s=20)
    except Problem:
        raise Problem(
            "the audit log does not hold", got="; ".join(last.get("problems", []) + last.get("notes", []))
        ) from None
    return {
        "entries": report["entries"],
        "witnesses": len(report["witnesses"]),
        "visits": report["visits"],
        "receipts": report["receipts"],
        "say": f"{report['entries']} entries, {len(report['witnesses'])} device vouches, {report['receipts']} receipt",
    }


def search_everything(stage: Stage) -> dict[str, Any]:
    """Every canary in all that the server saw, kept or wrote; and the words to the desk, which must be found."""
    canaries = [*of_this_machine(), *stage.planted.canaries]
    # The last words of what was written to the desk: they must be found where people are told they are readable.
    control = WORDS.split(". ")[1]
    conversations = read_tap(stage.folder.tap)
    wire = Haystack((*(canary.word for canary in canaries), control))
    kept = Haystack(wire.words)
    frames = 0
    for conversation in conversations:
        frames += len(conversation.messages) if conversation.relay else 0
        for piece in conversation.pieces:
            wire.look(f"wire, connection {conversation.name} {conversation.path.split('?')[0]}", piece)
    files = kept.look_in_folder(stage.folder.server)
    kept.look("the server's output", (stage.folder.logs / "bellpull-server.log").read_bytes())
    if control not in wire.found or control not in kept.found:
        raise Problem(
            "the search finds nothing, not even what must be there",
            expected="the words to the desk, in the wire and in the server's files",
            got=f"wire: {bool(wire.found.get(control))}, files: {bool(kept.found.get(control))}",
        )
    if frames == 0:
        raise Problem("the tap saw no relay", expected="the visit's messages", got="none")
    _raise_if_found(canaries, wire, kept)
    return {
        "canaries": sorted({canary.what for canary in canaries}),
        "found": 0,
        "relay_messages": frames,
        "wire_bytes": wire.size_bytes,
        "server_files": files,
        "control_found": True,
        "say": f"{len(canaries)} canaries, {frames} relay messages, {files} server files: none; the control was found",
    }


def _raise_if_found(canaries: list[Canary], wire: Haystack, kept: Haystack) -> None:
    for canary in canaries:
        places = sorted(wire.found.get(canary.word, set()) | kept.found.get(canary.word, set()))
        if places:
            raise Problem(
                f"the server could read {canary.what}",
                expected="nothing beyond the published list",
                got="; ".join(places[:3]),
                hint="This is a fault of Bellpull. Please report it.",
            )


def demo_environment(folder: DemoFolder) -> dict[str, str]:
    return environment(folder.machine)
