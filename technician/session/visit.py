"""One visit as the command line and the workbench use it: ask, read the phrase, wait for consent, act, end.

    async with Visit.open(technician, api, device, ticket, scopes, minutes, reason) as visit:
        show(visit.phrase)                        the customer reads the same words
        visit.confirm({2: "harbour", 5: "violin"})   needed only where the device has no certificate
        grant = await visit.granted()             or VisitRefused
        async for row in visit.run("processes", ProcessesArguments()): …
        ended = await visit.end()                 countersigned; the receipt is checked and kept

A lost connection is taken up again by itself (way_back.py): `run` and `end` wait meanwhile, plain reads under way go
on, `watch` hears `ConnectionLost` and `WentOn`.

The shell around initiator.py: relay socket, clocks, checkpoints, trust, files. What the customer does meanwhile arrives
through `watch`.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.grants import Grant
from protocol.journal import Outcome
from protocol.limits import CONSENT_TIMEOUT_S, HANDSHAKE_TIMEOUT_S, NONCE_BYTES
from protocol.proofs import ProofFile
from protocol.session_state import SessionState
from protocol.statements import Verified
from protocol.strict_json import WireModel
from protocol.visit import ActionResult, RefusalReason
from technician.api import Api
from technician.clock import now_s
from technician.devices import DeviceFacts
from technician.private_files import write_private
from technician.problems import Problem
from technician.session.asking import begin, our_hello, the_ask
from technician.session.closing import receipt_path
from technician.session.events import (
    ActionEnded,
    BytesCame,
    Closing,
    ConnectionLost,
    Event,
    GrantCame,
    Handshaken,
    Narrowed,
    Noticed,
    PastReceipt,
    PeerGone,
    PeerHello,
    ReceiptCame,
    Refused,
    Row,
    Stopped,
    WentOn,
)
from technician.session.initiator import Initiator, VisitAsk
from technician.session.judging import judge_hello
from technician.session.outcome import EndedVisit, refused, words_of
from technician.session.relay_socket import relay_socket
from technician.session.run import Run
from technician.session.transcript import Transcript
from technician.session.way_back import WayBack
from technician.sign_in import Technician

#: The customer has 120 s; the agent answers then, and the answer has to travel.
_GRANT_WAIT_S: Final = CONSENT_TIMEOUT_S + 30
#: The device writes its last journal entries to the log before it makes the receipt.
_RECEIPT_WAIT_S: Final = 30.0
#: A return: the device may have to wait for something that changes it to end before it lets us go on.
_RETURN_WAIT_S: Final = 90.0
#: Whoever wants to end a visit whose connection is lost waits so long for it to come back.
_END_WAIT_S: Final = 3.0
#: How many words the customer reads out for a device without a certificate.
WORDS_TO_TYPE: Final = 2


class Visit:
    """A visit under way. Made by `open`; leaving the block ends it, however it is left."""

    def __init__(
        self,
        technician: Technician,
        api: Api,
        device: DeviceFacts,
        initiator: Initiator,
        socket: ClientConnection,
        watch: Callable[[Event], None],
    ) -> None:
        self._technician = technician
        self._api = api
        self._initiator = initiator
        self._socket = socket
        self._watch = watch
        self._handshaken = asyncio.Event()
        self._compared = asyncio.Event()
        self._answered: asyncio.Future[Verified[Grant]] = asyncio.get_running_loop().create_future()
        self._ended: asyncio.Future[EndedVisit] = asyncio.get_running_loop().create_future()
        self._runs: dict[int, Run] = {}
        self._stopped_by = ""
        self._failure: Exception | None = None
        self._confirmed = False
        self._connected = asyncio.Event()  # cleared while a lost connection is not back
        self._connected.set()
        self._came_back = False
        self._closing: asyncio.Future[None] | None = None
        self._ticket: str | None = None
        self._sending = asyncio.Lock()
        self.device = device
        self.transcript = Transcript(technician.home.transcripts, "visit")

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
        async with relay_socket(technician.origin, room) as socket:
            visit = cls(technician, api, device, initiator, socket, watch)
            visit._ticket = ticket
            visit.transcript = Transcript(technician.home.transcripts, f"{now}-{room.room}")
            pump = asyncio.create_task(visit._pump())
            try:
                await visit._shake_hands(ask)
                yield visit
            finally:
                await visit._leave(pump)

    # --- what the caller does ----------------------------------------------------------------------------

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
            self._fail(
                Problem(
                    "these are not the words of this session",
                    expected="the words the customer sees",
                    got="others",
                    hint="Somebody may stand between you and the device. The visit was ended.",
                )
            )
            raise self._failure or Problem("the visit was ended")
        self._confirmed = True

    async def compared(self) -> None:
        """Wait until the device's hello was judged: certificate, revocations, both logs."""
        await self._compared.wait()
        if self._failure:
            raise self._failure

    async def granted(self) -> Verified[Grant]:
        """Wait for the customer. VisitRefused when they say no; other problems as they are."""
        try:
            async with asyncio.timeout(_GRANT_WAIT_S):
                await self._compared.wait()
                return await asyncio.shield(self._answered)
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
        await self._connected.wait()
        if self._failure:
            raise self._failure
        now = now_s()
        stream = self._initiator.open_action(action, arguments, now)
        self.transcript.write(now, "action", action=action, arguments=arguments.model_dump(mode="json"))
        run = Run(self, stream, action)
        self._runs[stream] = run
        await self._flush()
        return run

    # --- what a run asks of its visit ------------------------------------------------------------------------

    async def taken(self, stream: int, size_bytes: int) -> None:
        """The application has taken so much of an action's output: the device may send more."""
        self._initiator.consumed(stream, size_bytes)
        await self._flush()

    def room(self, stream: int) -> int:
        return self._initiator.input_room(stream)

    async def send(self, stream: int, data: bytes) -> None:
        self._initiator.send_input(stream, data)
        await self._flush()

    async def close(self, stream: int) -> None:
        self._initiator.end_input(stream)
        await self._flush()

    async def reset(self, stream: int) -> None:
        with suppress(ProtocolError):  # it, or the visit, has just ended: nothing is left to be cancelled
            self._initiator.cancel(stream)
        await self._flush()

    async def end(self, reason: str = "") -> EndedVisit:
        """Ask for the end, countersign, wait for the receipt. While the connection is lost, not for long."""
        try:
            async with asyncio.timeout(_END_WAIT_S):
                await self._connected.wait()
        except TimeoutError:
            self._gone(PeerGone(truncated=True))  # the device ends it by itself when nobody comes back
        if not self._ended.done() and not self._stopped_by and self._failure is None:
            self._stopped_by = "technician"
            self._initiator.end(reason)
            await self._flush()
        return await self.ended()

    async def hand_over(self, to: str) -> None:
        """Name the next technician, as their certificate does. We stay until the customer has let them in."""
        await self._connected.wait()
        if self._failure:
            raise self._failure
        self._initiator.hand_over(to)
        self.transcript.write(now_s(), "hand-over", to=to)
        await self._flush()

    async def ended(self) -> EndedVisit:
        """Wait for the end, whoever ends it."""
        try:
            async with asyncio.timeout(_RECEIPT_WAIT_S if self._stopped_by else None):
                return await asyncio.shield(self._ended)
        except TimeoutError:
            return EndedVisit(self._stopped_by, None, False, "the device sent no receipt in time")

    # --- the pump ----------------------------------------------------------------------------------------

    async def _shake_hands(self, ask: VisitAsk) -> None:
        await self._socket.send(self._initiator.begin())
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await self._handshaken.wait()
        except TimeoutError:
            raise Problem(
                "the device does not answer the handshake",
                expected=f"within {HANDSHAKE_TIMEOUT_S} s, with the key of its certificate",
                hint="It may have refused: it knows no such ticket, or holds another key than the one shown to us.",
            ) from None
        if self._failure:
            raise self._failure
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

    async def _pump(self) -> None:
        """One connection after another, until the visit is over or the device waits no longer."""
        await self._converse(self._socket)
        try:
            while self._lost and await self._go_back():
                pass
        except (ProtocolError, Problem) as error:
            self._fail(error)
        if self._lost:
            await self._judge(PeerGone(truncated=True))

    @property
    def _lost(self) -> bool:
        return self._initiator.state is SessionState.PAUSED and self._failure is None

    async def _converse(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                if not isinstance(message, bytes):
                    raise RemoteProtocolError("the relay sent text inside a session", expected="bytes", got="text")
                for event in self._initiator.receive(message, now=now_s(), mono_s=time.monotonic()):
                    await self._judge(event)
                await self._flush()
                for run in self._runs.values():
                    run.may_have_room()
        except ConnectionClosed:
            pass  # told below, as the end of the connection
        except (ProtocolError, Problem) as error:
            if not self._lost or self._initiator.proven:
                self._fail(error)  # else: whoever was in this room, it was not the device we go back to
        for event in self._initiator.connection_lost():
            await self._judge(event)

    async def _go_back(self) -> bool:
        """Try room after room. True: we were back, and lost it again; False: the visit is over, or nobody waits."""
        way = WayBack(self._technician, self._api, self.device.device, self._ticket)
        async for room in way.rooms():
            try:
                async with relay_socket(self._technician.origin, room) as socket:
                    self._socket = socket
                    nonce = os.urandom(NONCE_BYTES)
                    await socket.send(self._initiator.go_back(room.room, our_hello(self._technician), nonce, now_s()))
                    asyncio.get_running_loop().call_later(_RETURN_WAIT_S, self._give_up, socket)
                    await self._converse(socket)
            except (Problem, RemoteProtocolError, ConnectionClosed) as error:
                way.why = str(error)  # this room led nowhere
            came_back, self._came_back = self._came_back, False
            if came_back or not self._lost:
                return came_back
        return False

    def _give_up(self, socket: ClientConnection) -> None:
        """A return that came to nothing: its room is left."""
        if socket is self._socket and self._lost:
            self._closing = asyncio.ensure_future(socket.close())

    async def _judge(self, event: Event) -> None:
        match event:
            case Handshaken():
                self._handshaken.set()
            case PeerHello():
                self.device = await judge_hello(event, self._technician, self._api, self.device)
                self._compared.set()
            case GrantCame(grant):
                self.transcript.write(now_s(), "granted", scopes=grant.body.scopes, minutes=grant.body.minutes)
                if not self._answered.done():
                    self._answered.set_result(grant)
            case Refused(reason):
                self._refused(reason)
            case ConnectionLost():
                if not self._connected.is_set():
                    return  # a return that failed: told when it was lost
                self._connected.clear()
                self.transcript.write(now_s(), "connection-lost")
            case PastReceipt(proof, fault):
                self._keep(proof, fault)
            case WentOn():
                self._went_on(event)
            case Row():
                run = self._runs[event.stream]
                self.transcript.write(now_s(), "row", action=run.action, item=event.item.model_dump())
                run.put(event)
            case BytesCame():
                self._runs[event.stream].put(event)
            case ActionEnded(stream, result):
                run = self._runs[stream]
                self.transcript.write(now_s(), "result", action=run.action, **result.model_dump(mode="json"))
                run.finish(result)
            case Narrowed(scopes):
                self.transcript.write(now_s(), "narrowed", scopes=sorted(scopes))
            case Stopped():
                self._stopped_by = self._stopped_by or "customer"
                self.transcript.write(now_s(), "stopped")
                self._cancel_runs("the customer stopped the visit")
            case Closing(disputed, reason):
                self._stopped_by = self._stopped_by or "device"
                self.transcript.write(now_s(), "closing", disputed=disputed, reason=reason)
                self._cancel_runs("the visit is over")
            case ReceiptCame():
                self._keep_receipt(event)
            case PeerGone():
                self._gone(event)
            case Noticed(kind, text):
                self.transcript.write(now_s(), "notice", kind=kind, text=text)
        self._watch(event)

    def _refused(self, reason: RefusalReason) -> None:
        """At the first time: no visit. When going back: no successor, and the device ends the visit, unless it says
        that this was not the moment."""
        if not self._answered.done():
            self._fail(refused(reason))
        elif self._initiator.state is not SessionState.PAUSED and not self._ended.done():
            fault = f"the connection broke off, and the device did not let us go on: {words_of(reason)}"
            self._ended.set_result(EndedVisit("connection-lost", None, False, fault))

    def _went_on(self, event: WentOn) -> None:
        """Back under a successor grant: reads go on, and of everything else it is known how it ended."""
        now = now_s()
        body = event.grant.body
        self.transcript.write(now, "went-on", scopes=body.scopes, minutes=body.minutes)
        self._came_back = True
        for fate in event.fates:
            run = self._runs.get(fate.action.stream)
            if run is None or run.result is not None:
                continue  # cancelled here meanwhile
            if fate.result is not None:
                self.transcript.write(now, "result", action=run.action, **fate.result.model_dump(mode="json"))
                run.finish(fate.result)
                continue
            run.stream = self._initiator.take_up(fate, now)
            self._runs[run.stream] = run
        self._connected.set()

    def _keep(self, proof: ProofFile, fault: str) -> Path:
        path = receipt_path(self._technician.home, proof)
        write_private(path, strict_json.dump(proof))
        if fault:
            self._technician.store.alarm("receipt", fault, now_s())
        return path

    def _keep_receipt(self, event: ReceiptCame) -> None:
        now = now_s()
        path = self._keep(event.proof, event.fault)
        by = event.ended_by.value if event.ended_by else self._stopped_by
        countersigned = event.proven is not None and event.proven.countersigned
        self.transcript.write(
            now, "receipt", by=by, countersigned=countersigned, fault=event.fault, untaken=event.untaken
        )
        if not self._ended.done():
            self._ended.set_result(EndedVisit(by, path, countersigned, event.fault, event.untaken))

    def _gone(self, event: PeerGone) -> None:
        self._cancel_runs("the connection ended")
        self._handshaken.set()
        self._compared.set()
        self._connected.set()
        if not self._answered.done():
            self._fail(Problem("the connection ended before the customer answered", hint="Ask again."))
        if not self._ended.done():
            fault = "the connection broke off" if event.truncated else "the device sent no receipt"
            self._ended.set_result(EndedVisit(self._stopped_by or "connection-lost", None, False, fault))

    def _cancel_runs(self, why: str) -> None:
        for run in self._runs.values():
            run.finish(ActionResult(outcome=Outcome.CANCELLED, detail=why))

    def _fail(self, error: Exception) -> None:
        """Nothing of this visit is used any more; whoever waits is told why."""
        if self._failure is None:
            self._failure = error
        if not self._answered.done():
            self._answered.set_exception(self._failure)
            self._answered.exception()  # looked at: nobody may be waiting for it yet
        if not self._ended.done():
            self._ended.set_result(EndedVisit("protocol-error", None, False, str(error)))
        self._cancel_runs(str(error)[:300])
        self._handshaken.set()
        self._compared.set()
        self._connected.set()

    async def _flush(self) -> None:
        # Sealed records must leave in the order they were sealed: two tasks may be here at once.
        async with self._sending:
            with suppress(ConnectionClosed):  # the pump tells of it
                for record in self._initiator.data_to_send(time.monotonic()):
                    await self._socket.send(record)

    async def _leave(self, pump: asyncio.Task[None]) -> None:
        """Whoever leaves without `end` still ends the visit. Then FIN, the socket, the pump, the transcript."""
        with suppress(ProtocolError):  # no channel yet, or a dead one: nothing to say
            if not self._ended.done() and not self._stopped_by:
                self._initiator.end("left")
            self._initiator.finish()
            await self._flush()
        pump.cancel()
        with suppress(asyncio.CancelledError):
            await pump
        await self._socket.close()
        self.transcript.close()
