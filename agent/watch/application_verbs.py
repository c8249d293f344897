"""Local verbs of watched applications: list for everybody here, add and remove for an administrator of the machine."""

from typing import Annotated, Any

from pydantic import Field

from agent.event_log import EventLog
from agent.local.verbs import NoArguments, Peer, Verb
from agent.refusal import Refusal
from agent.watch.applications import Watched, Watches, Wish
from diagnostics.strict_json import encode
from diagnostics.vendors.application import FILE_MAX_BYTES, WrongApplication, own_applications, text_of
from protocol.fields import Kebab
from protocol.strict_json import WireModel


class AddArguments(WireModel):
    """`text`: the watch as TOML, as the owner has seen it."""

    text: Annotated[str, Field(max_length=FILE_MAX_BYTES)]


class OfName(WireModel):
    name: Kebab


class ApplicationVerbs:
    """`organisation`: whose wish stands beside the owner's."""

    def __init__(self, watches: Watches, *, organisation: str, log: EventLog) -> None:
        self._watches = watches
        self._organisation = organisation
        self._log = log

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("watches", NoArguments, self._list, refused_to_sessions=True),
            Verb("watch-text", OfName, self._text, refused_to_sessions=True),
            Verb("watch-add", AddArguments, self._add, administrator=True, refused_to_sessions=True),
            Verb("watch-remove", OfName, self._remove, administrator=True, refused_to_sessions=True),
        )

    async def _list(self, _: NoArguments, peer: Peer) -> object:
        found = self._watches.list()
        return {
            "organisation": self._organisation,
            "watched": [watched_value(each) for each in found.watched],
            "refused": list(found.refused),
            "unused": list(found.unused),
            "shipped": list(own_applications()),
        }

    async def _add(self, arguments: AddArguments, peer: Peer) -> object:
        added = self._watches.add(arguments.text)
        self._log.info("application-watched", application=added.application)
        return {"application": encode(added)}

    async def _remove(self, arguments: OfName, peer: Peer) -> object:
        removed = self._watches.remove(arguments.name)
        self._log.info("application-not-watched", application=arguments.name)
        return watched_value(removed)

    async def _text(self, arguments: OfName, peer: Peer) -> object:
        """By name: what the organisation offers itself, before what ships."""
        offered = self._watches.offered(arguments.name)
        if offered is not None:
            return {"text": offered, "wish": Wish.ORGANISATION.value}
        if arguments.name not in own_applications():
            raise Refusal(
                "there is no watch of that name",
                expected="a file, or one of " + ", ".join(own_applications()),
                got=arguments.name[:60],
            )
        try:
            return {"text": text_of(arguments.name), "wish": Wish.OWNER.value}
        except WrongApplication as error:
            raise Refusal("the watch that ships cannot be read", got=str(error)) from None


def watched_value(watched: Watched) -> dict[str, object]:
    return {
        "application": encode(watched.application),
        "wish": watched.wish.value,
        "settings_offered": list(watched.settings_offered),
        "since": watched.since,
    }
