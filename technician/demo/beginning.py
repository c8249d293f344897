"""From nothing to a ticket with a bundle: server, organisation, device, health, the customer's request."""

import hashlib
import json
import secrets
from typing import Any, Final

from technician.demo.canaries import plant
from technician.demo.programs import wait_until
from technician.demo.stage import CUSTOMER, ORGANISATION, TECHNICIAN, WORDS, Stage
from technician.demo.tap import LOOPBACK, Tap, free_port, listen_from
from technician.private_files import write_private
from technician.problems import Problem

_AGE_MAGIC: Final = b"age-encryption.org/v1"


def start_server(stage: Stage, port: int) -> None:
    listening = listen_from(port)
    behind = free_port()
    stage.origin = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    stage.tap = Tap(listening, behind, stage.folder.tap if stage.record else None)
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
    _allow_a_folder(stage)
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


def _allow_a_folder(stage: Stage) -> None:
    """What the owner of the machine settles: one folder of the demo's own may be looked into, and no other."""
    documents = stage.folder.documents
    documents.mkdir()
    (documents / "Shopping list.txt").write_text("bread\nmilk\na new bell rope\n", encoding="utf-8")
    settings = f"[files]\nfolders = [{json.dumps(str(documents))}]\n"
    (stage.folder.agent / "config.toml").write_text(settings, encoding="utf-8")


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
