"""Both ends joined by a pipe that loses what is in it, again and again: whatever happens in whatever order, nothing
runs twice, no row is lost or doubled, nobody is let in with more than is allowed, and each grant has one receipt."""

import itertools
import json
import os
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.session.effects import CustomerNarrows, EndNow, Finished, MakeReceipt, Received, Rows, Succeed, Tick
from protocol import strict_json
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.proofs import ProofFile, succession_faults, verify_proof
from protocol.session_state import SessionState
from technician.session.events import ActionEnded, PastReceipt, Row, WentOn
from tests.agent.visiting import ORG, Encounter, yes

SOAK = os.environ.get("BELLPULL_SOAK") == "1"


class LossyVisit(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.visit = Encounter(decision=yes(minutes=60), minutes=60).begin()
        self.asked = 0  # actions; each has its own arguments, so that one is known again wherever it appears
        self.rooms = 0
        self.said: dict[int, list[int]] = defaultdict(list)  # by action: rows that the host said
        self.came: dict[int, list[int]] = defaultdict(list)  # … and that reached the technician
        self.whose: dict[int, int] = {}  # stream → action
        self.live: dict[int, int] = {}  # number of the host → action
        self.over: set[int] = set()
        self.looked = 0
        self.stopped_at_runs: int | None = None

    # --- what the technician's shell does --------------------------------------------------------------------

    def look(self) -> None:
        """Take the news: rows to their action, and after a loss everything that goes on is taken up."""
        heard = self.visit.heard[self.looked :]
        self.looked = len(self.visit.heard)
        for event in heard:
            match event:
                case Row():
                    self.came[self.whose[event.stream]].append(event.item.id)
                    self.visit.technician.consumed(event.stream, event.size_bytes)
                case WentOn():
                    for fate in event.fates:
                        if fate.result is None:
                            stream = self.visit.technician.take_up(fate, self.visit.now.wall)
                            self.whose[stream] = self.whose[fate.action.stream]
                case ActionEnded(stream, result) if result.outcome is Outcome.DONE:
                    assert self.came[self.whose[stream]] == self.said[self.whose[stream]]
                case PastReceipt():
                    assert event.fault == ""
                case _:
                    pass
        self.visit.flush()
        for run in self.visit.runs:
            if run.sequence not in self.over:
                self.live[run.sequence] = json.loads(run.arguments)["limit"]

    @property
    def active(self) -> bool:
        return self.visit.technician.state is SessionState.ACTIVE

    # --- what happens ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.active and self.asked < 40)
    @rule(arrives=st.sampled_from([True, True, True, False]), rows=st.integers(0, 3))
    def ask(self, arrives: bool, rows: int) -> None:
        self.asked += 1
        arguments = ProcessesArguments(limit=self.asked)
        self.whose[self.visit.technician.open_action("processes", arguments, self.visit.now.wall)] = self.asked
        self.visit.flush()
        if arrives:
            self.carry(9)
        if arrives and rows and self.live:
            self.host_says(len(self.live) - 1, rows, 1)
            self.carry(rows - 1)

    @rule(count=st.integers(1, 6))
    def carry(self, count: int) -> None:
        """Some of what is on its way arrives."""
        visit = self.visit
        for _ in range(count):
            if visit.to_device:
                visit.feed(Received(visit.to_device.pop(0)))
            if visit.to_technician:
                visit._tell_technician(visit.to_technician.pop(0))
        self.look()

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 100), count=st.integers(1, 3), size=st.sampled_from([1, 40_000]))
    def host_says(self, pick: int, count: int, size: int) -> None:
        number = sorted(self.live)[pick % len(self.live)]
        action = self.live[number]
        if self.visit.steps.state not in (SessionState.ACTIVE, SessionState.PAUSED):
            return  # the host is killed
        for _ in range(count):
            self.said[action].append(len(self.said[action]) + 1)
            row = {"id": self.said[action][-1], "kind": "process", "body": "x" * size}
            self.visit.feed(Rows(number, json.dumps(row).encode() + b"\n", 1))
        self.look()

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 100))
    def host_ends(self, pick: int) -> None:
        number = sorted(self.live)[pick % len(self.live)]
        self.visit.feed(Finished(number, Outcome.DONE))
        del self.live[number]
        self.over.add(number)
        self.look()

    @precondition(lambda self: self.active)
    @rule(meanwhile=st.integers(0, 2))
    def cut(self, meanwhile: int) -> None:
        self.visit.cut()
        self.look()
        if self.live and meanwhile:
            self.host_says(0, meanwhile, 1)

    @precondition(lambda self: self.visit.technician.state is SessionState.PAUSED and self.visit.steps.waits)
    @rule(whole=st.sampled_from([True, True, False]), count=st.integers(0, 5))
    def come_back(self, whole: bool, count: int) -> None:
        """All the way; or it is cut again on its way."""
        self.rooms += 1
        visit, room = self.visit, "b" * 24 + chr(97 + self.rooms // 26 % 26) + chr(97 + self.rooms % 26)
        if whole:
            visit.knock(room)
            self.look()
            self.carry(1 + 2 * count)
        else:
            visit.approach(room)
            self.carry(count)
            visit.cut()
        self.look()

    @rule(seconds=st.sampled_from([1, 30]))
    def time_goes_on(self, seconds: int) -> None:
        self.visit.at_s += seconds
        self.visit.feed(Tick())

    @precondition(lambda self: self.rooms > 3 and self.visit.steps.state is not SessionState.ENDED)
    @rule()
    def customer_narrows(self) -> None:
        self.visit.feed(CustomerNarrows((Scope.PROCESSES,)))

    @precondition(lambda self: self.rooms > 5)
    @rule()
    def customer_stops(self) -> None:
        self.visit.feed(EndNow(EndedBy.CUSTOMER))
        self.stopped_at_runs = self.stopped_at_runs if self.stopped_at_runs is not None else len(self.visit.runs)

    # --- what always holds -----------------------------------------------------------------------------------

    @invariant()
    def nothing_runs_twice(self) -> None:
        asked = [json.loads(run.arguments)["limit"] for run in self.visit.runs]
        assert len(set(asked)) == len(asked)
        assert self.stopped_at_runs in (None, len(self.visit.runs))

    @invariant()
    def rows_come_once_and_in_order(self) -> None:
        for action, rows in self.came.items():
            assert rows == self.said[action][: len(rows)]

    @invariant()
    def nobody_broke_the_protocol(self) -> None:
        assert self.visit.broken is None, self.visit.broken
        assert self.visit.steps.ended_by is not EndedBy.PROTOCOL_ERROR, self.visit.steps.why

    @invariant()
    def grants_only_become_less(self) -> None:
        grants = [book.opened.grant for book in self.visit.paper.books.values()]
        for first, following in itertools.pairwise(grants):
            assert following.body.successor_of == first.hash
            assert set(following.body.scopes) <= set(first.body.scopes)
            assert following.body.not_after <= first.body.not_after
        assert len(self.visit.asked) == 1

    def teardown(self) -> None:
        visit = self.visit
        visit.feed(EndNow(EndedBy.CUSTOMER))
        visit.at_s += 10
        visit.feed(Tick())
        assert visit.steps.state is SessionState.ENDED
        receipts = sum(isinstance(effect, (MakeReceipt, Succeed)) for effect in visit.done)
        assert receipts == len(visit.paper.books)
        proven = []
        for grant, book in visit.paper.books.items():
            by = EndedBy.CONNECTION_LOST if grant != visit.paper.newest else visit.steps.ended_by
            assert by is not None
            assert book.root
            file = strict_json.parse(visit.paper.proof(grant, by), ProofFile, max_bytes=1 << 24)
            proven.append(verify_proof(file, ORG.root.verify_key))
        assert succession_faults(proven, complete=True) == []


LossyVisit.TestCase.settings = settings(
    deadline=None, derandomize=True, max_examples=400 if SOAK else 25, stateful_step_count=60 if SOAK else 30
)
TestLossyVisit = LossyVisit.TestCase
