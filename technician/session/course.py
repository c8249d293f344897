"""What has become of a visit so far: each event of the initiator is judged here, and whoever waits for one is told.

    handshaken, compared, answered, over     come once each, or never: then `failure` says why
    connected                                cleared while a lost connection is not back
    runs                                     the actions under way, by stream

Decides what an event means for those who wait, and keeps receipts, alarms and the transcript. What comes over which
socket, and the way back, is pump.py; what the caller does is visit.py.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from protocol import strict_json
from protocol.grants import Grant
from protocol.journal import Outcome
from protocol.proofs import ProofFile
from protocol.session_state import SessionState
from protocol.statements import Verified
from protocol.visit import ActionResult, RefusalReason
from technician.api import Api
from technician.clock import now_s
from technician.devices import DeviceFacts
from technician.private_files import write_private
from technician.problems import Problem
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
from technician.session.initiator import Initiator
from technician.session.judging import judge_hello
from technician.session.outcome import EndedVisit, refused, words_of
from technician.session.run import Run
from technician.session.transcript import Transcript
from technician.sign_in import Technician


class Course:
    """One visit's. `hear` is called for every event, in order."""

    def __init__(
        self,
        technician: Technician,
        api: Api,
        device: DeviceFacts,
        initiator: Initiator,
        transcript: Transcript,
        watch: Callable[[Event], None],
    ) -> None:
        self._technician = technician
        self._api = api
        self._initiator = initiator
        self._watch = watch
        self.device = device
        self.transcript = transcript
        self.handshaken = asyncio.Event()
        self.compared = asyncio.Event()
        self.connected = asyncio.Event()
        self.connected.set()
        self.answered: asyncio.Future[Verified[Grant]] = asyncio.get_running_loop().create_future()
        self.over: asyncio.Future[EndedVisit] = asyncio.get_running_loop().create_future()
        self.runs: dict[int, Run] = {}
        self.stopped_by = ""
        self.failure: Exception | None = None
        self.came_back = False  # under a successor grant, since the pump last looked

    @property
    def lost(self) -> bool:
        """The connection is gone, and a way back may be looked for."""
        return self._initiator.state is SessionState.PAUSED and self.failure is None

    def check(self) -> None:
        """Raises what made this visit useless."""
        if self.failure:
            raise self.failure

    async def hear(self, event: Event) -> None:
        match event:
            case Handshaken():
                self.handshaken.set()
            case PeerHello():
                self.device = await judge_hello(event, self._technician, self._api, self.device)
                self.compared.set()
            case GrantCame(grant):
                self.transcript.write(now_s(), "granted", scopes=grant.body.scopes, minutes=grant.body.minutes)
                if not self.answered.done():
                    self.answered.set_result(grant)
            case Refused(reason):
                self._refused(reason)
            case ConnectionLost():
                if not self.connected.is_set():
                    return  # a return that failed: told when it was lost
                self.connected.clear()
                self.transcript.write(now_s(), "connection-lost")
            case PastReceipt(proof, fault):
                self._keep(proof, fault)
            case WentOn():
                self._went_on(event)
            case Row():
                run = self.runs[event.stream]
                self.transcript.write(now_s(), "row", action=run.action, item=event.item.model_dump())
                run.put(event)
            case BytesCame():
                self.runs[event.stream].put(event)
            case ActionEnded(stream, result):
                run = self.runs[stream]
                self.transcript.write(now_s(), "result", action=run.action, **result.model_dump(mode="json"))
                run.finish(result)
            case Narrowed(scopes):
                self.transcript.write(now_s(), "narrowed", scopes=sorted(scopes))
            case Stopped():
                self.stopped_by = self.stopped_by or "customer"
                self.transcript.write(now_s(), "stopped")
                self._cancel_runs("the customer stopped the visit")
            case Closing(disputed, reason):
                self.stopped_by = self.stopped_by or "device"
                self.transcript.write(now_s(), "closing", disputed=disputed, reason=reason)
                self._cancel_runs("the visit is over")
            case ReceiptCame():
                self._keep_receipt(event)
            case PeerGone():
                self.gone(event)
            case Noticed(kind, text):
                self.transcript.write(now_s(), "notice", kind=kind, text=text)
        self._watch(event)

    def fail(self, error: Exception) -> None:
        """Nothing of this visit is used any more; whoever waits is told why."""
        if self.failure is None:
            self.failure = error
        if not self.answered.done():
            self.answered.set_exception(self.failure)
            self.answered.exception()  # looked at: nobody may be waiting for it yet
        if not self.over.done():
            self.over.set_result(EndedVisit("protocol-error", None, False, str(error)))
        self._cancel_runs(str(error)[:300])
        self._wake_all()

    def gone(self, event: PeerGone) -> None:
        """Nothing more will come."""
        self._cancel_runs("the connection ended")
        self._wake_all()
        if not self.answered.done():
            self.fail(Problem("the connection ended before the customer answered", hint="Ask again."))
        if not self.over.done():
            fault = "the connection broke off" if event.truncated else "the device sent no receipt"
            self.over.set_result(EndedVisit(self.stopped_by or "connection-lost", None, False, fault))

    def may_have_room(self) -> None:
        """Something came from the device: perhaps credit for what waits."""
        for run in self.runs.values():
            run.may_have_room()

    # --- what single events mean -------------------------------------------------------------------------

    def _refused(self, reason: RefusalReason) -> None:
        """At the first time: no visit. When going back: no successor, and the device ends the visit, unless it says
        that this was not the moment."""
        if not self.answered.done():
            self.fail(refused(reason))
        elif self._initiator.state is not SessionState.PAUSED and not self.over.done():
            fault = f"the connection broke off, and the device did not let us go on: {words_of(reason)}"
            self.over.set_result(EndedVisit("connection-lost", None, False, fault))

    def _went_on(self, event: WentOn) -> None:
        """Back under a successor grant: reads go on, and of everything else it is known how it ended."""
        now = now_s()
        body = event.grant.body
        self.transcript.write(now, "went-on", scopes=body.scopes, minutes=body.minutes)
        self.came_back = True
        for fate in event.fates:
            run = self.runs.get(fate.action.stream)
            if run is None or run.result is not None:
                continue  # cancelled here meanwhile
            if fate.result is not None:
                self.transcript.write(now, "result", action=run.action, **fate.result.model_dump(mode="json"))
                run.finish(fate.result, cut_off=True)
                continue
            run.stream = self._initiator.take_up(fate, now)
            self.runs[run.stream] = run
        self.connected.set()

    def _keep(self, proof: ProofFile, fault: str) -> Path:
        path = receipt_path(self._technician.home, proof)
        write_private(path, strict_json.dump(proof))
        if fault:
            self._technician.store.alarm("receipt", fault, now_s())
        return path

    def _keep_receipt(self, event: ReceiptCame) -> None:
        now = now_s()
        path = self._keep(event.proof, event.fault)
        by = event.ended_by.value if event.ended_by else self.stopped_by
        countersigned = event.proven is not None and event.proven.countersigned
        self.transcript.write(
            now, "receipt", by=by, countersigned=countersigned, fault=event.fault, untaken=event.untaken
        )
        if not self.over.done():
            self.over.set_result(EndedVisit(by, path, countersigned, event.fault, event.untaken))

    def _cancel_runs(self, why: str) -> None:
        for run in self.runs.values():
            run.finish(ActionResult(outcome=Outcome.CANCELLED, detail=why))

    def _wake_all(self) -> None:
        self.handshaken.set()
        self.compared.set()
        self.connected.set()
