"""The main job, step by step, as people would do it: every step runs the program that does it.

admin        bellpull-server init, run
organisation bellpull org init, pin, certify, publish, enrol-token, approve
customer     bellpull-agent enrol, run, check, ask, consent, stop, receipts
technician   bellpull keys, login, inbox, evidence, connect, receipt, audit
"""

from typing import Any

from technician.demo.beginning import (
    attach_bundle,
    check_health,
    create_organisation,
    enrol,
    open_ticket,
    start_server,
)
from technician.demo.proofs import search_everything, verify_audit, verify_receipt
from technician.demo.stage import CUSTOMER, MINUTES, ORGANISATION, REASON, SCOPES, TECHNICIAN, Stage
from technician.demo.steps import Step
from technician.demo.visit import DemoVisit, consent, stop_and_wait
from technician.problems import Problem


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
