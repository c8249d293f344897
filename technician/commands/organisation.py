"""`bellpull org …`: the organisation's keys, certificates, tokens and published documents."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from protocol import strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, IssuerRole
from protocol.messages.api import TrialRow
from protocol.statements import VerifyKey
from protocol.trust import Trust
from technician.certificate_file import CertificateFile, RootFile
from technician.clock import now_s
from technician.commands.output import (
    EXIT_PROBLEM,
    JsonOption,
    KeysOption,
    Output,
    PassphraseOption,
    group,
    reports,
    run,
)
from technician.home import default_organisation
from technician.keys.passphrase import Passphrases
from technician.keys.technician_keys import read_request
from technician.organisation import issuers
from technician.organisation import pack as packs
from technician.organisation.certify import certify_technician, find_certificates, holds, validity_s
from technician.organisation.desk import Desk
from technician.organisation.enrolment import Approval, Predecessor, make_token
from technician.organisation.papers import paper_advice
from technician.organisation.records import CertificateRecord
from technician.organisation.rotation import find_issuer, open_root, revoke_issuer
from technician.organisation.server_pin import pinned_server
from technician.private_files import read_document, write_private
from technician.problems import Problem

RootOption = Annotated[
    Path | None, typer.Option("--root", help="root.key, where it lies.", show_default="root.key in the folder")
]

app = group("org", "The organisation: keys, certificates, enrolment, published documents.")

#: What a technician may ask for unless the organisation says otherwise: every action there is, and talking.
DEFAULT_SCOPES = tuple(dict.fromkeys(action.scope for action in ACTIONS.values()))


def open_desk(keys: Path | None, passphrase_file: Path | None) -> Desk:
    return Desk.open(keys or default_organisation(), Passphrases(passphrase_file))


def certificate_file(desk: Desk, chain: Chain) -> CertificateFile:
    server = pinned_server(desk.records)
    return CertificateFile(
        organisation=desk.identity.name,
        root_key=desk.identity.root_key,
        first_root_key=desk.identity.first_root_key,
        rotations=desk.identity.rotations,
        chain=chain,
        server_origin=server.origin,
        log_name=server.log_name,
        log_key=server.log_key,
    )


def write_root_file(desk: Desk) -> None:
    """root.json: whose word counts, for an auditor. It knows the roots that were left, too."""
    pinned = desk.records.fact("log_key") is not None
    server = pinned_server(desk.records) if pinned else None
    root_file = RootFile(
        organisation=desk.identity.name,
        root_key=desk.identity.root_key,
        first_root_key=desk.identity.first_root_key,
        rotations=desk.identity.rotations,
        log_name=server.log_name if server else None,
        log_key=server.log_key if server else None,
    )
    write_private(desk.folder / "root.json", strict_json.dump(root_file))


def day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


@app.command(epilog='Example: bellpull org init --name "Example Support" --keys /media/offline/organisation')
@reports
def init(
    name: Annotated[str, typer.Option("--name", help="The organisation's name, as customers will read it.")],
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    plain: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the keys unencrypted. Only for trials.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the organisation: root, two issuers, and the enrolment key."""
    out = Output(as_json)
    folder = keys or default_organisation()
    identity, made = issuers.create(folder, name, None if plain else Passphrases(passphrase_file), now_s())
    root_file = RootFile(organisation=name, root_key=identity.root_key, log_name=None, log_key=None)
    write_private(folder / "root.json", strict_json.dump(root_file))
    if as_json:
        out.json(
            {
                "organisation": name,
                "keys": str(folder),
                "fingerprints": {key: public.fingerprint for key, public in made.items()},
                "protected": not plain,
            }
        )
        return
    out.say(f"{name} has its keys in {folder}. Fingerprints:")
    out.facts({key: public.fingerprint for key, public in made.items()})
    if plain:
        out.say("The keys are NOT encrypted: whoever copies this folder is the organisation.", "bold yellow")
    out.say("Move root.key to a drawer now: no daily command needs it. Devices and technicians pin its fingerprint.")
    out.say("Next: bellpull org pin ORIGIN --setup-code CODE (bellpull-server init prints the code).")


