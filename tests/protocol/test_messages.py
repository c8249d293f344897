"""The control link: known messages parse, unknown types are named, malformed ones are refused; what may be clear."""

import json
import typing
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from protocol.actions.catalogue import ACTIONS, find_action, parse_arguments
from protocol.actions.processes import PROCESSES, ProcessesArguments
from protocol.actions.scopes import MEANINGS
from protocol.errors import RemoteProtocolError
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES
from protocol.messages import link
from protocol.messages.items import Heartbeat, SealedItem, SealedKind, Stored
from protocol.messages.link import (
    FROM_AGENT,
    FROM_SERVER,
    AgentMessage,
    ServerMessage,
    UnknownMessage,
    parse_from_agent,
    parse_from_server,
    parse_item,
)
from protocol.messages.login import Closing
from protocol.messages.report import PUBLISHED_LIST, Report
from protocol.statements import StatementName
from protocol.strict_json import dump

ITEM_ID = "01890a5d-ac96-7745-bcce-b302099a8057"


def test_known_messages_go_both_ways() -> None:
    assert parse_from_agent(dump(Heartbeat(queued=3))) == Heartbeat(queued=3)
    assert parse_from_server(dump(Stored(id=ITEM_ID)).decode()) == Stored(id=ITEM_ID)


def test_a_type_of_tomorrow_is_named_not_fatal() -> None:
    assert parse_from_server('{"type":"weather","sun":true}') == UnknownMessage("weather")
    assert parse_from_agent('{"type":"' + "x" * 300 + '"}') == UnknownMessage("x" * 64)


def test_directions_are_not_mixed() -> None:
    assert parse_from_server(dump(Heartbeat())) == UnknownMessage("heartbeat")
    assert parse_from_agent(dump(Closing(reason="x"))) == UnknownMessage("closing")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"type":1}', '{"type":"heartbeat","queued":-1}', '{"type":"heartbeat","x":1}', '"\ud800"', "nul"],
)
def test_malformed_messages_are_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_from_agent(text)


def test_a_message_over_the_limit_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="too large"):
        parse_from_agent('{"type":"heartbeat"' + " " * CONTROL_MESSAGE_MAX_BYTES + "}")


def test_the_outbox_holds_items_only() -> None:
    item = SealedItem(id=ITEM_ID, kind=SealedKind.NOTE, ticket=None, case=None, sha256=bytes(32), data=b"age")
    with pytest.raises(RemoteProtocolError, match="not an item"):
        parse_item(dump(Heartbeat()))
    assert parse_item(dump(item)) == item


def test_tables_and_unions_name_the_same_messages() -> None:
    assert set(FROM_AGENT.values()) == set(get_args(AgentMessage))
    assert set(FROM_SERVER.values()) == set(get_args(ServerMessage))
    for table in (FROM_AGENT, FROM_SERVER):
        for named, model in table.items():
            assert model.model_fields["type"].default == named


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.sampled_from(sorted(FROM_AGENT)), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_rubbish_in_a_known_message_is_our_own_error_or_a_message(named: str, fields: dict[str, str]) -> None:
    try:
        parsed = parse_from_agent(json.dumps({**fields, "type": named}))
    except RemoteProtocolError:
        return
    assert isinstance(parsed, FROM_AGENT[named])


def texts_in(model: type[BaseModel], seen: set[type[BaseModel]], path: str) -> dict[str, Any]:
    """Every free text field (a `str` without a pattern) reachable from `model`, by path."""
    if model in seen:
        return {}
    seen.add(model)
    found: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        here = f"{path}.{name}"
        for inner in _leaf_types(info.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= texts_in(inner, seen, here)
        schema = json.dumps(model.model_json_schema()["properties"][name])
        free = '"type": "string"' in schema and not any(
            bound in schema for bound in ('"pattern"', '"const"', '"enum"', '"contentEncoding"', '"$ref"')
        )
        if free:
            found[here] = info
    return found


def _leaf_types(annotation: Any) -> list[Any]:
    inner = typing.get_args(annotation)
    return [leaf for each in inner for leaf in _leaf_types(each)] if inner else [annotation]


def test_nothing_but_the_published_list_can_cross_the_link_in_clear() -> None:
    """The only free texts an agent can send are the customer's own words; all else is numbers, enums, sealed bytes.

    Statements travel as envelopes: the ones an agent sends in clear are its login and its ticket, whose only free
    text is `words` (checked below).
    """
    free: set[str] = set()
    for model in FROM_AGENT.values():
        free |= set(texts_in(model, set(), model.__name__))
    assert free == {"CustomerText.text", "Cosigned.line", "Unsupported.named"}
    from protocol.enrolment import DeviceLogin
    from protocol.tickets import TicketStatement

    assert set(texts_in(TicketStatement, set(), "ticket")) == {"ticket.words"}
    assert set(texts_in(DeviceLogin, set(), "login")) == set()
    assert texts_in(Report, set(), "report") == {}
    assert len(PUBLISHED_LIST) == 6


def test_actions_are_a_closed_list_with_typed_arguments() -> None:
    for name, action in ACTIONS.items():
        assert find_action(name) is action
        assert action.risk == MEANINGS[action.scope].risk
        assert action.sentence
        if not any(field.is_required() for field in action.arguments.model_fields.values()):
            parse_arguments(action, b"{}")
        with pytest.raises(RemoteProtocolError):
            parse_arguments(action, b'{"command":"rm -rf /"}')
    assert parse_arguments(PROCESSES, b'{"sort":"memory","limit":5}') == ProcessesArguments(sort="memory", limit=5)
    with pytest.raises(RemoteProtocolError, match="unknown action"):
        find_action("shell")


def test_statement_names_are_stable() -> None:
    assert StatementName.GRANT.payload_type == "application/vnd.bellpull.grant.v1+json"
    assert link.ITEM_TYPES
