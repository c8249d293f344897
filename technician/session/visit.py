"""One visit as the command line and the workbench use it: ask, read the phrase, wait for consent, act, end.

    async with Visit.open(technician, api, device, ticket, scopes, minutes, reason) as visit:
        show(visit.phrase)                        the customer reads the same words
        visit.confirm({2: "harbour", 5: "violin"})   needed only where the device has no certificate
        grant = await visit.granted()             or VisitRefused
        async for row in visit.run("processes", ProcessesArguments()): …
        ended = await visit.end()                 countersigned; the receipt is checked and kept

A lost connection is taken up again by itself (pump.py): `run` and `end` wait meanwhile, plain reads under way go on,
other runs end and say `cut_off` (going_on.py asks for them again), `watch` hears `ConnectionLost` and `WentOn`.

What a caller may do; the wire is pump.py, what the events mean is course.py. What the customer does meanwhile arrives
through `watch`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError
from protocol.grants import Grant
from protocol.limits import CONSENT_TIMEOUT_S, HANDSHAKE_TIMEOUT_S
from protocol.statements import Verified
from protocol.strict_json import WireModel
from technician.api import Api
from technician.clock import now_s
from technician.devices import DeviceFacts
from technician.problems import Problem
from technician.session.asking import begin, the_ask
from technician.session.course import Course
from technician.session.events import Event, PeerGone
from technician.session.initiator import Initiator, VisitAsk
from technician.session.outcome import EndedVisit
from technician.session.pump import Pump
from technician.session.relay_socket import relay_socket
from technician.session.run import Run
from technician.session.transcript import Transcript
from technician.sign_in import Technician

#: The customer has 120 s; the agent answers then, and the answer has to travel.
_GRANT_WAIT_S: Final = CONSENT_TIMEOUT_S + 30
#: The device writes its last journal entries to the log before it makes the receipt.
_RECEIPT_WAIT_S: Final = 30.0
#: Whoever wants to end a visit whose connection is lost waits so long for it to come back.
_END_WAIT_S: Final = 3.0
#: How many words the customer reads out for a device without a certificate.
WORDS_TO_TYPE: Final = 2


class Visit:
    """A visit under way. Made by `open`; leaving the block ends it, however it is left."""

    def __init__(self, initiator: Initiator, course: Course, pump: Pump) -> None:
        self._initiator = initiator
        self._course = course
        self._pump = pump
        self._confirmed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        technician: Technician,
        api: Api,
        device: DeviceFacts,
        ticket: str | None,
        scopes: tuple[Scope, ...],
        minutes: int,
        reason: str,
        *,
        takes_over: bool = False,
        watch: Callable[[Event], None] = lambda event: None,
    ) -> AsyncIterator["Visit"]:
        """Ask the server for a room, shake hands with the device, compare logs. The customer is asked meanwhile.

        `takes_over`: another technician is there, and has named us as the next.
        """
        now = now_s()
        technician.certificate(now)  # expired or revoked: the device need not be asked
        ask = the_ask(technician, device, ticket, scopes, minutes, reason, takes_over=takes_over)
        room = await api.ask_session(device.device, ticket)
        ask = replace(ask, room=room.room)
        initiator = begin(technician, ask)
        transcript = Transcript(technician.home.transcripts, f"{now}-{room.room}")
        async with relay_socket(technician.origin, room) as socket:
            course = Course(technician, api, device, initiator, transcript, watch)
            pump = Pump(technician, api, ticket, initiator, course, socket)
            visit = cls(initiator, course, pump)
            pumping = asyncio.create_task(pump.run())
            try:
                await visit._shake_hands(ask)
                yield visit
            finally:
                await visit._leave(pumping)

    # --- what the caller does ----------------------------------------------------------------------------

    @property
    def device(self) -> DeviceFacts:
        """What is known of the device by now."""
        return self._course.device

    @property
    def transcript(self) -> Transcript:
        return self._course.transcript

    @property
    def phrase(self) -> tuple[str, ...]:
        return self._initiator.phrase

    @property
    def scopes(self) -> frozenset[Scope]:
        """What is allowed now: the grant's scopes less what the customer took back."""
        return self._initiator.scopes

    @property
    def verified(self) -> bool:
        """The device is certified, or the customer has read the right words."""
        return self.device.certified or self._confirmed

    def confirm(self, words: Mapping[int, str]) -> None:
        """Two words of the phrase, by place (1–6), as the customer reads them out. Wrong ones end the visit."""
        if len(words) < WORDS_TO_TYPE:
            raise Problem(f"type {WORDS_TO_TYPE} words of the phrase", got=str(len(words)))
        if any(self.phrase[place - 1] != word.strip().lower() for place, word in words.items()):
            wrong = Problem(
                "these are not the words of this session",
                expected="the words the customer sees",
                got="others",
                hint="Somebody may stand between you and the device. The visit was ended.",
            )
            self._course.fail(wrong)
            raise self._course.failure or wrong
        self._confirmed = True

    async def compared(self) -> None:
        """Wait until the device's hello was judged: certificate, revocations, both logs."""
        await self._course.compared.wait()
        self._course.check()

    async def granted(self) -> Verified[Grant]:
        """Wait for the customer. VisitRefused when they say no; other problems as they are."""
        try:
            async with asyncio.timeout(_GRANT_WAIT_S):
                await self._course.compared.wait()
                return await asyncio.shield(self._course.answered)
        except TimeoutError:
            raise Problem("the device gave no answer", expected=f"within {_GRANT_WAIT_S} s") from None

    async def run(self, action: str, arguments: WireModel) -> Run:
        """Ask for an action; iterate over the rows, then look at `result`."""
        if not self.verified:
            raise Problem(
                "the device is unverified",
                expected=f"{WORDS_TO_TYPE} words of the phrase, read out by the customer",
                hint="Ask the customer for the words on their screen.",
            )
        await self._course.connected.wait()
        self._course.check()
        if self._course.over.done():
            raise Problem("the visit is over", expected="one that goes on", got=f"{action}, after its end")
        now = now_s()
        stream = self._initiator.open_action(action, arguments, now)
        self.transcript.write(now, "action", action=action, arguments=arguments.model_dump(mode="json"))
        run = self._course.runs[stream] = Run(self, stream, action)
        await self._pump.flush()
        return run

    # --- what a run asks of its visit ------------------------------------------------------------------------

    async def taken(self, stream: int, size_bytes: int) -> None:
        """The application has taken so much of an action's output: the device may send more."""
        self._initiator.consumed(stream, size_bytes)
        await self._pump.flush()

    def room(self, stream: int) -> int:
        return self._initiator.input_room(stream)

    async def send(self, stream: int, data: bytes) -> None:
        self._initiator.send_input(stream, data)
        await self._pump.flush()

    async def close(self, stream: int) -> None:
        self._initiator.end_input(stream)
        await self._pump.flush()

    async def reset(self, stream: int) -> None:
        with suppress(ProtocolError):  # it, or the visit, has just ended: nothing is left to be cancelled
            self._initiator.cancel(stream)
        await self._pump.flush()

    async def end(self, reason: str = "") -> EndedVisit:
        """Ask for the end, countersign, wait for the receipt. While the connection is lost, not for long."""
        try:
            async with asyncio.timeout(_END_WAIT_S):
                await self._course.connected.wait()
        except TimeoutError:
            self._course.gone(PeerGone(truncated=True))  # the device ends it by itself when nobody comes back
        if not self._course.over.done() and not self._course.stopped_by and self._course.failure is None:
            self._course.stopped_by = "technician"
            self._initiator.end(reason)
            await self._pump.flush()
        return await self.ended()

    async def hand_over(self, to: str) -> None:
        """Name the next technician, as their certificate does. We stay until the customer has let them in."""
        await self._course.connected.wait()
        self._course.check()
        self._initiator.hand_over(to)
        self.transcript.write(now_s(), "hand-over", to=to)
        await self._pump.flush()

    async def ended(self) -> EndedVisit:
        """Wait for the end, whoever ends it."""
        try:
            async with asyncio.timeout(_RECEIPT_WAIT_S if self._course.stopped_by else None):
                return await asyncio.shield(self._course.over)
        except TimeoutError:
            return EndedVisit(self._course.stopped_by, None, False, "the device sent no receipt in time")

    # --- the first and the last words ---------------------------------------------------------------------

    async def _shake_hands(self, ask: VisitAsk) -> None:
        await self._pump.begin()
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await self._course.handshaken.wait()
        except TimeoutError:
            raise Problem(
                "the device does not answer the handshake",
                expected=f"within {HANDSHAKE_TIMEOUT_S} s, with the key of its certificate",
                hint="It may have refused: it knows no such ticket, or holds another key than the one shown to us.",
            ) from None
        self._course.check()
        self.transcript.write(
            now_s(),
            "request",
            device=ask.device,
            ticket=ask.ticket,
            scopes=ask.scopes,
            minutes=ask.minutes,
            reason=ask.reason,
            phrase=self.phrase,
        )

    async def _leave(self, pumping: asyncio.Task[None]) -> None:
        """Whoever leaves without `end` still ends the visit. Then FIN, the socket, the pump, the transcript."""
        with suppress(ProtocolError):  # no channel yet, or a dead one: nothing to say
            if not self._course.over.done() and not self._course.stopped_by:
                self._initiator.end("left")
            self._initiator.finish()
            await self._pump.flush()
        pumping.cancel()
        with suppress(asyncio.CancelledError):
            await pumping
        await self._pump.close()
        self.transcript.close()
