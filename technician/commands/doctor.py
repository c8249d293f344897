"""`bellpull doctor`: how old every trust document is, everywhere, what ends soon, and what to do about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from protocol.errors import ProtocolError
from protocol.messages.api import DeviceRow, ServerFacts
from protocol.statements import VerifyKey
from technician.api import Api
from technician.clock import now_s
from technician.commands.output import (
    EXIT_PROBLEM,
    HomeOption,
    JsonOption,
    KeysOption,
    Output,
    PassphraseOption,
    reports,
    run,
)
from technician.doctor import (
    DeviceStanding,
    device_advice,
    organisation_advice,
    own_advice,
    papers,
    server_advice,
    standing_of,
)
from technician.home import Home, default_home, default_organisation
from technician.keys.passphrase import Passphrases
from technician.organisation.desk import Desk
from technician.organisation.papers import Advice, Paper, paper_advice, papers_of
from technician.organisation.server_pin import pinned_server
from technician.problems import Problem
from technician.sign_in import Technician


@dataclass
class Found:
    """What was looked at, and what to do. `todo`: (where, advice)."""

    facts: dict[str, Any] = field(default_factory=dict)
    papers: list[tuple[str, Paper]] = field(default_factory=list)
    devices: dict[str, DeviceStanding] = field(default_factory=dict)
    todo: list[tuple[str, Advice]] = field(default_factory=list)

    def add(self, where: str, advice: Sequence[Advice]) -> None:
        known = {each.what for _, each in self.todo}
        self.todo += [(where, each) for each in advice if each.what not in known]


@reports
def doctor(
    home: HomeOption = None,
    keys: KeysOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no server: this computer's files alone.")] = False,
    passphrase_file: PassphraseOption = None,
    keys_passphrase_file: Annotated[
        Path | None, typer.Option("--keys-passphrase-file", help="Of the organisation's keys, where it is another.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at keys, certificates and documents: here, at the server, and on the devices. Exit 1: something to do."""
    found, now = Found(), now_s()
    place = home or default_home()
    folder = keys or default_organisation()
    if not (place / "certificate.json").exists() and not (folder / "organisation.db").exists():
        raise Problem(
            "there is nothing to look at here",
            expected=f"a technician's folder {place} or an organisation's {folder}",
            got="neither",
            hint="Name them: --home DIR, --keys DIR",
            exit_code=2,
        )
    if (place / "certificate.json").exists():
        _look_at_own(found, Technician.open(Home.at(place), Passphrases(passphrase_file)), now, offline=offline)
    if (folder / "organisation.db").exists():
        passphrases = Passphrases(keys_passphrase_file or passphrase_file)
        _look_at_organisation(found, Desk.open(folder, passphrases), now, offline=offline)
    found.add("devices", device_advice(found.devices.values(), now))
    out = Output(as_json)
    if as_json:
        out.json(_as_json(found, now))
    else:
        _show(out, found, now)
    if found.todo:
        raise typer.Exit(EXIT_PROBLEM)


def _look_at_own(found: Found, technician: Technician, clock: int, *, offline: bool) -> None:
    trouble = ""
    if not offline:
        try:
            rows, facts, ahead_s, versions = run(_ask_as_technician(technician))
        except (Problem, ProtocolError) as error:
            trouble = str(error)
        else:
            trust = technician.store.trust
            _look_at_server(found, facts, trust.root, trust.roots[1:], ahead_s)
            _look_at_devices(found, rows, trust.root, versions)
    now, trust, body = technician.now(), technician.store.trust, technician.certificate_body
    holds = ""
    try:
        technician.certificate(now)
    except ProtocolError as error:
        holds = str(error)
    found.facts["own"] = {
        "name": body.name,
        "root": trust.root.fingerprint,
        "rotations_followed": trust.rotation_sequence,
        "certificate_until": body.not_after,
        "alarms": len(technician.store.alarms()),
        "clock_behind_floor_s": max(0, technician.store.clock_floor - clock),
    }
    found.papers += [("own", paper) for paper in papers(trust)]
    found.add("own", own_advice(trust, body, holds, technician.expiry(now), len(technician.store.alarms()), now))
    if technician.store.clock_floor > clock:
        what = "this computer's clock is behind the time of documents already seen"
        found.add("own", [Advice(what, "Set the clock.")])
    if trouble:
        found.add("server", [Advice(f"the server was not looked at: {trouble}", "bellpull login", True)])


