"""`bellpull org rotate-root`, `rotate-issuer`, `recertify`: keys replaced, and everything under them signed anew."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from protocol import strict_json
from protocol.certificates import IssuerRole
from technician.clock import now_s
from technician.commands.organisation import (
    RootOption,
    app,
    certificate_file,
    day,
    open_desk,
    write_public,
    write_root_file,
)
from technician.commands.output import EXIT_PROBLEM, JsonOption, KeysOption, Output, PassphraseOption, reports, run
from technician.organisation.certify import validity_s
from technician.organisation.desk import Desk, Renewed
from technician.organisation.rotation import open_root, rotate_issuer, rotate_root

__all__ = ["app"]

PublishOption = Annotated[
    bool, typer.Option("--publish/--no-publish", help="Tell the server, and re-sign every certificate, at once.")
]


@app.command("rotate-root", epilog="Example: bellpull org rotate-root --root /media/offline/root.key")
@reports
def rotate_root_command(
    publish_now: PublishOption = True,
    root_file: RootOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leave the root for a new one. Devices, technicians and the server follow by a statement that both signed."""
    desk = open_desk(keys, passphrase_file)
    root = open_root(root_file or desk.folder / "root.key", desk.identity, desk.passphrases)
    new = rotate_root(root, records=desk.records, identity=desk.identity, passphrases=desk.passphrases, now=now_s())
    desk = desk.reopened()
    write_root_file(desk)
    renewed = _carry_out(desk) if publish_now else []
    out = Output(as_json)
    left = f"{root.file.stem}.left-{len(desk.identity.left)}.key"
    if as_json:
        out.json(
            {
                "root": new.fingerprint,
                "sequence": len(desk.identity.left),
                "root_key": str(root.file),
                "left_key": left,
                "published": publish_now,
                **_renewed_json(renewed),
            }
        )
    else:
        out.say(f"The root is new (rotation {len(desk.identity.left)}): {new.fingerprint}")
        out.say(f"It lies in {root.file}; the one that was left beside it as {left}.")
        out.say("Copy the new one to two places offline. Destroy every copy of the old one once all devices follow:")
        out.say("bellpull doctor counts them. Print new enrolment tokens: those under the old root are over.")
        _say_outcome(out, renewed, publish_now)
    _exit(renewed)


@app.command("rotate-issuer", epilog="Example: bellpull org rotate-issuer certifying --revoke --root /media/root.key")
@reports
def rotate_issuer_command(
    role: Annotated[IssuerRole, typer.Argument(help="Whose key is replaced.")],
    revoke: Annotated[
        bool, typer.Option("--revoke/--leave", help="Revoke the old one (it was stolen), or leave it to its end.")
    ] = False,
    publish_now: PublishOption = True,
    root_file: RootOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an issuer a new key, certified by the root; certificates and documents are signed anew with it."""
    desk = open_desk(keys, passphrase_file)
    root = open_root(root_file or desk.folder / "root.key", desk.identity, desk.passphrases)
    new = rotate_issuer(
        root,
        desk.folder,
        role,
        revoke=revoke,
        records=desk.records,
        identity=desk.identity,
        passphrases=desk.passphrases,
        now=now_s(),
    )
    desk = desk.reopened()
    renewed = _carry_out(desk) if publish_now else []
    out = Output(as_json)
    if as_json:
        out.json({"role": role.value, "key": new.fingerprint, "revoked": revoke, **_renewed_json(renewed)})
    else:
        out.say(f"The {role} issuer has a new key: {new.fingerprint}")
        out.say("The old one is revoked." if revoke else "The old one lasts to its own end.")
        _say_outcome(out, renewed, publish_now)
    _exit(renewed)


@app.command(epilog='Example: bellpull org recertify "Tom Vale" --days 90     (without names: all that need it)')
@reports
def recertify(
    who: Annotated[
        list[str] | None, typer.Argument(help="Names, device ids or serials. None: all of an older issuer or root.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=366, help="A new end for technicians.")] = None,
    hours: Annotated[int | None, typer.Option("--hours", min=1, max=24 * 366, help="Instead of days.")] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Also write technicians' certificate files here.")
    ] = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign certificates anew: same keys, same words, the issuer of now. The server hands them to whom they belong."""
    desk = open_desk(keys, passphrase_file)
    seconds = None if days is None and hours is None else validity_s(days, hours)
    wanted = desk.to_recertify(who or [])
    renewed = run(desk.recertify(wanted, seconds)) if wanted else []
    for each in renewed:
        if out_folder is not None and each.record.kind == "technician":
            file = out_folder / f"{''.join(c if c.isalnum() else '-' for c in each.record.subject.lower())}.json"
            write_public(file, strict_json.dump(certificate_file(desk, each.chain)))
    out = Output(as_json)
    if as_json:
        out.json(_renewed_json(renewed))
    else:
        _say_renewed(out, renewed)
    _exit(renewed)


def _carry_out(desk: Desk) -> list[Renewed]:
    """Root and issuers reach the server, then everybody's certificate under them.

    Certificates go first where the server knows our root, so that a revoked issuer leaves no gap; after a new root
    they can only follow.
    """

    async def work() -> list[Renewed]:
        if desk.identity.left:
            await desk.publish()
        wanted = desk.to_recertify(())
        renewed = await desk.recertify(wanted, None) if wanted else []
        await desk.publish()
        return renewed

    return run(work())


def _say_outcome(out: Output, renewed: Sequence[Renewed], published: bool) -> None:
    if not published:
        out.say(
            "Nobody knows yet. Next: bellpull org publish && bellpull org recertify && bellpull org publish", "yellow"
        )
        return
    _say_renewed(out, renewed)


def _say_renewed(out: Output, renewed: Sequence[Renewed]) -> None:
    if not renewed:
        out.say("No certificate had to be signed anew.")
        return
    good = [each for each in renewed if not each.trouble]
    people = sum(each.record.kind == "technician" for each in good)
    out.say(f"Signed anew for technicians: {people}, for devices: {len(good) - people}. Their programs fetch it.")
    for each in renewed:
        if each.trouble:
            out.say(f"✗ {each.record.subject}: {each.trouble}", "red")
        elif each.record.kind == "technician":
            out.say(f"  {each.record.subject}, until {day(each.record.not_after)} or later")


def _renewed_json(renewed: Sequence[Renewed]) -> dict[str, object]:
    return {
        "recertified": [each.record.subject for each in renewed if not each.trouble],
        "failed": {each.record.subject: each.trouble for each in renewed if each.trouble},
    }


def _exit(renewed: Sequence[Renewed]) -> None:
    if any(each.trouble for each in renewed):
        raise typer.Exit(EXIT_PROBLEM)
