"""A hostile relay between the real ends: it flips, cuts, inserts, drops, repeats, reorders and replays whole visits.

Whatever it does to a message, nothing runs that the technician did not ask for, nothing runs twice, and no consent is
asked for a visit whose handshake was touched.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from agent.session.effects import AskCustomer, Effect, EndNow, Received, Run
from protocol.actions.processes import ProcessesArguments
from protocol.grants import EndedBy
from protocol.session_state import SessionState
from tests.agent.visiting import ORG, Encounter
from tests.hostile.stopped_visits import TO_DEVICE, TRUST, fresh, stops, stops_of

# Whole visits, from their first byte; the many thousands are in test_altered_messages.py.
MUTATIONS, SOAK_MUTATIONS = 120, 5_000
REPLAYS, SOAK_REPLAYS = 1_000, 20_000


def flip(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\x01"
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))] if data else b""


def grow(rng: random.Random, data: bytes) -> bytes:
    return data + rng.randbytes(rng.randrange(1, 64))


def garbage(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(len(data))


CHANGES = (flip, cut, grow, garbage)


def a_visit(tamper: Callable[[str, bytes], Iterable[bytes]], number: int = 0) -> Encounter:
    """A whole visit with two actions, both carried over by `tamper`."""
    visit = fresh(str(number), tamper=tamper)
    visit.begin()
    for _ in range(2):
        if visit.steps.state is not SessionState.ACTIVE or visit.technician.chain is None or visit.broken:
            break
        visit.act("processes", ProcessesArguments())
    return visit


def asked_for(visit: Encounter) -> int:
    return 0 if visit.technician.chain is None else len(visit.technician.chain.sent)


def test_without_tampering_both_actions_run() -> None:
    """The control: what the mutations below prevent is really there."""
    visit = a_visit(lambda direction, data: [data])
    assert [run.sequence for run in visit.runs] == [1, 2]


class OneChange:
    """A relay that changes one message of one direction, and remembers what had run until then."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.direction = rng.choice(("to device", "to technician"))
        self.victim = rng.randrange(5)
        self.change = rng.choice(CHANGES)
        self.touched = False
        self.ran_before = 0
        self.visit: Encounter | None = None
        self._seen = 0

    def __call__(self, towards: str, data: bytes) -> list[bytes]:
        if towards != self.direction:
            return [data]
        place, self._seen = self._seen, self._seen + 1
        changed = self.change(self.rng, data) if place == self.victim else data
        if changed != data:
            self.touched = True
            self.ran_before = len(self.visit.runs) if self.visit else 0
        return [changed]

    def __str__(self) -> str:
        return f"{self.change.__name__} of message {self.victim} {self.direction}"


def test_no_mutated_message_runs_anything(soak: bool) -> None:
    """One message of one direction of each visit is changed; the receiving end must notice."""
    rng = random.Random("relay mutations")
    count = SOAK_MUTATIONS if soak else MUTATIONS
    touched = dict.fromkeys(("to device", "to technician"), 0)
    for number in range(count):
        relay = OneChange(rng)
        visit = relay.visit = fresh(str(number), tamper=relay)
        visit.begin()
        while visit.steps.state is SessionState.ACTIVE and visit.technician.chain and not visit.broken:
            if asked_for(visit) == 2:
                break
            visit.act("processes", ProcessesArguments())
        if not relay.touched:
            continue
        touched[relay.direction] += 1
        if relay.direction == "to device":
            # Nothing runs from the changed message on, and the device has ended the visit.
            assert len(visit.runs) == relay.ran_before, f"{number}: {relay}"
            assert visit.steps.state is SessionState.ENDED
            if relay.victim < 2:
                assert not any(isinstance(effect, AskCustomer) for effect in visit.done)
        else:
            assert visit.broken is not None, f"{number}: {relay}"
            assert len(visit.runs) <= asked_for(visit)
    assert min(touched.values()) > count // 5


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("how", ["drop", "repeat", "swap with the next"])
def test_messages_dropped_repeated_or_reordered_end_the_visit(place: int, how: str) -> None:
    held: list[bytes] = []
    seen = [0]

    def tamper(direction: str, data: bytes) -> list[bytes]:
        if direction != "to device":
            return [data]
        here, seen[0] = seen[0], seen[0] + 1
        if here == place:
            match how:
                case "drop":
                    return []
                case "repeat":
                    return [data, data]
                case _:
                    held.append(data)
                    return []
        if held:
            return [data, held.pop()]
        return [data]

    visit = a_visit(tamper)
    runs = [run.sequence for run in visit.runs]
    assert len(runs) == len(set(runs))
    assert runs == list(range(1, len(runs) + 1))
    assert len(runs) <= asked_for(visit)
    # With a message missing the next one does not authenticate; a repeated one does not either.
    expected_runs = {"repeat": max(0, place - 2), "drop": max(0, place - 3), "swap with the next": max(0, place - 3)}
    assert len(runs) <= expected_runs[how] + 1


def test_a_thousand_replays_of_other_visits_run_and_ask_nothing(soak: bool) -> None:
    """Replay across visits: the same technician, device, room and ticket, other ephemeral keys; at every moment."""
    count = SOAK_REPLAYS if soak else REPLAYS
    moments = [stop for stop in stops() if stop.towards == TO_DEVICE]
    recorded: Iterator[bytes] = (
        stop.message for number in itertools.count() for stop in stops_of(f"old {number}") if stop.towards == TO_DEVICE
    )
    replayed = 0
    while replayed < count:
        old = next(recorded)
        for moment in moments:
            visit = moment.again()
            before = (len(visit.runs), len(visit.asked))
            visit.feed(Received(old))
            if moment.number > 0:
                assert visit.steps.state is SessionState.ENDED
            # A first message is anybody's to repeat: the next, made for other keys, is the end.
            moments[1].give(visit, moments[1].message)
            assert visit.steps.state is SessionState.ENDED
            assert (len(visit.runs), len(visit.asked)) == before
            replayed += 1


def test_a_visit_that_was_stopped_cannot_be_taken_up_again() -> None:
    """Resume after Stop: every message of the stopped visit again, in the same room, and its actions once more."""
    wire: list[bytes] = []

    def tap(direction: str, data: bytes) -> list[bytes]:
        if direction == "to device":
            wire.append(data)
        return [data]

    first = a_visit(tap)
    first.feed(EndNow(EndedBy.CUSTOMER))
    ran: list[Effect] = list(first.runs)
    for data in wire:
        first.feed(Received(data))
    assert first.runs == ran
    assert first.steps.ended_by is EndedBy.CUSTOMER
    again = fresh("after stop", decision=None)
    for data in wire:
        again.feed(Received(data))
    assert not any(isinstance(effect, (Run, AskCustomer)) for effect in again.done)


def test_a_technician_who_comes_back_after_stop_is_a_stranger_who_asks_anew() -> None:
    """There is no way back into a stopped grant: a new visit begins with a new question, and no answer is a no."""
    visit = fresh("a stranger", decision=None).begin()
    assert visit.steps.grant is None
    assert len(visit.asked) == 1
    assert visit.steps.state is SessionState.PROMPTED
    assert ORG.root_hash == TRUST.root_hash