def _look_at_organisation(found: Found, desk: Desk, now: int, *, offline: bool) -> None:
    identity = desk.identity
    found.facts["organisation"] = {
        "name": identity.name,
        "root": VerifyKey(identity.root_key).fingerprint,
        "rotations": len(identity.left),
        "issuers": {
            role.value: {"serial": body.serial, "until": body.not_after, "key": VerifyKey(body.key).fingerprint}
            for role in identity.issuers
            for body in [identity.issuer_body(role)]
        },
    }
    found.papers += [("organisation", paper) for paper in papers_of(desk.records)]
    names = [path.name for path in desk.folder.iterdir()]
    found.add("organisation", organisation_advice(identity, desk.records, names, now))
    held = {paper.name: paper.version for paper in papers_of(desk.records)}
    if not offline:
        try:
            info, ahead_s = run(_server_of(desk))
            roots_left = [VerifyKey(left.root_key) for left in reversed(identity.left)]
            _look_at_server(found, info, VerifyKey(identity.root_key), roots_left, ahead_s)
            if info.root_key == identity.root_key:
                held = run(desk.published())
                _look_at_devices(found, run(desk.devices()), VerifyKey(identity.root_key), held)
        except (Problem, ProtocolError) as error:
            what = f"the server was not looked at: {error}"
            found.add("server", [Advice(what, "Is it running, and is this its address?", True)])
    found.add("organisation", paper_advice(desk.records, held, now))


def _look_at_server(
    found: Found, info: ServerFacts, root: VerifyKey, left: Sequence[VerifyKey], ahead_s: int | None
) -> None:
    found.facts["server"] = {
        "origin": info.origin,
        "version": info.version,
        "root": None if info.root_key is None else VerifyKey(info.root_key).fingerprint,
        "log_key": VerifyKey(info.log_key).fingerprint,
        "clock_ahead_s": ahead_s,
    }
    found.add("server", server_advice(root, left, info.root_key, ahead_s))


def _look_at_devices(found: Found, rows: Sequence[DeviceRow], root: VerifyKey, newest: dict[str, int]) -> None:
    found.devices |= {row.device: standing_of(row, root.public, newest) for row in rows}


async def _ask_as_technician(
    technician: Technician,
) -> tuple[Sequence[DeviceRow], ServerFacts, int | None, dict[str, int]]:
    async with technician.signed_in() as api:
        rows = (await api.devices()).devices
        versions = {paper.name: paper.version for paper in papers(technician.store.trust)}
        return rows, await api.server(), api.clock_ahead_s, versions


async def _server_of(desk: Desk) -> tuple[ServerFacts, int | None]:
    async with Api(pinned_server(desk.records).origin) as api:
        return await api.server(), api.clock_ahead_s


def _as_json(found: Found, now: int) -> dict[str, object]:
    return {
        "ok": not found.todo,
        "todo": [{"where": where, **asdict(advice)} for where, advice in found.todo],
        **found.facts,
        "documents": [
            {"where": where, "age_s": now - paper.issued_at, **asdict(paper)} for where, paper in found.papers
        ],
        "devices": [asdict(each) for each in found.devices.values()],
    }


def _show(out: Output, found: Found, now: int) -> None:
    for where in ("own", "organisation", "server"):
        if where in found.facts:
            facts = {name: value for name, value in found.facts[where].items() if not isinstance(value, dict)}
            for role, issuer in found.facts[where].get("issuers", {}).items():
                facts[f"{role}_issuer_until"] = issuer["until"]
            out.say(where.capitalize(), "bold")
            out.facts({name.replace("_", " "): _readable(name, value, now) for name, value in facts.items()})
    rows = [
        (where, paper.name, paper.version, _age(now - paper.issued_at), _age(paper.not_after - now))
        for where, paper in found.papers
    ]
    out.table(("where", "document", "version", "age", "ends in"), rows, empty="No document is here.")
    out.table(
        ("device", "label", "customer", "here", "root", "behind"),
        [
            (
                each.device,
                each.label,
                each.customer or "not certified",
                _presence(each, now),
                "current" if each.root_current else each.root or "not said",
                ", ".join(f"{name} −{count}" for name, count in each.behind.items() if count > 0) or "–",
            )
            for each in found.devices.values()
        ],
        empty="No device was looked at.",
    )
    for where, advice in found.todo:
        out.say(f"{'✗' if advice.grave else '!'} {where}: {advice.what}", "bold red" if advice.grave else "yellow")
        out.say(f"    → {advice.do}")
    if not found.todo:
        out.say("Nothing needs doing.", "bold green")


def _presence(each: DeviceStanding, now: int) -> str:
    if each.replaced_by is not None:
        return "retired"
    if each.connected:
        return "connected"
    return "never" if each.last_seen is None else f"away {_age(now - each.last_seen)}"


def _readable(name: str, value: object, now: int) -> object:
    return f"in {_age(value - now)}" if name.endswith("_until") and isinstance(value, int) else value


def _age(seconds: int) -> str:
    if seconds < 0:
        return "over"
    if seconds >= 2 * 86_400:
        return f"{seconds // 86_400} days"
    return f"{seconds // 3600} h" if seconds >= 7200 else f"{seconds // 60} min"
