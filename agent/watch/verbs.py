"""Local verbs about this machine's health."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agent.clocks import Clocks
from agent.local.verbs import NoArguments, Peer, Verb
from agent.watch.look import Complaint, Look, SeenFinding
from agent.watch.watch import Watch
from diagnostics.strict_json import encode
from protocol.fields import Kebab
from protocol.limits import WORDS_MAX_CHARS
from protocol.strict_json import WireModel


class OfFinding(WireModel):
    fingerprint: Annotated[str, Field(max_length=2000)]


class Snooze(OfFinding):
    seconds: Annotated[int, Field(ge=60, le=30 * 86_400)]


class SomethingWrong(WireModel):
    """In the person's own words, with what they answered to the questions of the last time."""

    words: Annotated[str, Field(max_length=WORDS_MAX_CHARS)]
    answers: Annotated[dict[Kebab, bool], Field(max_length=64, default_factory=dict)]
    language: Literal["en", "ru"] = "en"


class WatchVerbs:
    def __init__(self, watch: Watch, clocks: Clocks) -> None:
        self._watch = watch
        self._clocks = clocks

    def all(
        self,
    ) -> tuple[Verb[Any], ...]:
        return (
            Verb("findings", NoArguments, self.findings),
            Verb("check-now", NoArguments, self.check_now),
            Verb("known-issues", NoArguments, self.known_issues),
            Verb("something-wrong", SomethingWrong, self.something_wrong, refused_to_sessions=True),
            Verb("finding-snooze", Snooze, self.snooze, refused_to_sessions=True),
            Verb("finding-ignore", OfFinding, self.ignore, refused_to_sessions=True),
            Verb("finding-unignore", OfFinding, self.unignore, refused_to_sessions=True),
        )

    async def findings(self, _: NoArguments, peer: Peer) -> object:
        return {
            "findings": [finding_value(entry) for entry in self._watch.store.visible()],
            "checks": self._watch.store.check_runs(),
            "looked_at": self._watch.last_look_at,
            "waiting": dict(self._watch.waiting),
            "trouble": self._watch.trouble,
        }

    async def known_issues(self, _: NoArguments, peer: Peer) -> object:
        """The organisation's pack as it was signed, what decides whom it is for, and what its trials counted."""
        return {
            "packed": dict(self._watch.issues()),
            "device": self._watch.device,
            "trials": encode(self._watch.trials.all()),
        }

    async def check_now(self, _: NoArguments, peer: Peer) -> object:
        return look_value(await self._watch.look(everything=True))

    async def something_wrong(self, arguments: SomethingWrong, peer: Peer) -> object:
        """Look at what matters for it, and tell what is known. Nothing is sent."""
        complaint = Complaint(arguments.words, arguments.answers, arguments.language)
        return encode((await self._watch.look(wrong=complaint)).advice)

    async def snooze(self, arguments: Snooze, peer: Peer) -> object:
        now = self._clocks.wall()
        self._watch.store.snooze(arguments.fingerprint, now + arguments.seconds, now)
        return {"snoozed_until": now + arguments.seconds}

    async def ignore(self, arguments: OfFinding, peer: Peer) -> object:
        self._watch.store.ignore(arguments.fingerprint, self._clocks.wall())
        return {}

    async def unignore(self, arguments: OfFinding, peer: Peer) -> object:
        self._watch.store.unignore(arguments.fingerprint, self._clocks.wall())
        return {}


def finding_value(entry: SeenFinding) -> dict[str, object]:
    """A finding as local programs read it: diagnostics' own JSON, its words, and what is known of it."""
    return {
        **entry.finding.to_value(),
        "words": encode(entry.words),
        "known_issue": entry.known_issue,
        "advice": encode(entry.advice),
        "article": entry.article,
    }


def look_value(look: Look) -> dict[str, object]:
    return {
        "checks": encode(look.checks),
        "findings": [finding_value(entry) for entry in look.findings],
        "appeared": list(look.appeared),
        "ended": list(look.ended),
        "duration_s": round(look.duration_s, 4),
        "cpu_s": round(look.cpu_s, 4),
    }
