"""`bellpull open-bundle` and `bellpull evidence`: what customers sent, opened here and shown as text."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.bundle import BundleDifferences, compare_bundles
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
    against: Annotated[
        Path | None, typer.Option("--against", help="Another bundle of the same device: what changed between the two.")
    ] = None,
    page: Annotated[
        bool,
        typer.Option("--page", help="Look at it in the browser: findings, timeline, files, a search. Until Ctrl-C."),
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="With --page: open the browser.")] = True,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look into a bundle without unpacking it: nothing of it reaches the disk, nothing in it is run."""
    if against is not None and (show is not None or list_files):
        raise Problem("these do not go together", expected="--against alone", got="--against with --show or --list")
    if page and (show is not None or list_files or against is not None):
        raise Problem("these do not go together", expected="--page alone", got="--page with another question")
    passphrases = Passphrases(passphrase_file)
    bundle = _open_file(file, Home.at(home), passphrases)
    out = Output(as_json)
    if against is not None:
        _show_changes(out, bundle, _open_file(against, Home.at(home), passphrases))
    elif page:
        _serve_page(out, bundle, browser)
    elif show is not None:
        typer.echo(bundle.shown(show), nl=False)
    elif as_json:
        out.json(bundle_json(bundle))
    elif list_files:
        _show_list(out, bundle)
    else:
        _show_maker(out, bundle)
        out.say(bundle.summary)
        out.say("--list names the files, --show PATH shows one, --page shows all of it in the browser.", "dim")


def _serve_page(out: Output, bundle: JudgedBundle, browser: bool) -> None:
    # The web server's libraries cost every other command 0.4 s if they were imported above.
    from technician.workbench.app import build_bundle_app
    from technician.workbench.serve import serve

    def announce(address: str) -> None:
        if out.as_json:
            out.json({"address": address})
            return
        out.say("The bundle is shown on this machine alone. Open it once by this address; Ctrl-C ends it:")
        out.say(f"  {address}", "bold")
        if browser:
            webbrowser.open(address)

    serve(build_bundle_app(bundle), port=0, own_host=True, announce=announce)


def _open_file(file: Path, place: Home, passphrases: Passphrases) -> JudgedBundle:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise Problem("the bundle cannot be read", expected=str(file), got=error.strerror or str(error)) from None
    with stream:
        sealed = stream.read(len(_AGE_MAGIC)) == _AGE_MAGIC
        stream.seek(0)
        known = place.certificate.exists() and place.trust.exists()
        technician = Technician.open(place, passphrases) if known or sealed else None
        keys = technician.keys() if technician and sealed else None
        return open_bundle(stream, keys, technician.store.trust if technician else None, now_s())


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


def _show_changes(out: Output, bundle: JudgedBundle, other: JudgedBundle) -> None:
    """Bundles of two devices share no pseudonym: everything would seem to have changed."""
    if bundle.device != other.device:
        raise Problem(
            "these bundles cannot be compared",
            expected="two bundles of one device",
            got=f"{bundle.device or 'nobody known'} and {other.device or 'nobody known'}",
        )
    found = compare_bundles(bundle.opened, other.opened)
    if out.as_json:
        out.json(
            {
                "device": bundle.device,
                "doubts": [doubt for doubt in (bundle.doubt, other.doubt) if doubt],
                **_differences_json(found),
            }
        )
        return
    for each in (bundle, other):
        _show_maker(out, each)
    out.say(f"From {when(found.earlier_unix_s)} to {when(found.later_unix_s)} UTC", "bold")
    for subject in found.subjects:
        if subject.not_comparable:
            out.say(f"! {subject.subject} cannot be compared: {subject.not_comparable}", "yellow")
        elif not subject.differences:
            out.say(f"{subject.subject}: the same")
        else:
            out.table(
                (subject.subject.value, "before", "after"),
                [(row.name, row.before or "–", row.after or "–") for row in subject.differences],
            )
            if subject.more:
                out.say(f"… and {subject.more} more")


def _differences_json(found: BundleDifferences) -> dict[str, object]:
    return {
        "earlier_unix_s": found.earlier_unix_s,
        "later_unix_s": found.later_unix_s,
        "subjects": {
            each.subject.value: {
                "differences": [
                    {"name": row.name, "before": row.before, "after": row.after} for row in each.differences
                ],
                "more": each.more,
                "not_comparable": each.not_comparable,
            }
            for each in found.subjects
        },
    }


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
