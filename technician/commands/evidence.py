"""`bellpull open-bundle` and `bellpull evidence`: what customers sent, opened here and shown as text."""

from pathlib import Path
from typing import Annotated

import typer

from protocol.errors import RemoteProtocolError
from protocol.messages.api import TicketDetail
from technician.bundles import JudgedBundle, open_bundle, open_bundle_bytes
from technician.clock import now_s
from technician.commands.inbox import when
from technician.commands.output import HomeOption, JsonOption, Output, PassphraseOption, reports, run
from technician.evidence import OpenedEvidence, fetch_blob, open_evidence
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.private_files import write_private
from technician.problems import Problem
from technician.sign_in import Technician
from web.figures import size

_AGE_MAGIC = b"age-encryption.org/"


@reports
def open_bundle_command(
    file: Annotated[Path, typer.Argument(help="A bundle: …tar.zst.age, or …tar.zst.")],
    list_files: Annotated[bool, typer.Option("--list", help="The files in it, with what was redacted.")] = False,
    show: Annotated[str | None, typer.Option("--show", help="One file of it, as text.")] = None,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look into a bundle without unpacking it: nothing of it reaches the disk, nothing in it is run."""
    try:
        stream = file.open("rb")
    except OSError as error:
        raise Problem("the bundle cannot be read", expected=str(file), got=error.strerror or str(error)) from None
    with stream:
        sealed = stream.read(len(_AGE_MAGIC)) == _AGE_MAGIC
        stream.seek(0)
        place = Home.at(home)
        known = place.certificate.exists() and place.trust.exists()
        technician = Technician.open(place, Passphrases(passphrase_file)) if known or sealed else None
        keys = technician.keys() if technician and sealed else None
        bundle = open_bundle(stream, keys, technician.store.trust if technician else None, now_s())
    out = Output(as_json)
    if show is not None:
        typer.echo(bundle.shown(show), nl=False)
    elif as_json:
        out.json(bundle_json(bundle))
    elif list_files:
        _show_list(out, bundle)
    else:
        _show_maker(out, bundle)
        out.say(bundle.summary)
        out.say("--list names the files, --show PATH shows one.", "dim")


@reports
def evidence(
    ticket: Annotated[str, typer.Argument(help="The ticket's id, as the inbox shows it.")],
    save: Annotated[Path | None, typer.Option("--save", help="Keep bundles, still sealed, in this folder.")] = None,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open what came sealed with a ticket: findings with their facts, and the bundles' summaries."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))
    keys = technician.keys()

    async def work() -> tuple[TicketDetail, list[OpenedEvidence], list[tuple[str, bytes]]]:
        async with technician.signed_in() as api:
            detail = await api.ticket(ticket)
            opened = [await open_evidence(api, keys, row) for row in detail.sealed]
            bundles = [(row.id, await fetch_blob(api, row)) for row in detail.bundles if row.complete]
            return detail, opened, bundles

    detail, opened, sealed_bundles = run(work())
    out = Output(as_json)
    bundles: list[tuple[str, JudgedBundle]] = []
    faults: list[str] = []
    for bundle_id, data in sealed_bundles:
        if save is not None:
            write_private(save / f"{bundle_id}.tar.zst.age", data, open_folder=True)
        try:
            bundles.append((bundle_id, open_bundle_bytes(data, keys, technician.store.trust, now_s())))
        except (Problem, RemoteProtocolError) as error:
            faults.append(f"bundle {bundle_id}: {error}")
    faults += [f"{each.row.kind.value} {each.row.id}: {each.fault}" for each in opened if each.fault]
    if as_json:
        out.json(
            {
                "ticket": detail.ticket,
                "evidence": [evidence_json(each) for each in opened if not each.fault],
                "bundles": [bundle_json(bundle) for _, bundle in bundles],
                "faults": faults,
            }
        )
    else:
        _show_evidence(out, opened, bundles)
        for fault in faults:
            out.say(f"✗ {fault}", "red")
    if faults:
        raise typer.Exit(1)


def bundle_json(bundle: JudgedBundle) -> dict[str, object]:
    manifest = bundle.opened.manifest
    return {
        "id": manifest.id,
        "sealed": bundle.opened.sealed,
        "device": bundle.device,
        "customer": bundle.customer,
        "doubt": bundle.doubt,
        "files": [
            {"path": entry.path, "bytes": entry.bytes, "status": entry.status.value, "reason": entry.reason}
            for entry in manifest.files
        ],
        "redactions": bundle.redactions,
        "summary": bundle.summary,
    }


def evidence_json(opened: OpenedEvidence) -> dict[str, object]:
    return {
        "id": opened.row.id,
        "kind": opened.row.kind.value,
        "findings": [{"code": finding.code, "title": title} for finding, title, _ in opened.explanations()],
        "text": opened.text,
    }


def _show_maker(out: Output, bundle: JudgedBundle) -> None:
    if bundle.doubt:
        out.say(f"! Who made this is not proven: {bundle.doubt}", "bold yellow")
    else:
        out.say(f"✓ Made by {bundle.device} of {bundle.customer}, certified, unchanged.", "green")


def _show_list(out: Output, bundle: JudgedBundle) -> None:
    _show_maker(out, bundle)
    out.table(
        ("file", "size", "status", "replaced", "why or why not"),
        [
            (
                entry.path,
                size(entry.bytes),
                entry.status.value,
                sum(entry.redactions.values()),
                entry.reason or entry.why,
            )
            for entry in bundle.opened.manifest.files
        ],
    )


def _show_evidence(out: Output, opened: list[OpenedEvidence], bundles: list[tuple[str, JudgedBundle]]) -> None:
    if not opened and not bundles:
        out.say("Nothing sealed came with this ticket.", "dim")
    for each in opened:
        if each.fault:
            continue
        out.say(f"{each.title}  ({each.row.kind.value}, {when(each.row.at)} UTC)", "bold")
        if each.proof is not None:
            out.say("  A receipt; the workbench shows and keeps it.")
        for finding, title, text in each.explanations():
            out.say(f"  {finding.severity.value}: {title}")
            out.say(f"    {text}")
            for proof in finding.evidence:
                out.say(f"    {proof.source} {proof.locator}: {proof.excerpt}", "dim")
        if not each.findings and each.text:
            out.say(each.text)
    for bundle_id, bundle in bundles:
        out.say(f"Bundle {bundle_id}", "bold")
        _show_maker(out, bundle)
        out.say(bundle.summary)
