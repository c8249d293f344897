"""Local verbs of consent: list the open questions, show one, answer one.

`consent-decide` is refused to every process of a session: a technician can never press yes for the customer.
`consent-show` too: it starts the time that a person needs to read a warning.
"""

import sys
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from agent.clocks import Clocks
from agent.consent.gate import ConsentGate, PendingPrompt
from agent.local.verbs import NoArguments, Peer, Verb
from agent.refusal import Refusal
from protocol.actions.scopes import MEANINGS, Scope
from protocol.fields import Bytes32, encode_base64
from protocol.grants import ConsentMethod, Minutes
from protocol.strict_json import WireModel

PromptId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


class OnePrompt(WireModel):
    id: PromptId


def _a_persons(method: ConsentMethod) -> ConsentMethod:
    """A person answers here; that nobody was asked is for the owner's policy alone to say."""
    if method is ConsentMethod.UNATTENDED_POLICY:
        raise ValueError("a person's answer is not an unattended one")
    return method


class DecideArguments(WireModel):
    """`text_sha256`: of the text that was shown. `scopes` and `minutes` None: all that was asked."""

    id: PromptId
    approve: bool
    text_sha256: Bytes32 | None = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=32)] | None = None
    minutes: Minutes | None = None
    method: Annotated[ConsentMethod, AfterValidator(_a_persons)] = ConsentMethod.COMMAND


def user_name(uid: int) -> str:
    """The name of a local user, for the consent transcript; the number where there is no name."""
    if sys.platform == "win32":
        return str(uid)
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def prompt_value(prompt: PendingPrompt, boot_s: float) -> dict[str, object]:
    facts = prompt.facts
    return {
        "id": prompt.id,
        "technician": facts.technician,
        "organisation": facts.organisation,
        "tier": facts.tier,
        "ticket": facts.ticket,
        "reason": facts.reason,
        "scopes": [
            {"scope": scope.value, "risk": MEANINGS[scope].risk, "sentence": MEANINGS[scope].sentence}
            for scope in facts.offer.scopes
        ],
        "withheld": [
            {"scope": scope.value, "sentence": MEANINGS[scope].sentence, "why": why.value}
            for scope, why in facts.offer.withheld
        ],
        "minutes": facts.minutes,
        "phrase": list(facts.phrase),
        "revocations_fresh": facts.revocations_fresh,
        "risk": facts.offer.risk,
        "headline": prompt.text.headline,
        "expires_in_s": prompt.expires_in_s(boot_s),
    }


class ConsentVerbs:
    def __init__(self, gate: ConsentGate, clocks: Clocks) -> None:
        self._gate = gate
        self._clocks = clocks

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("consent-list", NoArguments, self._list),
            Verb("consent-show", OnePrompt, self._show, refused_to_sessions=True),
            Verb("consent-decide", DecideArguments, self._decide, refused_to_sessions=True),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        boot_s = self._clocks.boot()
        obstacle = self._gate.obstacle()
        return {
            "pending": [prompt_value(prompt, boot_s) for prompt in self._gate.pending()],
            "quiet_until": None if obstacle is None else obstacle.until,
            "quiet_why": "" if obstacle is None else obstacle.why,
        }

    async def _show(self, arguments: OnePrompt, peer: Peer) -> object:
        prompt = self._gate.show(arguments.id)
        return {
            **prompt_value(prompt, self._clocks.boot()),
            "text": prompt.text.text,
            "text_sha256": encode_base64(prompt.text.sha256),
        }

    async def _decide(self, arguments: DecideArguments, peer: Peer) -> object:
        if not arguments.approve:
            self._gate.refuse(arguments.id)
            return {"approved": False}
        if arguments.text_sha256 is None:
            raise Refusal(
                "a yes without the text that was shown",
                expected="text_sha256 of the question's text",
                got="none",
                hint="Show the question first: bellpull-agent consent show ID",
            )
        yes = self._gate.approve(
            arguments.id,
            scopes=arguments.scopes,
            minutes=arguments.minutes,
            text_sha256=arguments.text_sha256,
            method=arguments.method,
            local_user=user_name(peer.uid),
        )
        return {"approved": True, "scopes": [scope.value for scope in yes.scopes], "minutes": yes.minutes}
