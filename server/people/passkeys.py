"""Passkeys (WebAuthn): keeps public keys of accounts, says what a browser is to be asked, verifies what it answers.

    page ◄─ options (a challenge of ours, used once)       navigator.credentials.create / get
    page ─► the credential as JSON ─► verify ─► kept, or: this account signs in

A passkey is both factors at once: something its owner has, unlocked by finger, face or PIN on the spot, which is
always asked for. It says itself whose it is, so no name is typed, and nobody learns which accounts there are. It is
bound to the host of --origin: another site cannot ask for it. Browsers want a host with a name, no number.
"""

import asyncio
import importlib
import ipaddress
import json
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select, update

from server.clock import Clock
from server.people.factors import forget_idle_recovery_codes
from server.people.model import passkeys
from server.refusal import Refusal
from server.storage.engine import Database
from server.technicians.challenges import Challenges

#: To find the key, or the telephone.
CHALLENGE_S: Final = 5 * 60
PASSKEYS_MAX: Final = 20
#: A credential with a certificate of its maker takes a few KiB.
CREDENTIAL_MAX_CHARS: Final = 32 * 1024


@dataclass(frozen=True)
class Passkey:
    id: str
    account: str
    name: str
    made_at: int
    last_used_at: int | None


def passkey_host(origin: str) -> str | None:
    """The host passkeys are bound to; None where browsers have none: an address that is a number."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host or None
    return None


class PasskeyStore:
    def __init__(self, database: Database, now: Clock, origin: str) -> None:
        self._database = database
        self._now = now
        self._origin = origin
        self._host = passkey_host(origin)
        self._challenges = Challenges(now, os.urandom, open_s=CHALLENGE_S)

    @property
    def possible(self) -> bool:
        return self._host is not None

    async def of(self, name: str) -> tuple[Passkey, ...]:
        query = select(passkeys).where(passkeys.c.account == name).order_by(passkeys.c.made_at, passkeys.c.id)
        async with self._database.read() as connection:
            return tuple(_passkey(row) for row in await connection.execute(query))

    # --- adding one ------------------------------------------------------------------------------------------

    async def options_to_add(self, name: str) -> dict[str, Any]:
        """What `navigator.credentials.create` is asked for. Those the account has already are not made again."""
        webauthn, structs = await _library()
        async with self._database.read() as connection:
            query = select(passkeys.c.credential).where(passkeys.c.account == name)
            known = (await connection.execute(query)).scalars().all()
        options = webauthn.generate_registration_options(
            rp_id=self._require_host(),
            rp_name=f"Bellpull, {self._require_host()}",
            user_name=name,
            user_id=sha256(f"bellpull passkey user v1\0{name}".encode()).digest(),
            challenge=self._challenges.new(),
            timeout=CHALLENGE_S * 1000,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
        )
        found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
        return found

    async def add(self, account: str, name: str, credential: str) -> Passkey:
        webauthn, _ = await _library()
        host = self._require_host()
        try:
            parsed = webauthn.helpers.parse_registration_credential_json(_bounded(credential))
            client = webauthn.helpers.parse_client_data_json(parsed.response.client_data_json)
            challenge = self._challenges.use(client.challenge)
            made = webauthn.verify_registration_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except Refusal:
            raise _not_taken("its challenge is not open any more") from None
        except Exception as error:  # noqa: BLE001 - whatever these bytes make of the parsers is one thing: no passkey
            raise _not_taken(str(error)) from None
        now = self._now()
        row = {
            "id": secrets.token_hex(8),
            "credential": made.credential_id,
            "account": account,
            "name": name,
            "public_key": made.credential_public_key,
            "sign_count": made.sign_count,
            "made_at": now,
        }
        async with self._database.write() as connection:
            count = select(func.count()).select_from(passkeys).where(passkeys.c.account == account)
            if int(await connection.scalar(count) or 0) >= PASSKEYS_MAX:
                raise Refusal(409, f"an account has at most {PASSKEYS_MAX} passkeys", hint="Remove one first.")
            insert = self._database.insert(passkeys).values(**row)
            done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["credential"]))
            if done.rowcount != 1:
                raise Refusal(409, "this passkey is known here already")
        return Passkey(str(row["id"]), account, name, now, None)

    async def require(self, account: str, passkey: str) -> Passkey:
        found = next((one for one in await self.of(account) if one.id == passkey), None)
        if found is None:
            raise Refusal(404, "there is no such passkey")
        return found

    async def remove(self, account: str, passkey: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(passkeys).where(passkeys.c.account == account, passkeys.c.id == passkey))
            await forget_idle_recovery_codes(connection, account)

    # --- signing in with one ---------------------------------------------------------------------------------

    async def options_to_sign_in(self) -> dict[str, Any]:
        """What `navigator.credentials.get` is asked for: any passkey for this host."""
        webauthn, structs = await _library()
        options = webauthn.generate_authentication_options(
            rp_id=self._require_host(),
            challenge=self._challenges.new(),
            timeout=CHALLENGE_S * 1000,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
        return found

    async def sign_in(self, credential: str) -> str:
        """Whose passkey answered; the account's name. Refusal 401 for anything else, in the same words."""
        webauthn, _ = await _library()
        host = self._require_host()
        try:
            parsed = webauthn.helpers.parse_authentication_credential_json(_bounded(credential))
            client = webauthn.helpers.parse_client_data_json(parsed.response.client_data_json)
            challenge = self._challenges.use(client.challenge)
        except Exception:  # noqa: BLE001 - as in `add`
            raise _not_known() from None
        async with self._database.read() as connection:
            query = select(passkeys).where(passkeys.c.credential == parsed.raw_id)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise _not_known()
        try:
            proven = webauthn.verify_authentication_response(
                credential=parsed,
                expected_challenge=challenge,
                expected_rp_id=host,
                expected_origin=self._origin,
                credential_public_key=row.public_key,
                # A count that does not rise is a copied key: refused in there.
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except Exception:  # noqa: BLE001 - as in `add`
            raise _not_known() from None
        async with self._database.write() as connection:
            used = await connection.execute(
                update(passkeys)
                .where(passkeys.c.id == row.id, passkeys.c.sign_count == row.sign_count)
                .values(sign_count=proven.new_sign_count, last_used_at=self._now())
            )
        if used.rowcount != 1:
            raise _not_known()  # removed, or used by somebody else, in this very moment
        return str(row.account)

    def _require_host(self) -> str:
        if self._host is None:
            raise Refusal(
                409,
                "passkeys need an address with a name",
                got=self._origin,
                hint="Browsers keep none for numbers: use https://desk.example.org, or http://localhost on trial.",
            )
        return self._host


async def _library() -> tuple[ModuleType, ModuleType]:
    """webauthn and its structures. Reading them in takes a second, once: in a thread, and only where somebody asks."""
    library = await asyncio.to_thread(importlib.import_module, "webauthn")
    return library, library.helpers.structs


def _bounded(credential: str) -> str:
    if len(credential) > CREDENTIAL_MAX_CHARS:
        raise ValueError("too long")
    return credential


def _not_taken(why: str) -> Refusal:
    return Refusal(422, "this passkey could not be taken", got=why[:200], hint="Try again, or use another key.")


def _not_known() -> Refusal:
    return Refusal(401, "this passkey does not sign in here", hint="Try again, or sign in with your password.")


def _passkey(row: Any) -> Passkey:
    return Passkey(row.id, row.account, row.name, row.made_at, row.last_used_at)
