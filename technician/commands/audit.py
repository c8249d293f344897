"""`bellpull audit …` and `bellpull receipt …`: proofs, checked from files."""

from pathlib import Path
from typing import Annotated

import typer

from protocol.errors import RemoteProtocolError
from protocol.proofs import ProvenVisit, action_line, succession_faults, verify_proof
from technician.audit.files import (
    ROOT_FILE,
    read_log,
    read_receipts,
    read_root_file,
    read_seen,
    read_values,
    write_export,
)
from technician.audit.report import AuditReport
from technician.audit.verify import verify_log
from technician.certificate_file import RootFile
from technician.commands.inbox import when
from technician.commands.output import (
    EXIT_PROBLEM,
    HomeOption,
    JsonOption,
    Output,
    PassphraseOption,
    group,
    reports,
    run,
)
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.private_files import read_document
from technician.problems import Problem
from technician.session.closing import PROOF_MAX_BYTES, read_proof
from technician.sign_in import Technician

audit = group("audit", "The server's log: export it, and check it from files alone.")
receipt = group("receipt", "Receipts of visits, checked without any server.")


@audit.command("export", epilog="Example: bellpull audit export --out audit-2026-11")
@reports
def export(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for log.json, root.json and your own checkpoint.")],
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the whole log for an auditor."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))

    async def work() -> tuple[int, bytes]:
        async with technician.signed_in() as api:
            parsed, data = await api.audit_export()
            return len(parsed.entries), data

    entries, data = run(work())
    log, trust = technician.log(), technician.store.trust
    root = RootFile(
        organisation=technician.file.organisation,
        root_key=trust.root.public,
        first_root_key=trust.roots[-1].public,
        rotations=tuple(left.rotation for left in trust.left),
        log_name=log.name,
        log_key=log.public_key,
    )
    write_export(out_folder, data, root, technician.store.newest_checkpoint())
    out = Output(as_json)
    if as_json:
        out.json({"out": str(out_folder), "entries": entries})
        return
    out.say(f"{entries} entries in {out_folder}. Check them with: bellpull audit verify {out_folder}")


@audit.command("verify", epilog="Example: bellpull audit verify audit-2026-11 --receipts ~/receipts")
@reports
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder with log.json.")],
    root: Annotated[Path | None, typer.Option("--root", help="Your own root.json instead of the folder's.")] = None,
    receipts: Annotated[Path | None, typer.Option("--receipts", help="Folder of receipts that must all fit.")] = None,
    witnesses: Annotated[int, typer.Option("--witnesses", min=0, help="Certified devices that must vouch.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Check an exported log from its files: nothing edited, removed, inserted, moved, forked or left untold."""
    proofs, faults = read_receipts(receipts) if receipts else (None, [])
    report = verify_log(
        read_log(folder),
        read_root_file(root or folder / ROOT_FILE),
        seen=read_seen(folder),
        receipts=proofs,
        values=read_values(folder),
        witnesses_needed=witnesses,
    )
    report.problems += faults
    out = Output(as_json)
    if as_json:
        out.json(_report_json(report))
    else:
        _show_report(out, report)
    if not report.holds:
        raise typer.Exit(EXIT_PROBLEM)


@receipt.command("verify", epilog="Example: bellpull receipt verify visit.json --root root.json")
@reports
def verify_receipt(
    files: Annotated[list[Path], typer.Argument(help="Proof files.")],
    root: Annotated[
        Path | None, typer.Option("--root", help="root.json; without it, the root you have pinned.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a receipt proves: who, at whose machine, with what consent, what was done."""
    if root is not None:
        roots = read_root_file(root).trust().roots
    else:
        roots = Technician.open(Home.at(home), Passphrases()).store.trust.roots
    out = Output(as_json)
    results: list[dict[str, object]] = []
    held: list[ProvenVisit] = []
    for path in files:
        try:
            proven = verify_proof(read_proof(read_document(path, what="receipt", max_bytes=PROOF_MAX_BYTES)), *roots)
        except (RemoteProtocolError, Problem) as error:
            results.append({"file": str(path), "ok": False, "error": str(error)})
            if not as_json:
                out.say(f"✗ {path}", "bold red")
                out.say(f"  {error}")
            continue
        held.append(proven)
        results.append({"file": str(path), "ok": True, **_visit_json(proven)})
        if not as_json:
            _show_visit(out, path, proven)
    faults = succession_faults(held, complete=False)
    for fault in faults:
        out.say(f"✗ {fault}", "bold red")
    if as_json:
        out.json({"receipts": results, "faults": faults})
    if faults or not all(result["ok"] for result in results):
        raise typer.Exit(EXIT_PROBLEM)


def _report_json(report: AuditReport) -> dict[str, object]:
    return {
        "ok": report.holds,
        "entries": report.size,
        "root": report.root.hex(),
        "witnesses": [vars(witness) for witness in report.witnesses],
        "visits": report.visits,
        "receipts": report.receipts,
        "problems": report.problems,
        "notes": report.notes,
    }


def _show_report(out: Output, report: AuditReport) -> None:
    out.facts({"entries": report.size, "root": report.root.hex() or "–", "visits": report.visits})
    for witness in report.witnesses:
        out.say(f"  ✓ {witness.device} ({witness.customer}) saw the first {witness.size} at {when(witness.at_s)} UTC")
    for note in report.notes:
        out.say(f"  · {note}", "dim")
    for problem in report.problems:
        out.say(f"  ✗ {problem}", "red")
    if report.holds:
        out.say("The log holds.", "bold green")
    else:
        out.say("The log does NOT hold. Keep these files.", "bold red")


def _visit_json(proven: ProvenVisit) -> dict[str, object]:
    told = proven.receipt
    return {
        "grant": told.grant.hex(),
        "goes_on_with": None if proven.grant.successor_of is None else proven.grant.successor_of.hex(),
        "technician": proven.technician.name,
        "organisation": told.organisation,
        "device": told.device,
        "ticket": told.ticket,
        "reason": told.reason,
        "scopes": [scope.value for scope in told.scopes],
        "granted_at": told.granted_at,
        "ended_at": told.ended_at,
        "ended_by": told.ended_by.value,
        "rebuilt": told.rebuilt,
        "countersigned": proven.countersigned,
        "certified_device": proven.certified_device,
        "actions": [
            {"sequence": action.sequence, "action": action.action, "outcome": action.outcome.value}
            for action in told.actions
        ],
    }


def _succession(proven: ProvenVisit) -> dict[str, object]:
    before = proven.grant.successor_of
    return {} if before is None else {"goes on with": f"visit {before.hex()[:16]}, after a lost connection"}


def _show_visit(out: Output, path: Path, proven: ProvenVisit) -> None:
    told = proven.receipt
    out.say(f"✓ {path}", "bold green")
    out.facts(
        {
            "who": f"{proven.technician.name}, {told.organisation} (tier {proven.technician.tier})",
            "device": told.device + ("" if proven.certified_device else "  NOT certified at the time"),
            "why": told.reason,
            **_succession(proven),
            "allowed": f"{', '.join(told.scopes)}, {proven.grant.minutes} minutes,"
            f" consent by {proven.grant.consent.method}",
            "when": f"{when(told.granted_at)} – {when(told.ended_at)} UTC, ended by {told.ended_by}",
            "countersigned": "yes" if proven.countersigned else "no",
        }
    )
    if told.rebuilt:
        out.say("  Rebuilt after the agent had stopped: outcomes it could not know say so.", "yellow")
    for action in told.actions:
        out.say(f"    {action_line(action)}")
