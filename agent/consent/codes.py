"""`A technician gave me a code`: the customer begins a visit. The code finds the technician and proves nothing.

    the customer types it ─► a ticket of this device's own (chosen, or opened with their words) ─► server: found?
    found ─► a local act: for ten minutes a question may be put, also in a cool-down ─► offer, handshake, question

Nobody is let in by this. Who comes is proven in the handshake and asked about like anybody else.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Protocol, TypeVar

from pydantic import Field

from agent.consent.freeze import Freeze
from agent.local.verbs import Peer, Verb
from agent.refusal import Refusal
from agent.tickets.store import OwnTicket, TicketStore
from protocol.fields import Uuid, Words
from protocol.limits import WORDS_MAX_CHARS
from protocol.messages.codes import CODE_DIGITS, CodeAnswer, CodeTyped
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin

_ANSWER_S: Final = 10.0
R = TypeVar("R", bound=WireModel)


class Asks(Protocol):
    """The link, as far as a code needs it."""

    async def ask(self, message: WireModel, reply: type[R], match: Callable[[R], bool], timeout_s: float) -> R: ...


class CodeArguments(WireModel):
    """`code`: as typed, spaces and dashes allowed. `ticket`: an open one of this device; else `words` open one."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    ticket: Uuid | None = None
    words: Annotated[Words, Field(max_length=WORDS_MAX_CHARS)] = ""


def digits_of(typed: str) -> str:
    """`123 456-789` → `123456789`. Refusal for what cannot be a code."""
    digits = "".join(character for character in typed if character not in " -.\u00a0\t")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise Refusal(
            "this is not a code of a technician",
            expected=f"{CODE_DIGITS} digits, like 123 456 789",
            got=typed[:40],
            hint="Ask them to read it out again.",
        )
    return digits


class CodeVerbs:
    def __init__(self, tickets: TicketStore, link: Asks, freeze: Freeze) -> None:
        self._tickets = tickets
        self._link = link
        self._freeze = freeze

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (Verb("visit-code", CodeArguments, self._typed, refused_to_sessions=True),)

    async def _typed(self, arguments: CodeArguments, peer: Peer) -> object:
        code = digits_of(arguments.code)
        if self._freeze.on:
            raise Refusal(
                "nobody can connect: abuse was reported on this computer",
                expected="an administrator of this computer who lifts that first",
                got="frozen",
                hint="bellpull-agent unfreeze",
            )
        ticket = self._ticket(arguments)
        answer = await self._link.ask(
            CodeTyped(code=code, ticket=ticket.ticket), CodeAnswer, lambda each: each.code == code, _ANSWER_S
        )
        if answer.retry_after_s:
            raise Refusal(
                "too many codes were tried",
                expected=f"another try in {answer.retry_after_s} s",
                got="a try before that",
                hint="Ask the technician for a new code, and type it slowly.",
            )
        if not answer.found:
            raise Refusal(
                "no technician waits behind this code",
                expected="the nine digits that a technician of your organisation reads to you now",
                got=code,
                hint="Codes are good for ten minutes. Whoever called you may also not be from your organisation.",
            )
        self._tickets.local_act()
        return {"found": True, "ticket": ticket.ticket}

    def _ticket(self, arguments: CodeArguments) -> OwnTicket:
        """The one that is named, or the newest open one, or a new one with the customer's words."""
        is_open = [ticket for ticket in self._tickets.list() if ticket.is_open]
        words = arguments.words.strip()
        if arguments.ticket is not None:
            found = self._tickets.known(arguments.ticket)
            if not found.is_open:
                raise Refusal("this request is closed", expected="one that is open", got=found.state.value)
            return found
        same = next((ticket for ticket in is_open if ticket.words == words), None) if words else None
        if same is not None:
            return same  # a second try, after a code that was misheard
        if words:
            return self._tickets.open(origin=TicketOrigin.CUSTOMER, words=words)
        if is_open:
            return is_open[0]
        raise Refusal(
            "say in a few words what the visit is about",
            expected="your words, or an open request for help",
            got="neither",
            hint='bellpull-agent visit CODE "My disk is full"',
        )
