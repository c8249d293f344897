"""A technician who was let in, with a program that obeys nothing but the wire format."""

from agent.session.effects import Finished, Received
from protocol import strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import Scope
from protocol.fields import sha256
from protocol.grants import ActionStatement
from protocol.journal import Outcome
from protocol.session_state import SessionState
from protocol.visit import OpenAction
from tests.agent.visiting import ORG, Device, Encounter, chain_of, technician_keys, trusting, yes
from tests.making import NOW, signing_key

#: Every scope that any action needs.
SERVED = tuple(sorted({action.scope for action in ACTIONS.values()}))
KEYS = technician_keys()
TRUST = trusting()
DEVICE = Device()
CHAIN = chain_of(KEYS, scopes=tuple(Scope))


def granted(scopes: tuple[Scope, ...] = (Scope.PROCESSES,), minutes: int = 15, **changes: object) -> Encounter:
    # Every scope is asked for, so that what is missing is the customer's choice.
    visit = Encounter(
        device=DEVICE, trust=TRUST, keys=technician_keys(), chain=CHAIN, scopes=SERVED, decision=yes(scopes, minutes),
        **changes,  # type: ignore[arg-type]
    )  # fmt: skip
    visit.begin()
    assert visit.steps.state is SessionState.ACTIVE
    return visit


def body_of(visit: Encounter, **changes: object) -> ActionStatement:
    assert visit.steps.grant is not None
    state = visit.steps.grant
    body = ActionStatement(
        grant=state.grant.hash,
        sequence=state.last_sequence + 1,
        action="processes",
        arguments_sha256=sha256(b"{}"),
        previous=state.last_action,
        issued_at=NOW,
    )
    return body.model_copy(update=changes)


def send_open(visit: Encounter, payload: bytes) -> int:
    """A stream opened, whatever stands in it; its number."""
    connection = visit.technician._connection
    assert connection is not None
    stream = connection.open(payload)
    deliver(visit)
    return stream


def deliver(visit: Encounter) -> None:
    connection = visit.technician._connection
    assert connection is not None
    for record in connection.data_to_send(visit.now.mono_s):
        visit.feed(Received(record))


def send_action(visit: Encounter, body: ActionStatement, arguments: bytes = b"{}", key: str = "") -> int:
    signer = signing_key(key) if key else signing_key(f"{ORG.name} Ada Tech")
    envelope = signer.sign(body)
    return send_open(visit, strict_json.dump(OpenAction(action=envelope, arguments=arguments)))


def attempt(visit: Encounter, name: str, arguments: bytes) -> bool:
    """Ask for one action with these arguments; whether it was handed to the host. It is over when this returns."""
    before = len(visit.runs)
    send_action(visit, body_of(visit, action=name, arguments_sha256=sha256(arguments)), arguments)
    assert len(visit.runs) - before <= 1
    ran = len(visit.runs) > before
    if ran:
        run = visit.runs[-1]
        assert (run.action, run.arguments) == (name, arguments), "what runs is what was asked for, word for word"
        visit.feed(Finished(run.sequence, Outcome.DONE))
    return ran


def attempts(visit: Encounter, actions: dict[str, bytes]) -> set[str]:
    """All of them, one after the other; which ran."""
    return {name for name, arguments in actions.items() if attempt(visit, name, arguments)}
