"""The catalogues of actions fit each other: what may be asked is done somewhere, and nothing else is."""

from agent.session.actions.catalogue import DOING
from agent.session.actions.service_part import HOST_FOLLOWS, SERVING
from protocol.actions.catalogue import ACTIONS


def test_every_action_is_done_somewhere_and_nothing_else_is() -> None:
    assert set(DOING) | set(SERVING) == set(ACTIONS)
    assert set(DOING) >= HOST_FOLLOWS
    assert set(SERVING) - HOST_FOLLOWS == set(ACTIONS) - set(DOING)


def test_every_action_has_a_sentence_for_the_customer() -> None:
    for spec in ACTIONS.values():
        assert spec.sentence[0].islower(), spec.name
        assert not spec.sentence.endswith("."), spec.name
        assert len(spec.sentence) <= 90, spec.name


def test_what_changes_something_says_so_and_waits_for_the_log() -> None:
    changing = {spec.name for spec in ACTIONS.values() if spec.changes}
    assert {"processes.end", "services.control", "remedies.run", "remedies.undo"} <= changing
    for name in changing:
        spec = ACTIONS[name]
        assert spec.risk >= 2 or spec.argument_risk is not None, name