@app.command(epilog="Example: bellpull org pin https://support.example.org --setup-code AB12-CD34-EF56")
@reports
def pin(
    origin: Annotated[str, typer.Argument(help="The server's address.")],
    setup_code: Annotated[str, typer.Option("--setup-code", help="One-use code that bellpull-server init printed.")],
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the server this organisation's root, and keep the server's log key. Both once, for ever."""
    desk = open_desk(keys, None)
    server = run(desk.pin(origin, setup_code))
    write_root_file(desk)
    out = Output(as_json)
    if as_json:
        out.json({"origin": server.origin, "log_name": server.log_name, "log_key": server.log_fingerprint})
        return
    out.say(f"{server.origin} now belongs to {desk.identity.name}.")
    out.facts({"log": server.log_name, "log key": server.log_fingerprint})
    out.say("Next: bellpull org publish")


@app.command(epilog='Example: bellpull org certify request.json --customer "Anna Berg" --tier 1 --out anna.json')
@reports
def certify(
    request: Annotated[Path, typer.Argument(help="The file a technician made with bellpull keys init.")],
    customer: Annotated[list[str], typer.Option("--customer", help="A customer this technician may visit; repeat.")],
    out_file: Annotated[Path, typer.Option("--out", help="Where to write the certificate file.")],
    name: Annotated[str | None, typer.Option("--name", help="Instead of the name in the request.")] = None,
    tier: Annotated[int, typer.Option("--tier", min=1, max=3)] = 1,
    scope: Annotated[list[Scope] | None, typer.Option("--scope", help="What they may ask for; repeat.")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=366, help="How long it lasts; 90 days.")] = None,
    hours: Annotated[int | None, typer.Option("--hours", min=1, max=24 * 366, help="Instead of days.")] = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Certify a technician: who they are, for which customers, for what, until when."""
    desk = open_desk(keys, passphrase_file)
    pinned_server(desk.records)  # without one, the file could not say where to sign in
    asked = read_request(read_document(request, what="technician's request"))
    chain = certify_technician(
        asked,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        name=name or asked.name,
        tier=tier,
        customers=tuple(dict.fromkeys(customer)),
        scopes=tuple(dict.fromkeys(scope or DEFAULT_SCOPES)),
        seconds=validity_s(days, hours),
        now=now_s(),
    )
    body = desk.identity.trust.technician(chain, now_s()).body
    write_public(out_file, strict_json.dump(certificate_file(desk, chain)))
    out = Output(as_json)
    fingerprint = VerifyKey(body.signing_key).fingerprint
    if as_json:
        out.json({"serial": body.serial, "name": body.name, "key": fingerprint, "out": str(out_file)})
        return
    out.say(f"{body.name} is certified; the file for them is {out_file}.")
    out.facts(
        {
            "key": fingerprint,
            "customers": ", ".join(body.customers),
            "scopes": ", ".join(body.scopes),
            "until": day(body.not_after),
            "serial": body.serial,
            "root": VerifyKey(desk.identity.root_key).fingerprint,
        }
    )
    out.say("Compare the key's fingerprint with the technician's. Then: bellpull org publish")


@app.command(epilog='Example: bellpull org enrol-token --customer "Anna Berg"')
@reports
def enrol_token(
    customer: Annotated[str, typer.Option("--customer", help="Who owns the device.")],
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a token that lets one device in, within 24 hours. Hand it over outside the server."""
    desk = open_desk(keys, passphrase_file)
    text, token = make_token(
        customer,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        server=pinned_server(desk.records),
        secret_of=desk.secret_of(),
        now=now_s(),
    )
    out = Output(as_json)
    if as_json:
        out.json({"token": text, "token_id": token.token_id, "customer": customer, "not_after": token.not_after})
        return
    typer.echo(text)
    people = Output(as_json=True)  # the token alone on stdout, so that it can be piped
    people.say(f"For {customer}, once, until {day(token.not_after)}. On the device: bellpull-agent enrol TOKEN")


@app.command(epilog="Example: bellpull org approve --watch")
@reports
def approve(
    watch: Annotated[bool, typer.Option("--watch", help="Stay and approve what comes, until Ctrl-C.")] = False,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check each waiting device's proof and certify those that had a token."""
    out = Output(as_json)
    desk = open_desk(keys, passphrase_file)
    seen: list[Approval] = []

    def report(approval: Approval) -> None:
        seen.append(approval)
        if as_json:
            out.json(
                {
                    "device": approval.device,
                    "label": approval.label,
                    "customer": approval.customer,
                    "approved": approval.chain is not None,
                    "refusal": approval.refusal,
                    "replaces": [vars(each) for each in approval.replaced],
                }
            )
        elif approval.chain is not None:
            out.say(f"✓ {approval.device}  {approval.label}  → {approval.customer}")
            for each in approval.replaced:
                _say_replaced(out, each)
        else:
            out.say(f"✗ {approval.device}  {approval.label}  {approval.refusal}", "red")

    try:
        refused = run(desk.approve(watch=watch, report=report, away=lambda text: out.say(text, "yellow")))
    except KeyboardInterrupt:
        return
    if not seen:
        out.say("No device is waiting.", "dim")
    if refused:
        raise typer.Exit(EXIT_PROBLEM)


def _say_replaced(out: Output, before: Predecessor) -> None:
    """A machine with new keys is a surprise until somebody says why: said loudly."""
    seen = "never seen" if before.last_seen is None else f"last seen {day(before.last_seen)}"
    if before.said:
        out.say(
            f"  ⚠ NEW KEYS: this machine was {before.device} before ({seen}). That device is retired.", "bold yellow"
        )
        out.say("    If nobody set it up anew, ask its owner: who had the token has taken its place.", "yellow")
    else:
        out.say(f"  ⚠ SAME LABEL as {before.device} ({seen}). Is it the same machine, set up anew?", "bold yellow")
        out.say(f"    If so, end the old one: bellpull org revoke {before.device}", "yellow")


@app.command(epilog='Example: bellpull org revoke "Tom Vale" --reason "laptop stolen"')
@reports
def revoke(
    who: Annotated[str, typer.Argument(help="A serial, a technician's name, or a device id.")],
    reason: Annotated[str, typer.Option("--reason", help="For your own books.")] = "",
    publish_now: Annotated[bool, typer.Option("--publish/--no-publish", help="Tell the server at once.")] = True,
    root_file: RootOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back what a technician, a device or a replaced issuer holds; it ends when devices hear of it."""
    desk = open_desk(keys, passphrase_file)
    issuer = find_issuer(desk.records, desk.identity, who)
    if issuer is not None:
        root = open_root(root_file or desk.folder / "root.key", desk.identity, desk.passphrases)
        revoke_issuer(root, issuer, reason, records=desk.records, now=now_s())
        ended = [(issuer.role, "issuer", issuer.serial)]
    else:
        records = find_certificates(desk.records, who)
        for record in records:
            desk.records.revoke(record.serial, reason, now_s())
        ended = [(record.subject, record.kind, record.serial) for record in records]
    versions = run(desk.reopened().publish()) if publish_now else {}
    out = Output(as_json)
    if as_json:
        serials = [serial for _, _, serial in ended]
        out.json({"serial": serials[-1], "serials": serials, "subject": ended[-1][0], "published": versions})
        return
    for subject, kind, serial in ended:
        out.say(f"{subject} ({kind}, serial {serial}) is revoked.")
    out.say("Published." if publish_now else "Not published yet: bellpull org publish")


@app.command(epilog="Example: bellpull org publish --keys ~/organisation   (daily, from a timer)")
@reports
def publish(
    check: Annotated[
        bool, typer.Option("--check", help="Sign nothing: exit 1 when the daily publishing did not happen.")
    ] = False,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign revocations, recipients, policy and known issues afresh, and hand them to the server."""
    desk = open_desk(keys, passphrase_file)
    out = Output(as_json)
    if check:
        advice = paper_advice(desk.records, run(desk.published()), now_s())
        if as_json:
            out.json({"fresh": not advice, "todo": [vars(each) for each in advice]})
        elif not advice:
            out.say("Everything is published and fresh.")
        for each in advice:
            out.say(f"✗ {each.what}: {each.do}", "red")
        raise typer.Exit(EXIT_PROBLEM if advice else 0)
    versions = run(desk.publish())
    if as_json:
        out.json({"versions": versions})
        return
    out.table(("document", "version"), list(versions.items()))
    if "bundle-recipients" not in versions:
        out.say("No technician is certified, so nothing can be sealed to anyone yet.", "yellow")


@app.command(epilog="Examples: bellpull org pack ./our-issues --check · bellpull org pack --trials")
@reports
def pack(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of *.toml: known issues, stops, watches of applications.")
    ] = None,
    trials: Annotated[bool, typer.Option("--trials", help="What devices counted of those on trial.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Try every case and keep nothing.")] = False,
    publish_now: Annotated[bool, typer.Option("--publish/--no-publish", help="Sign and hand over at once.")] = True,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take your own known issues: every case of every one is tried before anything is signed."""
    if trials == (folder is not None):
        given = "both" if trials else "neither"
        raise Problem("this cannot be meant", expected="a folder to pack, or --trials", got=given)
    desk = open_desk(keys, passphrase_file)
    if folder is None:
        tell_trials(run(desk.trials()), Output(as_json))
        return
    packed = packs.read_folder(folder, packs.kept_texts(desk.records))
    versions: dict[str, int] = {}
    if not check:
        packs.keep_texts(desk.records, packed)
        versions = run(desk.publish()) if publish_now else {}
    out = Output(as_json)
    if as_json:
        issues = [{"id": each.id, "version": each.version, "cases": each.cases, "whom": each.whom} for each in packed]
        out.json({"issues": issues, "kept": not check, "published": versions})
        return
    out.table(
        ("issue", "version", "cases", "for whom"),
        [(each.id, str(each.version), str(each.cases), each.whom) for each in packed],
    )
    if check:
        out.say("Every case holds. Nothing was kept or signed.")
    else:
        out.say("Signed and published." if publish_now else "Kept. Not published yet: bellpull org publish")


def tell_trials(rows: Sequence[TrialRow], out: Output) -> None:
    """By issue and version: on how many devices it would have spoken, and in how many of their looks."""
    if out.as_json:
        out.json({"trials": [row.model_dump() for row in rows]})
        return
    if not rows:
        out.say("No device has counted a trial yet. Devices tell their counts every six hours.")
        return
    out.table(
        ("issue", "version", "would speak on", "looks it would have spoken in", "looks it stayed quiet in"),
        [
            (row.issue, row.version, f"{row.fired_devices} of {row.devices} devices", row.fired, row.quiet)
            for row in rows
        ],
    )
    out.say("Numbers as devices reported them; the server carries them and cannot prove them.")


@app.command(epilog="Example: bellpull org certificates")
@reports
def certificates(keys: KeysOption = None, as_json: JsonOption = False) -> None:
    """List every certificate ever signed."""
    desk = open_desk(keys, None)
    records = desk.records.certificates()
    out = Output(as_json)
    if as_json:
        fields = ("serial", "kind", "subject", "issued_at", "not_after", "revoked_at", "reason")
        out.json({"certificates": [{field: getattr(record, field) for field in fields} for record in records]})
        return
    rows = [
        (
            record.subject,
            record.kind,
            _state(record, desk.identity.trust),
            day(record.not_after),
            record.serial,
        )
        for record in records
    ]
    out.table(("who", "kind", "state", "until", "serial"), rows, empty="No certificate was signed yet.")


def _state(record: CertificateRecord, trust: Trust) -> str:
    if record.revoked_at is not None:
        return f"revoked {day(record.revoked_at)}"
    if record.not_after <= now_s():
        return "expired"
    return "in force" if holds(record, trust, now_s()) else "of a root or issuer that was left"


def write_public(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Problem(f"{path} cannot be written", got=error.strerror or str(error)) from None
