"""Which applications beside us are watched here, and by whose wish.

    owner          `watch add`: signed with the owner's key, for this device; read again as if a stranger had sent it
    organisation   in its signed pack (a text `watch-NAME`): logs below /var/log, services, programs, versions

The organisation's wish alone reads nothing that this program does not read anyway: the settings of an application are
read only where the owner has signed a watch that names them. The owner's watch takes the place of the organisation's
of the same name; one that the owner has removed stays away, whatever a pack says. No signature opens a file outside of
the fixed folders (diagnostics/machine/roots.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.clocks import Clocks
from agent.identity.owner_key import OwnerKey
from agent.refusal import Refusal
from agent.store.database import Database
from diagnostics.vendors.application import (
    WATCHES_MAX,
    Application,
    WrongApplication,
    check_application,
    packed_applications,
    parse_application,
)
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.owner import VendorWatch
from protocol.statements import Envelope, verify

#: What a row says when nothing is signed: the owner does not want it watched.
_REFUSED: Final = None


class Wish(StrEnum):
    OWNER = "owner"
    ORGANISATION = "organisation"


@dataclass(frozen=True)
class Watched:
    """`application`: as it is watched, its settings cut where the owner has not agreed. `settings_offered`: those that
    the organisation names and nobody reads; `since`: when the owner signed it, None for the organisation's."""

    application: Application
    wish: Wish
    settings_offered: tuple[str, ...] = ()
    since: int | None = None


@dataclass(frozen=True)
class WatchList:
    """`refused`: names that the owner has removed; `unused`: what is not watched although somebody wrote it down."""

    watched: tuple[Watched, ...] = ()
    refused: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def applications(self) -> tuple[Application, ...]:
        return tuple(each.application for each in self.watched)


def watch_list(
    signed: Mapping[str, tuple[Application, int]],
    refused: frozenset[str],
    packed: Mapping[str, str],
    unused: tuple[str, ...] = (),
) -> WatchList:
    """Pure. `signed`: the owner's, each with when; `packed`: the texts of the organisation's pack by id."""
    offered, wrong = packed_applications(packed.items())
    found = [Watched(application, Wish.OWNER, since=at) for application, at in signed.values()]
    found += [
        Watched(each.without_settings(), Wish.ORGANISATION, settings_offered=each.config_files)
        for each in offered
        if each.application not in signed and each.application not in refused
    ]
    found.sort(key=lambda each: (each.wish is not Wish.OWNER, each.application.application))
    over = tuple(f"{each.application.application}: {WATCHES_MAX} others come before it" for each in found[WATCHES_MAX:])
    return WatchList(tuple(found[:WATCHES_MAX]), tuple(sorted(refused)), (*unused, *wrong, *over))


class Watches:
    """The owner's watches as they are kept; `packed`: the organisation's pack as it was accepted."""

    def __init__(
        self,
        database: Database,
        owner: OwnerKey,
        clocks: Clocks,
        *,
        device: str,
        packed: Callable[[], Mapping[str, str]],
    ) -> None:
        self._database = database
        self._owner = owner
        self._clocks = clocks
        self._device = device
        self._packed = packed

    def list(self) -> WatchList:
        """What is watched now. A row that does not hold is not used and named."""
        signed: dict[str, tuple[Application, int]] = {}
        unused: list[str] = []
        rows = self._database.query("SELECT application, version, envelope FROM vendor_watches ORDER BY application")
        for row in rows:
            if row["envelope"] is _REFUSED:
                continue
            try:
                body = self._verified(row["application"], row["version"], row["envelope"])
                signed[row["application"]] = (_application(body), body.issued_at)
            except (ProtocolError, Refusal, WrongApplication) as error:
                unused.append(f"{row['application']}: {error}"[:300])
        refused = frozenset(row["application"] for row in rows if row["envelope"] is _REFUSED)
        return watch_list(signed, refused, self._packed(), tuple(unused))

    def add(self, text: str) -> Application:
        """The owner wants this watched, settings included. Refusal for what no watch may name."""
        application = _parsed(text)
        mine = [each for each in self.list().watched if each.wish is Wish.OWNER]
        if len(mine) >= WATCHES_MAX and application.application not in {each.application.application for each in mine}:
            raise Refusal(
                "too many applications are watched here",
                expected=f"at most {WATCHES_MAX}",
                got=str(len(mine)),
                hint="bellpull-agent watch remove NAME",
            )
        try:
            body = VendorWatch(
                device=self._device,
                version=self._version(application.application) + 1,
                issued_at=self._clocks.wall(),
                application=application.application,
                title=application.title,
                log_files=application.log_files,
                config_files=application.config_files,
                services=application.services,
                processes=application.processes,
                packages=application.packages,
            )
        except ValueError as error:
            raise Refusal(
                "this watch cannot be signed", expected="names and paths within their limits", got=str(error)[:300]
            ) from None
        self._keep(application.application, body.version, self._owner.sign(body))
        return application

    def offered(self, name: str) -> str | None:
        """The organisation's own text of a watch, if its pack has one that holds."""
        text = self._packed().get(f"watch-{name}")
        found, _ = packed_applications([] if text is None else [(f"watch-{name}", text)])
        return text if found else None

    def remove(self, name: str) -> Watched:
        """Not watched from now on, by nobody's wish; returns what was. Refusal when nothing of that name is."""
        for each in self.list().watched:
            if each.application.application == name:
                self._keep(name, self._version(name) + 1, _REFUSED)
                return each
        raise Refusal(
            "no such application is watched here",
            expected="a name of bellpull-agent watch list",
            got=name[:60],
        )

    def _version(self, name: str) -> int:
        """The highest there ever was: it goes on rising past a removal, so that no older watch comes back."""
        rows = self._database.query("SELECT version FROM vendor_watches WHERE application = ?", (name,))
        return int(rows[0]["version"]) if rows else 0

    def _verified(self, name: str, version: int, envelope: bytes) -> VendorWatch:
        key = self._owner.verify_key()
        if key is None:
            raise Refusal("the owner's key is gone", expected="identity/owner.key in the state folder", got="no file")
        body = verify(Envelope.parse(envelope), VendorWatch, key).body
        for what, expected, got in (
            ("device", self._device, body.device),
            ("application", name, body.application),
            ("version", str(version), str(body.version)),
        ):
            if expected != got:
                raise RemoteProtocolError(f"the watch names another {what}", expected=expected, got=got)
        return body

    def _keep(self, name: str, version: int, envelope: Envelope | None) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO vendor_watches VALUES (?, ?, ?) ON CONFLICT (application) DO UPDATE "
                "SET version = excluded.version, envelope = excluded.envelope WHERE excluded.version > version",
                (name, version, _REFUSED if envelope is None else envelope.to_bytes()),
            )


def _application(body: VendorWatch) -> Application:
    found = Application(
        body.application,
        body.title,
        body.log_files,
        body.config_files,
        body.services,
        body.processes,
        body.packages,
    )
    check_application(found)
    return found


def _parsed(text: str) -> Application:
    try:
        return parse_application(text)
    except WrongApplication as error:
        raise Refusal(
            "this cannot be watched",
            expected="one application's logs below /var/log, settings in its own folder, services and programs",
            got=str(error)[:400],
            hint="bellpull-agent watch --help shows what a watch may name.",
        ) from None
