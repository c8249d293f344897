"""`bellpull keys …` and `bellpull login`: a technician's keys, certificate, and sign-in."""

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from protocol import strict_json
from protocol.statements import VerifyKey
from technician.api import Api
from technician.certificate_file import check_certificate, read_certificate
from technician.clock import now_s
from technician.commands.output import HomeOption, JsonOption, Output, PassphraseOption, group, reports, run
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.keys.technician_keys import KEY_MATERIAL_BYTES, TechnicianKeys, read_request, write_keys
from technician.private_files import read_document, read_private, write_private
from technician.problems import Problem
from technician.sign_in import Technician
from technician.trust_store import TrustStore

app = group("keys", "Your own keys and certificate.")

_SEAL_RANDOM_BYTES = 28


@app.command(epilog='Example: bellpull keys init --name "Tom Vale"')
@reports
def init(
    name: Annotated[str, typer.Option("--name", help="Your name, as customers will read it.")],
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    plain: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the keys unencrypted. Only for trials.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Throw the keys that are here away.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make your three keys here, and the request file the organisation certifies."""
    place = Home.at(home)
    if place.key.exists() and not replace:
        raise Problem(
            "you have keys already",
            got=str(place.key),
            hint="--replace makes new ones; the certificate of the old ones is then useless and should be revoked.",
        )
    passphrase = None if plain else Passphrases(passphrase_file).new("your technician keys")
    keys = TechnicianKeys.make(os.urandom(KEY_MATERIAL_BYTES))
    request = keys.request(name, now_s())
    write_keys(place, keys, passphrase, random=os.urandom(_SEAL_RANDOM_BYTES))
    write_private(place.request, strict_json.dump(request))
    for stale in (place.certificate, place.sign_in):
        stale.unlink(missing_ok=True)
    out = Output(as_json)
    if as_json:
        out.json({"request": str(place.request), "key": keys.verify_key.fingerprint, "protected": not plain})
        return
    out.say(f"Your keys are in {place.key.parent}.")
    out.facts({"fingerprint": keys.verify_key.fingerprint, "request": place.request})
    if plain:
        out.say("They are NOT encrypted: whoever copies the file can act as you.", "bold yellow")
    out.say("Give the request file to your organisation and read them the fingerprint; it answers with a certificate.")


@app.command(epilog="Example: bellpull keys install anna.json")
@reports
def install(
    certificate: Annotated[Path, typer.Argument(help="The file your organisation gave you.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Install your certificate and pin the organisation's root, once."""
    place = Home.at(home)
    data = read_document(certificate, what="certificate file")
    file = read_certificate(data)
    hint = "Make your keys first: bellpull keys init --name NAME"
    request = read_request(read_private(place.request, what="request of yours", hint=hint))
    body = check_certificate(file, request, now_s()).body
    TrustStore.pin(place, file.trust(), now_s())
    write_private(place.certificate, strict_json.dump(file))
    place.sign_in.unlink(missing_ok=True)
    out = Output(as_json)
    root = VerifyKey(file.root_key).fingerprint
    if as_json:
        out.json({"name": body.name, "serial": body.serial, "root": root, "server": file.server_origin})
        return
    out.say(f"{file.organisation} certifies you as {body.name}, tier {body.tier}.")
    out.facts(
        {
            "root": root,
            "customers": ", ".join(body.customers) or "none",
            "scopes": ", ".join(body.scopes) or "none",
            "until": datetime.fromtimestamp(body.not_after, UTC).strftime("%Y-%m-%d"),
            "server": file.server_origin,
        }
    )
    out.say("Compare the root's fingerprint with the organisation's, outside this file. Then: bellpull login")


@app.command(epilog="Example: bellpull keys renew")
@reports
def renew(home: HomeOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False) -> None:
    """Fetch your newer certificate, for the same keys; where there is none yet, write the request for one."""
    place = Home.at(home)
    technician = Technician.open(place, Passphrases(passphrase_file))

    async def work() -> bool:
        async with Api(technician.origin) as api:
            return await technician.renew(api)

    taken = run(work())
    out = Output(as_json)
    body = technician.certificate_body
    until = datetime.fromtimestamp(body.not_after, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if taken:
        place.sign_in.unlink(missing_ok=True)
        if as_json:
            out.json({"renewed": True, "serial": body.serial, "until": body.not_after})
            return
        out.say(f"Your certificate is renewed, until {until}. Your keys are the same.")
        return
    request = technician.keys().request(body.name, technician.now())
    write_private(place.request, strict_json.dump(request))
    if as_json:
        facts = {"renewed": False, "serial": body.serial, "until": body.not_after, "request": str(place.request)}
        out.json(facts)
        return
    out.say(f"The server holds no newer certificate for your keys than yours, which lasts until {until}.")
    out.say(f"Ask your organisation: bellpull org recertify {shlex.quote(body.name)} --days 90")
    out.say(f"It may also certify your request anew ({place.request}). Then run this command again.")


@reports
def login(home: HomeOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False) -> None:
    """Sign in to the server with your key; later commands use the token for some hours."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))

    async def work() -> int:
        async with Api(technician.origin) as api:
            return (await technician.sign_in(api)).expires_at

    expires_at = run(work())
    out = Output(as_json)
    ends = technician.certificate_body.not_after
    warning = technician.expiry(technician.now())
    if as_json:
        facts = {"server": technician.origin, "expires_at": expires_at, "certificate_until": ends, "warning": warning}
        out.json(facts)
        return
    until = datetime.fromtimestamp(expires_at, UTC).strftime("%H:%M UTC")
    out.say(f"Signed in at {technician.origin} until {until}.")
    if warning:
        out.say(warning, "yellow")
