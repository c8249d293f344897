"""Keeps the pinned root and the published documents; what it holds in memory is what is on disk.

A root is pinned once, with a one-use code, and replaced only by a rotation that both roots signed. Documents are
verified and kept above their floors as a device would: a stolen server token cannot publish anything.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import select, update

from protocol import strict_json
from protocol.certificates import Chain, Document, RootRotation
from protocol.enrolment import EnrolmentToken
from protocol.errors import RemoteProtocolError
from protocol.messages.api import DocumentsPush, PinRequest
from protocol.statements import Envelope, VerifyKey, parse_payload
from protocol.trust import Floor, Trust, documents_version
from server.clock import Clock
from server.organisation.model import documents, organisation, rotations, setup_codes
from server.organisation.rules import check_document_size, trust_to_pin
from server.refusal import Refusal
from server.storage.engine import Database
from server.tokens import new_setup_code, token_hash


class OrganisationStore:
    """`trust`: none until a root is pinned. Read it anew each time: it changes when documents arrive."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now
        self._changing = asyncio.Lock()
        self.trust: Trust | None = None
        self.name: str | None = None
        self.rotations: tuple[Envelope, ...] = ()

    async def load(self) -> None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(organisation))).one_or_none()
            kept = (await connection.execute(select(documents))).all()
            turned = (await connection.execute(select(rotations.c.envelope).order_by(rotations.c.sequence))).scalars()
            self.rotations = tuple(Envelope.parse(text.encode()) for text in turned)
        if row is None:
            return
        self.name = row.name
        self.trust = Trust(
            root=VerifyKey(row.trusted_root),
            rotation_sequence=row.rotation_sequence,
            floors={each.name: Floor(each.version, each.statement_hash) for each in kept},
            documents={
                each.name: Document.model_validate_json(each.document) for each in kept if each.document is not None
            },
        )

    def require_trust(self) -> Trust:
        if self.trust is None:
            raise Refusal(
                503,
                "no organisation is pinned on this server yet",
                expected="bellpull org pin, with the code that bellpull-server init printed",
                hint="An administrator finishes the set-up first.",
            )
        return self.trust

    def was_root(self, root: bytes) -> bool:
        """Whether `root` was pinned here before a rotation."""
        return any(parse_payload(each, RootRotation).old_root == root for each in self.rotations)

    def rotations_after(self, root: bytes) -> tuple[Envelope, ...]:
        """What a device that has pinned `root` needs to follow; nothing when that is the root of now."""
        for at, each in enumerate(self.rotations):
            if parse_payload(each, RootRotation).old_root == root:
                return self.rotations[at:]
        return ()

    def check_token_root(self, chain: Chain) -> None:
        """A token of a root that was left says so, rather than that its signature does not verify."""
        if self.was_root(parse_payload(chain.leaf, EnrolmentToken).root):
            raise RemoteProtocolError(
                "this enrolment token was made before the organisation changed its root key",
                expected="a token made since",
                got="one of the root that was left",
                hint="Ask the support organisation for a new one: bellpull org enrol-token --customer NAME",
            )

    @property
    def versions(self) -> dict[str, int]:
        return {} if self.trust is None else documents_version(self.trust)

    async def new_setup_code(self) -> str:
        """A one-use code for pinning the root. Older codes end: only the newest works."""
        if self.trust is not None:
            raise Refusal(409, "an organisation is pinned on this server already", expected="none yet", got="one")
        code = new_setup_code()
        async with self._database.write() as connection:
            await connection.execute(setup_codes.delete())
            await connection.execute(setup_codes.insert().values(code_hash=token_hash(code), made_at=self._now()))
        return code

    async def pin(self, request: PinRequest) -> Trust:
        """Pin the root for ever. Refused when one is pinned, or when the code is wrong or used."""
        async with self._changing:
            trust = trust_to_pin(request, self._now())
            async with self._database.write() as connection:
                if (await connection.execute(select(organisation.c.id))).one_or_none() is not None:
                    raise Refusal(409, "an organisation is pinned on this server already", expected="none", got="one")
                used = await connection.execute(
                    update(setup_codes)
                    .where(setup_codes.c.code_hash == token_hash(request.setup_code), setup_codes.c.used_at.is_(None))
                    .values(used_at=self._now())
                )
                if used.rowcount != 1:
                    raise Refusal(
                        403,
                        "this set-up code is not valid",
                        expected="the code that bellpull-server init printed, not used yet",
                        hint="Make a new one: bellpull-server organisation-code --data DIR",
                    )
                await connection.execute(
                    organisation.insert().values(
                        id=1,
                        name=request.organisation,
                        trusted_root=request.root_key,
                        rotation_sequence=request.rotations,
                        pinned_at=self._now(),
                    )
                )
            self.trust, self.name = trust, request.organisation
            return trust

    async def publish(
        self, push: DocumentsPush, write_down: Callable[[tuple[Document, ...]], Awaitable[None]]
    ) -> tuple[Document, ...]:
        """Take rotations, then documents; all or nothing. Returns those documents that were new.

        `write_down` is called with them once they are proven and before anything is kept or handed out.
        """
        async with self._changing:
            trust = before = self.require_trust()
            for envelope in push.rotations:
                trust = trust.rotate(envelope)
            # What the root itself signed comes first: nothing else is believed before it.
            for document in sorted(push.documents, key=lambda each: each.issuer is not None):
                check_document_size(document)
                trust = trust.accept(document, self._now())
            if trust is before:
                return ()
            new = tuple(document for document in push.documents if document not in before.documents.values())
            await write_down(new)
            await self._keep(before, trust, push.rotations)
            self.trust = trust
            self.rotations = (*self.rotations, *push.rotations)
            return new

    async def _keep(self, before: Trust, trust: Trust, turned: tuple[Envelope, ...]) -> None:
        async with self._database.write() as connection:
            for at, envelope in enumerate(turned, start=before.rotation_sequence + 1):
                text = strict_json.dump(envelope).decode()
                await connection.execute(rotations.insert().values(sequence=at, envelope=text))
            if turned:
                await connection.execute(documents.delete())  # floors too: those of the new root are written below
            await connection.execute(
                organisation.update().values(trusted_root=trust.root.public, rotation_sequence=trust.rotation_sequence)
            )
            for name, floor in trust.floors.items():
                kept = trust.documents.get(name)
                values = {
                    "name": name,
                    "version": floor.version,
                    "statement_hash": floor.hash,
                    "document": None if kept is None else strict_json.dump(kept).decode(),
                    "stored_at": self._now(),
                }
                insert = self._database.insert(documents).values(**values)
                await connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=values))
