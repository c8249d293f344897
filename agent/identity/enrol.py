"""Enrolment: the printed token is read, its root pinned, the keys made here, and only public keys sent.

    token ── read_token ──► proven under the root it names ── same root as before? ──► keys (0600) ──► POST /api/enrol
          ──► 202: enrolment.json written last. Everything before it can be repeated with the same token.

A device answers to one organisation. A token of another root is refused for ever, whoever runs the command.

New keys on an enrolled device make it another device. They are made in a folder beside identity/, which takes its place
once the server has noted them; the old one is kept as identity.was-DEVICE. The request names the device it replaces,
under the same proof as the keys, so that the organisation sees it and retires the old one.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from agent.identity.identity import Identity, device_secrets, keep_enrolment, next_identity, take_place
from agent.paths import StateFolder
from agent.refusal import Refusal
from protocol import strict_json
from protocol.enrolment import (
    DeviceKeys,
    EnrolmentRequest,
    EnrolmentTicket,
    EnrolmentToken,
    enrolment_proof,
    read_token,
)
from protocol.errors import RemoteProtocolError
from protocol.fields import root_hash
from protocol.statements import VerifyKey

LABEL_MAX_CHARS = 80
TOKEN_TEXT_MAX_CHARS = 20_000


@dataclass(frozen=True)
class Enrolled:
    device: str
    organisation: str
    customer: str
    origin: str
    root_fingerprint: str
    replaced: str | None = None


#: Sends the request to an origin; returns the device id the server noted. Raises Refusal.
Post = Callable[[str, EnrolmentRequest], str]


def post_request(origin: str, request: EnrolmentRequest) -> str:
    """POST /api/enrol → 202 `{"device":"d-…"}`."""
    from agent.link import http

    with http.open_client(origin) as client:
        status, _, body = http.send(
            client,
            "POST",
            "/api/enrol",
            content=strict_json.dump(request),
            headers={"Content-Type": "application/json"},
        )
    if status != 202:
        raise http.error_of(status, body)
    value = strict_json.check_json(body, what="the server's answer", max_bytes=http.ANSWER_MAX_BYTES)
    device = value.get("device") if isinstance(value, dict) else None
    if not isinstance(device, str):
        raise RemoteProtocolError("a wrong answer to the enrolment", expected='{"device": …}', got=type(value).__name__)
    return device


def enrol(
    folder: StateFolder, printed: str, *, label: str, now: int, new_keys: bool = False, post: Post = post_request
) -> Enrolled:
    """Enrol this state folder with a printed token. Raises Refusal or RemoteProtocolError; then nothing is pinned.

    `new_keys`: leave the keys that are here; without it an enrolled device stays the same device.
    """
    if len(label) > LABEL_MAX_CHARS or any(ord(character) < 32 for character in label):
        raise Refusal("this label cannot be used", expected=f"at most {LABEL_MAX_CHARS} plain characters", got=label)
    token, ticket = read_token(printed[:TOKEN_TEXT_MAX_CHARS], now)
    _check_same_root(folder, token)
    folder.make()
    before = Identity.load(folder.identity) if new_keys else None
    place = folder.identity if before is None else next_identity(folder.identity)
    place.mkdir(mode=0o700, exist_ok=True)
    secrets = device_secrets(place, make=True)
    assert secrets is not None  # noqa: S101 - made on the line before
    replaces = None if before is None else before.device
    request = enrolment_request(ticket, token, secrets.public(), label=label, now=now, replaces=replaces)
    noted = post(token.server_origin, request)
    if noted != secrets.device:
        raise RemoteProtocolError("the server noted another device", expected=secrets.device, got=noted)
    keep_enrolment(place, ticket.chain)
    if before is not None:
        take_place(folder.identity, before.device)
    return Enrolled(
        replaced=replaces,
        device=secrets.device,
        organisation=token.organisation,
        customer=token.customer,
        origin=token.server_origin,
        root_fingerprint=VerifyKey(token.root_key).fingerprint,
    )


def enrolment_request(
    ticket: EnrolmentTicket,
    token: EnrolmentToken,
    keys: DeviceKeys,
    *,
    label: str,
    now: int,
    replaces: str | None = None,
) -> EnrolmentRequest:
    """What goes to the server: the token without its secret, public keys, and the proof that we know the secret."""
    return EnrolmentRequest(
        token=ticket.chain,
        keys=keys,
        label=label,
        proof=enrolment_proof(ticket.secret, keys, token.root, token.customer, replaces=replaces),
        requested_at=now,
        replaces=replaces,
    )


def pinned_root(folder: StateFolder) -> bytes | None:
    """The hash of the root this device answers to now (it may have been rotated), or None before enrolment."""
    identity = Identity.load(folder.identity)
    if identity is None:
        return None
    roots = known_roots(folder)
    return root_hash(roots[0].public) if roots else identity.token.root


def known_roots(folder: StateFolder) -> tuple[VerifyKey, ...]:
    """The root of now and those left before, newest first; none before the service has first run enrolled.

    Read-only: the service may be running, and it is the only writer.
    """
    database = folder.database
    if not database.exists():
        return ()
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as connection:
            rows = connection.execute("SELECT root_key FROM trust_root").fetchall()
            rows += connection.execute("SELECT root_key FROM trust_rotations ORDER BY sequence DESC").fetchall()
    except sqlite3.OperationalError:
        return ()  # a database from before its first enrolment has no such table yet
    return tuple(VerifyKey(row[0]) for row in rows)


def _check_same_root(folder: StateFolder, token: EnrolmentToken) -> None:
    pinned = pinned_root(folder)
    if pinned is not None and pinned != token.root:
        raise Refusal(
            "this device answers to another organisation already",
            expected=f"a token of root {pinned.hex()[:16]}",
            got=f"one of {token.organisation}, root {token.root.hex()[:16]}",
            hint="A device never changes its organisation. Has it changed its root key while this device was off? Let "
            "the service run until it has followed. For a new start: use another, empty state folder.",
        )
