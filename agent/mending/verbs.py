"""Local verbs of mending: list, preview, run, undo. A process of a visit can look, and can change nothing."""

from typing import Annotated, Any

from pydantic import Field

from agent.consent.verbs import user_name
from agent.local.verbs import NoArguments, Peer, Verb
from agent.mending.mending import Mending, Preview
from agent.mending.policy import QuietHours, RunsADay
from diagnostics.remedies.profile import Ending
from protocol.fields import Kebab, Uuid
from protocol.strict_json import WireModel


class PreviewArguments(WireModel):
    """`finding`: the fingerprint it is meant to cure, so that it can be looked at again afterwards."""

    remedy: Kebab
    finding: Annotated[str, Field(max_length=2000)] | None = None


class RunArguments(WireModel):
    preview: Uuid


class UndoArguments(WireModel):
    run: Uuid


class PolicyArguments(WireModel):
    """What is not named stays as it is; nothing named shows it."""

    alone: bool | None = None
    quiet: QuietHours | None = None
    runs_a_day: RunsADay | None = None
    stop: bool | None = None


class MendingVerbs:
    def __init__(self, mending: Mending) -> None:
        self._mending = mending

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("remedies", NoArguments, self._list),
            Verb("remedy-policy", PolicyArguments, self._policy, administrator=True, refused_to_sessions=True),
            Verb("remedy-preview", PreviewArguments, self._preview),
            Verb("remedy-run", RunArguments, self._run, refused_to_sessions=True),
            Verb("remedy-undo", UndoArguments, self._undo, refused_to_sessions=True),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        return {
            "remedies": self._mending.remedies(),
            "policy": self._mending.policy().model_dump(),
            "outcomes": dict(self._mending.outcomes()),
        }

    async def _policy(self, arguments: PolicyArguments, peer: Peer) -> object:
        changed = {name: value for name, value in arguments.model_dump().items() if value is not None}
        self._mending.set_policy(self._mending.policy().model_copy(update=changed))
        return self._mending.policy().model_dump()

    async def _preview(self, arguments: PreviewArguments, peer: Peer) -> object:
        return preview_value(await self._mending.preview(arguments.remedy, arguments.finding))

    async def _run(self, arguments: RunArguments, peer: Peer) -> object:
        return ending_value(await self._mending.run(arguments.preview, user_name(peer.uid)))

    async def _undo(self, arguments: UndoArguments, peer: Peer) -> object:
        return ending_value(await self._mending.undo(arguments.run))


def preview_value(preview: Preview) -> dict[str, object]:
    question = preview.question
    return {
        "preview": preview.id,
        "remedy": preview.remedy,
        "title": question.title,
        "text": question.text,
        "risk": int(question.risk),
        "steps": list(question.steps),
    }


def ending_value(ending: Ending) -> dict[str, object]:
    return {
        "run": ending.run,
        "outcome": None if ending.outcome is None else ending.outcome.value,
        "detail": ending.detail,
        "watch_until": ending.watch_until_unix_s,
    }
