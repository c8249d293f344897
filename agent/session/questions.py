"""Second questions inside a visit: a fix that changes something, the way back from one, a bundle that would be sent.

    action ── ask(…) ──► pending ──► the customer's page or command line shows exactly this text
    action ◄── Agreed | None ────── answer(id, yes, hash of the text shown)     or 120 s pass, or the visit ends: no

The visit's own consent is not enough for these: the customer agrees to exactly the steps they have read. A process of
the session can neither answer nor see them as its own; Stop takes every open one away, and silence is a no.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from agent.clocks import Clocks
from agent.consent.verbs import PromptId, user_name
from agent.event_log import EventLog
from agent.local.verbs import NoArguments, Peer, Verb
from agent.refusal import Refusal
from protocol.fields import Bytes32, encode_base64, sha256
from protocol.limits import CONSENT_TIMEOUT_S
from protocol.strict_json import WireModel

_LOOK_S: Final = 1.0
BundlePath = Annotated[str, Field(max_length=400)]


class QuestionKind(StrEnum):
    REMEDY = "remedy"
    UNDO = "undo"
    BUNDLE = "bundle"


@dataclass(frozen=True)
class Asked:
    """`technician` and `organisation`: of the verified certificate. `reason`: the technician's words, to be quoted."""

    kind: QuestionKind
    technician: str
    organisation: str
    title: str
    text: str
    steps: tuple[str, ...] = ()
    risk: int = 2
    reason: str = ""
    preview: Mapping[str, object] | None = None

    def whole(self) -> str:
        """The exact text that is agreed to."""
        lines = [f"{self.technician} of {self.organisation} asks: {self.title}", self.text]
        if self.reason:
            lines.append(f"They say: “{self.reason}”")
        lines += [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True)
class Agreed:
    by: str
    untick_paths: tuple[str, ...] = ()
    untick_categories: tuple[str, ...] = ()


@dataclass
class _Pending:
    id: str
    asked: Asked
    asked_boot_s: float
    answer: "asyncio.Future[Agreed | None]" = field(repr=False, kw_only=True)

    @property
    def text_sha256(self) -> bytes:
        return sha256(self.asked.whole().encode())


class AnswerArguments(WireModel):
    """`text_sha256`: of the text that was shown; needed for a yes. `untick_*`: what stays out of a bundle."""

    id: PromptId
    yes: bool
    text_sha256: Bytes32 | None = None
    untick_paths: Annotated[tuple[BundlePath, ...], Field(max_length=500)] = ()
    untick_categories: Annotated[tuple[BundlePath, ...], Field(max_length=50)] = ()


class Questions:
    """One for the service."""

    def __init__(self, clocks: Clocks, *, log: EventLog) -> None:
        self._clocks = clocks
        self._log = log
        self._pending: dict[str, _Pending] = {}
        self._count = 0

    async def ask(self, asked: Asked) -> Agreed | None:
        """The customer's yes, or None for no, for silence. Cancelled: the visit is over, the question goes away."""
        self._count += 1
        pending = _Pending(
            str(self._count), asked, self._clocks.boot(), answer=asyncio.get_running_loop().create_future()
        )
        self._pending[pending.id] = pending
        self._log.info("a-visit-asks-again", question=pending.id, kind=asked.kind.value)
        try:
            while not pending.answer.done():
                await asyncio.wait({pending.answer}, timeout=_LOOK_S)
                if self._left_s(pending) <= 0 and not pending.answer.done():
                    pending.answer.set_result(None)
            return pending.answer.result()
        finally:
            del self._pending[pending.id]

    def pending(self) -> list[dict[str, object]]:
        return [self._value(each) for each in self._pending.values() if not each.answer.done()]

    def answer(self, arguments: AnswerArguments, local_user: str) -> bool:
        """Whether it was a yes. Raises Refusal for one that does not count."""
        pending = self._pending.get(arguments.id)
        if pending is None or pending.answer.done() or self._left_s(pending) <= 0:
            raise Refusal(
                "there is no such open question",
                expected=", ".join(self._pending) or "none: nothing is asked now",
                got=arguments.id,
                hint="It may have been answered, or 120 seconds have passed. List them: bellpull-agent questions",
            )
        if not arguments.yes:
            pending.answer.set_result(None)
            return False
        if arguments.text_sha256 != pending.text_sha256:
            raise Refusal(
                "this yes does not count: another text was shown",
                expected="text_sha256 of the question's text",
                got="none" if arguments.text_sha256 is None else "another",
                hint="Look at the question again: bellpull-agent questions",
            )
        pending.answer.set_result(Agreed(local_user[:120], arguments.untick_paths, arguments.untick_categories))
        return True

    def _left_s(self, pending: _Pending) -> float:
        return CONSENT_TIMEOUT_S - (self._clocks.boot() - pending.asked_boot_s)

    def _value(self, pending: _Pending) -> dict[str, object]:
        asked = pending.asked
        return {
            "id": pending.id,
            "kind": asked.kind.value,
            "technician": asked.technician,
            "organisation": asked.organisation,
            "title": asked.title,
            "text": asked.whole(),
            "text_sha256": encode_base64(pending.text_sha256),
            "steps": list(asked.steps),
            "risk": asked.risk,
            "expires_in_s": max(0, int(self._left_s(pending))),
            "preview": None if asked.preview is None else dict(asked.preview),
        }

    # --- local verbs ---------------------------------------------------------------------------------------------

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("question-list", NoArguments, self._list),
            Verb("question-answer", AnswerArguments, self._answer, refused_to_sessions=True),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        return {"questions": self.pending()}

    async def _answer(self, arguments: AnswerArguments, peer: Peer) -> object:
        return {"answered": self.answer(arguments, user_name(peer.uid))}
