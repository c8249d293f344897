"""The words of the question, built here from verified certificate fields and our own catalogue.

Nothing in it comes from the server. One sentence is the technician's own: their reason. It is quoted, cut, made plain
(no control characters, no direction marks, no quotation marks of its own that could end the quotation) and marked as
theirs. What a person was shown is exactly `PromptText.text`; its SHA-256 goes into the grant.

    Ada Tech asks to connect to this computer.
    …
    The reason they give, in their own words:
      “Looking at the full disk”
"""

from dataclasses import dataclass
from typing import Final

from agent.consent.policy import Offer
from protocol.actions.scopes import MEANINGS, Scope
from protocol.fields import sha256
from protocol.limits import CONSENT_TIMEOUT_S, REASON_MAX_CHARS, RISK3_WAIT_S
from web.plain_text import one_line

LANGUAGE: Final = "en"
NEVER_ASK: Final = "We never ask for gift cards, passwords or banking."
# Enough of their own request for a customer to know it again.
_OWN_WORDS_MAX_CHARS: Final = 160
_RISK_WORDS: Final = ("only looks", "reads more of this computer", "changes this computer", "full control")
# Marks that could end our quotation and let the technician's words pass as ours.
_QUOTES: Final = str.maketrans(dict.fromkeys('"“”„‟«»‹›〝〞〟＂', "'"))


@dataclass(frozen=True)
class PromptFacts:
    """Everything a question is made of. From the verified certificate unless said otherwise."""

    technician: str
    organisation: str
    tier: int
    serial: str
    customer: str | None
    device: str
    device_certified: bool
    ticket: str | None
    ticket_words: str  # from the agent's own store: what this customer wrote
    reason: str  # the technician's words, signed by them, not verified by anybody
    offer: Offer
    minutes: int
    phrase: tuple[str, ...]
    revocations_fresh: bool
    request: bytes  # hash of the session request
    takes_over_from: str | None = None  # who is connected now and has named this technician as the next


@dataclass(frozen=True)
class PromptText:
    """`headline`, then paragraphs, as every surface shows them."""

    headline: str
    text: str

    @property
    def sha256(self) -> bytes:
        return sha256(self.text.encode())


def quote(words: str, max_chars: int = REASON_MAX_CHARS) -> str:
    """Somebody else's words on one line between our quotation marks, at most `max_chars` of them."""
    plain = one_line(words.translate(_QUOTES))
    return f"“{plain[:max_chars]}{'…' if len(plain) > max_chars else ''}”"


def scope_line(scope: Scope) -> str:
    meaning = MEANINGS[scope]
    return f"{meaning.sentence} ({_RISK_WORDS[meaning.risk]})"


def write_prompt(facts: PromptFacts) -> PromptText:
    """The question as it is shown. The same facts always give the same bytes."""
    name, organisation = one_line(facts.technician), one_line(facts.organisation)
    headline = f"{name} asks to connect to this computer."
    if facts.takes_over_from is not None:
        headline = f"{name} asks to take over from {one_line(facts.takes_over_from)}."
    paragraphs = [
        headline,
        f"Who: {name}, technician of {organisation}, tier {facts.tier}.\n"
        f"{organisation}'s signature on their certificate was checked on this computer.",
        _about(facts),
        f"The reason they give, in their own words:\n  {quote(facts.reason)}",
        _wishes(facts),
    ]
    if facts.takes_over_from is not None:
        giver = one_line(facts.takes_over_from)
        paragraphs.append(
            f"{giver}, who is connected now, asks for this. If you say yes, {giver} leaves and {name} continues. "
            f"If you say no, {giver} stays."
        )
    if not facts.revocations_fresh:
        paragraphs.append(
            "Could not check whether this technician's certificate was withdrawn: the newest list is more than "
            "three days old or missing. Nothing that changes this computer is offered."
        )
    if not facts.device_certified:
        paragraphs.append(
            f"{organisation} has not approved this computer yet, so the technician will ask you to read out two of "
            "the words below."
        )
    paragraphs += [
        f"Words that both of you see; on the telephone, compare them:\n  {' '.join(facts.phrase)}",
        _warning(facts.offer.risk),
        f"You can allow less, and stop at any time: the Stop button on your page, or bellpull-agent stop.\n"
        f"No answer within {CONSENT_TIMEOUT_S} seconds means no.",
    ]
    return PromptText(headline, "\n\n".join(paragraphs) + "\n")


def _about(facts: PromptFacts) -> str:
    lines = []
    if facts.ticket is not None:
        own = (
            quote(facts.ticket_words, _OWN_WORDS_MAX_CHARS) if facts.ticket_words else "(a problem this computer found)"
        )
        lines.append(f"About your request for help: {own}")
    if facts.customer is not None:
        lines.append(f"This computer belongs to: {one_line(facts.customer)}")
    lines.append(f"Device: {facts.device}")
    return "\n".join(lines)


def _wishes(facts: PromptFacts) -> str:
    lines = [f"For up to {facts.minutes} minutes, the technician may:"]
    lines += [f"  - {scope_line(scope)}" for scope in facts.offer.scopes]
    if facts.offer.withheld:
        lines.append("Also asked for, and not offered:")
        lines += [f"  - {MEANINGS[scope].sentence}: {why.value}" for scope, why in facts.offer.withheld]
    return "\n".join(lines)


def _warning(risk: int) -> str:
    if risk < 3:
        return NEVER_ASK
    return (
        "Warning: with this, the technician can do everything on this computer that you can. If somebody called you "
        f"out of the blue, say no. {NEVER_ASK}\nYes can be given {RISK3_WAIT_S} seconds after you began to read."
    )
