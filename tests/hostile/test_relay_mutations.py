"""A hostile relay between the real ends: it flips, cuts, inserts, drops, repeats, reorders and replays whole visits.

Whatever it does to a message, nothing runs that the technician did not ask for, nothing runs twice, and no consent is
asked for a visit whose handshake was touched.
"""

import random
from collections.abc import Callable, Iterable

import pytest

from agent.session.effects import AskCustomer, Effect, EndNow, Received, Run
from protocol.actions.processes import ProcessesArguments
from protocol.grants import EndedBy
from protocol.session_state import SessionState
from tests.agent.visiting import ORG, Device, Encounter, chain_of, ephemeral, technician_keys, trusting

# In `make test`; `make soak` takes 100 000.
MUTATIONS = 2_000
SOAK_MUTATIONS = 100_000
KEYS = technician_keys()
CHAIN = chain_of(KEYS)
TRUST = trusting()
DEVICE = Device()


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
    visit = Encounter(device=DEVICE, keys=KEYS, chain=CHAIN, trust=TRUST, tamper=tamper)
    visit.steps._handshake._make_ephemeral = ephemeral(f"device {number}")
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
        visit = relay.visit = Encounter(device=DEVICE, keys=KEYS, chain=CHAIN, trust=TRUST, tamper=relay)
        visit.steps._handshake._make_ephemeral = ephemeral(f"device {number}")
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


def recorded() -> list[bytes]:
    """Every message towards the device of one whole visit."""
    wire: list[bytes] = []

    def tap(direction: str, data: bytes) -> list[bytes]:
        if direction == "to device":
            wire.append(data)
        return [data]

    visit = a_visit(tap)
    assert len(visit.runs) == 2
    return wire


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


def test_records_of_another_visit_do_not_authenticate(soak: bool) -> None:
    """Replay across visits: the same technician, device, room and ticket, and fresh ephemeral keys."""
    wire = recorded()
    rng = random.Random("replays")
    for number in range(200 if not soak else 5_000):
        visit = Encounter(device=DEVICE, keys=KEYS, chain=CHAIN, trust=TRUST)
        visit.steps._handshake._make_ephemeral = ephemeral(f"fresh {number}")
        visit.begin()
        assert visit.steps.state is SessionState.ACTIVE
        visit.feed(Received(rng.choice(wire)))
        assert visit.runs == []
        assert visit.steps.ended_by is EndedBy.PROTOCOL_ERROR


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
    again = Encounter(device=DEVICE, keys=KEYS, chain=CHAIN, trust=TRUST, decision=None)
    again.steps._handshake._make_ephemeral = ephemeral("after stop")
    for data in wire:
        again.feed(Received(data))
    assert not any(isinstance(effect, (Run, AskCustomer)) for effect in again.done)


def test_a_technician_who_comes_back_after_stop_is_a_stranger_who_asks_anew() -> None:
    """There is no way back into a stopped grant: a new visit begins with a new question, and no answer is a no."""
    visit = Encounter(device=DEVICE, keys=KEYS, chain=CHAIN, trust=TRUST, decision=None).begin()
    assert visit.steps.grant is None
    assert len(visit.asked) == 1
    assert visit.steps.state is SessionState.PROMPTED
    assert ORG.root_hash == TRUST.root_hash
