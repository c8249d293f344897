"""The queue of sealed bundles: asked for on the link, carried by a child, gone from this disk when the server has it.

waiting ──► upload-request ──► upload-granted ──► child ──► done
                          └──► upload-refused ──► refused, with the reason, shown by `status`
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row
from typing import Final

from agent.children import run_child
from agent.clocks import Clocks
from agent.event_log import EventLog
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.upload import Job, Result, UploadOutcome
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from agent.store.kept_values import KeptValues
from diagnostics.strict_json import StrictJsonError, decode, dump_json, encode, load_json
from protocol.limits import UPLOAD_TOKEN_S
from protocol.messages.uploads import UploadGranted, UploadRefused, UploadRequest
from protocol.strict_json import WireModel

_ANSWER_S: Final = 30.0
_RETRY_FIRST_S: Final = 30.0
_RETRY_MAX_S: Final = 3600.0
# Bundles kept for a server that does not take them: five at the hard cap are 160 MiB.
WAITING_MAX: Final = 5
_LAST_UPLOAD: Final = "last-upload-unix-s"

Carry = Callable[[Job], Awaitable[UploadOutcome]]


@dataclass(frozen=True)
class UploadView:
    id: str
    ticket: str
    size_bytes: int
    state: str
    attempts: int
    reason: str


async def carry(job: Job) -> UploadOutcome:
    """In a child: HTTP costs 20 MB that the idle service does without."""
    answer = await run_child(
        "agent.link.upload", dump_json(encode(job)).encode(), timeout_s=UPLOAD_TOKEN_S, answer_max_bytes=64 * 1024
    )
    if answer.exit_code != 0:
        raise Refusal(
            "the upload program failed",
            expected="exit code 0",
            got=answer.stderr[-200:].decode("utf-8", "replace"),
        )
    return decode(UploadOutcome, load_json(answer.stdout))


class Uploads:
    def __init__(
        self,
        database: Database,
        identity: Identity,
        trust: TrustStore,
        link: Link,
        clocks: Clocks,
        *,
        log: EventLog,
        carry: Carry = carry,
    ) -> None:
        self._database = database
        self._identity = identity
        self._trust = trust
        self._link = link
        self._clocks = clocks
        self._log = log
        self._carry = carry
        self._kept = KeptValues(database)
        self._work = asyncio.Event()

    def add(self, upload_id: str, *, ticket: str, case: str, file: Path, sha256: bytes, size_bytes: int) -> None:
        """Queue a sealed file. It belongs to the queue from here on and is deleted when the server has it."""
        if len([view for view in self.views() if view.state == "waiting"]) >= WAITING_MAX:
            raise Refusal(
                "too many bundles wait to be sent",
                expected=f"at most {WAITING_MAX}",
                got=str(WAITING_MAX),
                hint="They go as soon as the server is reached: bellpull-agent status",
            )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO uploads (id, ticket, case_id, path, sha256, size_bytes, queued_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (upload_id, ticket, case, str(file), sha256, size_bytes, self._clocks.wall()),
            )
        self._work.set()

    def views(self) -> Sequence[UploadView]:
        rows = self._database.query("SELECT * FROM uploads ORDER BY queued_at DESC, id DESC LIMIT 50")
        return [
            UploadView(row["id"], row["ticket"], row["size_bytes"], row["state"], row["attempts"], row["reason"])
            for row in rows
        ]

    def waiting_files(self) -> set[str]:
        """Sealed files that belong to this queue; any other in their folder was never promised to anybody."""
        rows = self._database.query("SELECT path FROM uploads WHERE state = 'waiting'")
        return {str(row["path"]) for row in rows}

    @property
    def last_upload_at(self) -> int | None:
        return self._kept.get_int(_LAST_UPLOAD) or None

    def wake(self) -> None:
        self._work.set()

    async def run(self) -> None:
        """Carry one after the other until cancelled; wait when there is nothing, or nobody to carry to."""
        failures = 0
        while True:
            waiting = self._next_waiting()
            pause: float | None = None
            if waiting is not None:
                try:
                    failures = 0 if await self._one(waiting) else failures + 1
                except (Refusal, StrictJsonError) as error:
                    failures += 1
                    self._note_failure(waiting, str(error))
                pause = min(_RETRY_FIRST_S * 2.0 ** min(failures - 1, 10), _RETRY_MAX_S) if failures else 0.0
            self._work.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._work.wait()
            except TimeoutError:
                continue

    def _next_waiting(self) -> Row | None:
        rows = self._database.query(
            "SELECT rowid AS number, * FROM uploads WHERE state = 'waiting' ORDER BY attempts, queued_at LIMIT 1"
        )
        return rows[0] if rows else None

    async def _one(self, row: Row) -> bool:
        """One attempt; True when this upload is over (done or refused)."""
        if not _is_there(row["path"]):
            self._end(row, "refused", "the sealed file is not on this disk any more")
            return True
        if self._trust.trust.recipients(self._clocks.wall()) is None:
            raise Refusal("the organisation's recipients have expired", expected="current ones", got="none")
        try:
            asked = UploadRequest(
                id=row["id"],
                ticket=row["ticket"],
                case=row["case_id"],
                size_bytes=row["size_bytes"],
                sha256=row["sha256"],
            )
        except ValueError:
            # Not ours to guess what it was; the file cannot be offered to anybody without it.
            self._end(row, "refused", "damaged on this disk before it could be sent")
            return True
        about = _about(asked.id)
        answer = await self._link.ask_any(asked, {UploadGranted: about, UploadRefused: about}, _ANSWER_S)
        if isinstance(answer, UploadRefused):
            self._end(row, "refused", answer.reason)
            return True
        if not isinstance(answer, UploadGranted):
            raise TypeError(f"ask_any answered {type(answer).__name__}")
        outcome = await self._carry(
            Job(self._identity.origin, answer.path, answer.token, row["path"], int(row["size_bytes"]))
        )
        match outcome.result:
            case Result.COMPLETE:
                self._kept.put(_LAST_UPLOAD, self._clocks.wall())
                self._end(row, "done", "")
                self._log.info("upload-done", upload=asked.id, sent_bytes=outcome.sent_bytes)
            case Result.REFUSED:
                self._end(row, "refused", outcome.reason)
            case Result.LATER:
                self._note(row, "waiting", outcome.reason)
                return False
        return True

    def _note_failure(self, row: Row, reason: str) -> None:
        try:
            self._note(row, "waiting", reason)
        except NotWritten as full:
            # It stays as it is and is tried again; on a full disk the log may not take this either.
            self._log.warning("upload-not-noted", upload=row["id"], reason=str(full))

    def _end(self, row: Row, state: str, reason: str) -> None:
        self._note(row, state, reason)
        if _is_there(row["path"]):
            Path(row["path"]).unlink(missing_ok=True)

    def _note(self, row: Row, state: str, reason: str) -> None:
        shown = "".join(character if character.isprintable() else "·" for character in reason)[:300]
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE uploads SET state = ?, reason = ?, attempts = attempts + 1, ended_at = ? WHERE rowid = ?",
                (state, shown, None if state == "waiting" else self._clocks.wall(), row["number"]),
            )
        if state == "refused":
            self._log.warning("upload-refused", upload=row["id"])


def _is_there(path: str) -> bool:
    """A path that no file can have is damaged, and nothing is there."""
    try:
        return Path(path).is_file()
    except ValueError:
        return False


def _about(upload_id: str) -> Callable[[WireModel], bool]:
    return lambda message: getattr(message, "id", None) == upload_id
