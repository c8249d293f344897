"""Asking for help: the customer's words, what the checks found, and a bundle they have seen before it goes.

ask-preview ──► what a bundle would hold        ask-show ──► one file of it, as it would be sent
ask-send    ──► bundle sealed to disk ──► ticket, sealed evidence and upload queued in one transaction
ask-add     ──► the same for a ticket that is there already: a technician's signed message has asked for it
ask-drop    ──► nothing was ever written
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agent.bundles.sealing import Sealing
from agent.bundles.talk import BundleRequest, WriteOrder, Written
from agent.bundles.writer import BundleWriter
from agent.clocks import Clocks
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.uploads import Uploads
from agent.local.verbs import NoArguments, Peer, Verb
from agent.refusal import Refusal
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.tickets.automatic import reason_of
from agent.tickets.store import OwnTicket, TicketStore
from agent.uuid7 import uuid7
from agent.watch.finding_store import PAST, FindingStore
from diagnostics.machine.own_use import AgentState
from diagnostics.vendors.application import Application
from protocol import strict_json
from protocol.fields import Uuid, Words
from protocol.limits import BUNDLE_HARD_CAP_BYTES, WORDS_MAX_CHARS
from protocol.statements import StatementName
from protocol.strict_json import WireModel
from protocol.tickets import BundleSeal, BundleSignature, TicketOrigin

BundlePath = Annotated[str, Field(max_length=400)]


class OfPreview(WireModel):
    preview: Uuid


class ShowFile(OfPreview):
    path: BundlePath


class Add(OfPreview):
    """What was previewed, for a ticket that is open already."""

    ticket: Uuid
    untick_paths: Annotated[list[BundlePath], Field(max_length=500)] = Field(default_factory=list)
    untick_categories: Annotated[list[BundlePath], Field(max_length=50)] = Field(default_factory=list)


class Send(WireModel):
    """`preview` None: no bundle, the words and the findings alone. `finding`: the fingerprint it is about."""

    words: Annotated[Words, Field(max_length=WORDS_MAX_CHARS)]
    preview: Uuid | None = None
    untick_paths: Annotated[list[BundlePath], Field(max_length=500)] = Field(default_factory=list)
    untick_categories: Annotated[list[BundlePath], Field(max_length=50)] = Field(default_factory=list)
    finding: Annotated[str, Field(max_length=2000)] | None = None


@dataclass(frozen=True)
class SealedBundle:
    """A finished file that waits to be queued."""

    id: str
    file: Path
    written: Written


class Asking:
    def __init__(
        self,
        database: Database,
        identity: Identity,
        trust: TrustStore,
        tickets: TicketStore,
        uploads: Uploads,
        findings: FindingStore,
        sealing: Sealing,
        writer: BundleWriter,
        clocks: Clocks,
        *,
        folder: Path,
        agent: Callable[[], AgentState],
        applications: Callable[[], tuple[Application, ...]] = tuple,
        never: tuple[str, ...] = (),
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._identity = identity
        self._trust = trust
        self._tickets = tickets
        self._uploads = uploads
        self._findings = findings
        self._sealing = sealing
        self._writer = writer
        self._clocks = clocks
        self._folder = folder
        self._agent = agent
        self._applications = applications
        self._never = never
        self._hurry = hurry

    def verbs(self) -> Sequence[Verb[Any]]:
        return (
            Verb("ask-preview", NoArguments, self.preview, refused_to_sessions=True),
            Verb("ask-show", ShowFile, self.show, refused_to_sessions=True),
            Verb("ask-drop", OfPreview, self.drop, refused_to_sessions=True),
            Verb("ask-send", Send, self.send, refused_to_sessions=True),
            Verb("ask-add", Add, self.add, refused_to_sessions=True),
        )

    async def preview(self, _: NoArguments, peer: Peer) -> object:
        return await self.previewed()

    async def previewed(self) -> dict[str, object]:
        """What a bundle would hold now; nothing is written. `preview` names it until the next one, or `forget`."""
        versions = self._trust.trust.floors.get(StatementName.KNOWN_ISSUE_PACK)
        prepared = await self._writer.prepare(
            BundleRequest(
                id=uuid7(),
                now=self._clocks.wall(),
                secret=self._identity.secret.hex(),
                findings=tuple(entry.finding for entry in self._findings.all()),
                pack_versions={} if versions is None else {StatementName.KNOWN_ISSUE_PACK.value: versions.version},
                never=self._never,
                agent=self._agent(),
                past=KeptValues(self._database).get(PAST) or "",
                applications=self._applications(),
            )
        )
        recipients = self._trust.trust.recipients(self._clocks.wall())
        return {
            "preview": prepared.id,
            "recipients": [] if recipients is None else [recipient.name for recipient in recipients.recipients],
            **prepared.preview,
        }

    async def show(self, arguments: ShowFile, peer: Peer) -> object:
        return {"content": await self._writer.show(arguments.preview, arguments.path)}

    async def drop(self, arguments: OfPreview, peer: Peer) -> object:
        await self.forget(arguments.preview)
        return {}

    async def forget(self, preview: str) -> None:
        await self._writer.drop(preview)

    async def add(self, arguments: Add, peer: Peer) -> object:
        """The customer's yes to a bundle that a technician asked for, or that they thought of later."""
        if not self._tickets.known(arguments.ticket).is_open:
            raise Refusal("this ticket is over", expected="an open ticket", got=arguments.ticket)
        bundle = await self.add_to_ticket(
            arguments.ticket,
            arguments.preview,
            untick_paths=arguments.untick_paths,
            untick_categories=arguments.untick_categories,
        )
        return {"ticket": arguments.ticket, "bundle": {"id": bundle.id, **_told(bundle.written)}}

    async def add_to_ticket(
        self, ticket: str, preview: str, *, untick_paths: Sequence[str] = (), untick_categories: Sequence[str] = ()
    ) -> SealedBundle:
        """Seal what was previewed and queue it for a ticket that is there already; the customer has agreed."""
        own = self._tickets.get(ticket)
        if own is None:
            raise Refusal("there is no such ticket here", expected="a ticket of this device", got=ticket[:40])
        order = Send(
            words="",
            preview=preview,
            untick_paths=list(untick_paths),
            untick_categories=list(untick_categories),
        )
        bundle = await self._seal_bundle(preview, order)
        try:
            self._queue(bundle, own)
        except Refusal:
            bundle.file.unlink(missing_ok=True)
            raise
        self._hurry()
        return bundle

    def _queue(self, bundle: SealedBundle, ticket: OwnTicket) -> None:
        with self._database.transaction():
            self._uploads.add(
                bundle.id,
                ticket=ticket.ticket,
                case=ticket.case,
                file=bundle.file,
                sha256=bytes.fromhex(bundle.written.sha256),
                size_bytes=bundle.written.bytes,
            )
            self._tickets.evidence_sent(ticket.ticket)

    async def send(self, arguments: Send, peer: Peer) -> object:
        reason = self._reason(arguments)
        if not arguments.words.strip() and reason is None:
            raise Refusal(
                "there is nothing to ask",
                expected="some words, or a finding",
                got="neither",
                hint='bellpull-agent ask "The screen stays dark."',
            )
        evidence = await self._sealing.evidence(reason, self._findings.visible(), self._findings.check_runs())
        bundle = None if arguments.preview is None else await self._seal_bundle(arguments.preview, arguments)
        try:
            with self._database.transaction():
                opened = self._open(arguments, None if reason is None else reason_of(reason), evidence)
                if bundle is not None:
                    self._queue(bundle, opened)
        except Refusal:
            if bundle is not None:
                bundle.file.unlink(missing_ok=True)
            raise
        self._tickets.local_act()
        self._hurry()
        return {
            "ticket": opened.ticket,
            "case": opened.case,
            "evidence_sealed": evidence is not None,
            "bundle": None if bundle is None else {"id": bundle.id, **_told(bundle.written)},
        }

    def _reason(self, arguments: Send) -> Any:
        if arguments.finding is None:
            return None
        found = self._findings.get(arguments.finding)
        if found is None:
            raise Refusal(
                "there is no such finding",
                expected="a fingerprint of bellpull-agent status",
                got=arguments.finding[:120],
            )
        return found

    def _open(self, arguments: Send, reason: Any, evidence: bytes | None) -> OwnTicket:
        existing = None if reason is None else self._tickets.open_for(reason.fingerprint)
        if existing is not None:
            if arguments.words.strip():
                self._tickets.say(existing.ticket, arguments.words)
            return existing
        return self._tickets.open(
            origin=TicketOrigin.CUSTOMER,
            words=arguments.words,
            finding=reason,
            sealed=() if evidence is None else (evidence,),
        )

    async def _seal_bundle(self, preview: str, arguments: Send) -> SealedBundle:
        recipients = self._sealing.recipients()
        if not recipients:
            raise Refusal(
                "a bundle cannot be sealed now",
                expected="recipients that the organisation has published",
                got="none in force",
                hint="Send your words without it (--no-bundle); it can follow later.",
            )
        file = self._folder / f"{preview}.tar.zst.age"
        order = WriteOrder(
            path=str(file),
            recipients=recipients,
            signed=True,
            untick_paths=tuple(arguments.untick_paths),
            untick_categories=tuple(arguments.untick_categories),
        )
        written = await self._writer.write(preview, order, self._sign)
        if written.bytes > BUNDLE_HARD_CAP_BYTES:
            file.unlink(missing_ok=True)
            raise Refusal(
                "the bundle is too large to send",
                expected=f"at most {BUNDLE_HARD_CAP_BYTES} bytes",
                got=f"{written.bytes} bytes",
                hint="Leave a category out, for example --leave-out logs",
            )
        return SealedBundle(preview, file, written)

    def _sign(self, bundle: str, root: bytes) -> bytes:
        return bundle_seal(self._identity, self._trust, bundle, root, self._clocks.wall())


def bundle_seal(identity: Identity, trust: TrustStore | None, bundle: str, root: bytes, now: int) -> bytes:
    """The bytes of signature.json: this device's statement about this bundle."""
    body = BundleSignature(
        device=identity.device,
        root=identity.token.root if trust is None else trust.trust.root_hash,
        bundle=bundle,
        files_root=root,
        made_at=now,
    )
    return strict_json.dump(
        BundleSeal(
            device=None if trust is None else trust.certificate,
            device_key=identity.signing.public,
            signature=identity.signing.sign(body),
        )
    )


def _told(written: Written) -> dict[str, object]:
    return {
        "bytes": written.bytes,
        "files": written.files,
        "redactions": dict(written.redactions),
        "sha256": written.sha256,
        "sealed": written.sealed,
    }
