"""What may be asked of the service on its local socket: fixed verbs with typed arguments, listed by the rooms.

    {"verb":"status","arguments":{}}
    {"ok":true,"result":{…}}  |  {"ok":false,"error":{"what":…,"expected":…,"got":…,"hint":…}}

Who asks is known from the kernel, never from the message. Heard are the service's own user, root, and the person who
sits at the machine; no other user of it. `administrator`: only the service's own user or root. `refused_to_sessions`:
not for a process that a technician's session started, whoever it runs as.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from agent.refusal import Refusal
from protocol.strict_json import WireModel

A = TypeVar("A", bound=WireModel)


class NoArguments(WireModel):
    """For verbs that take none."""


@dataclass(frozen=True)
class Peer:
    """Who is on the other end of the socket, as the kernel says. `in_session`: a process of a technician's session.
    `sits_here`: the person at the active seat (agent/local/seat.py)."""

    uid: int
    pid: int
    is_administrator: bool
    in_session: bool
    sits_here: bool = False


@dataclass(frozen=True)
class Verb(Generic[A]):
    name: str
    arguments: type[A]
    handle: Callable[[A, Peer], Awaitable[object]]
    administrator: bool = False
    refused_to_sessions: bool = False


class Catalogue:
    """All verbs by name. A name twice is a defect of ours and raises at once."""

    def __init__(self, verbs: Iterable[Verb[Any]] = ()) -> None:
        self._verbs: dict[str, Verb[Any]] = {}
        self.enrolled = True
        self.add(*verbs)

    def add(self, *verbs: Verb[Any]) -> None:
        for verb in verbs:
            if verb.name in self._verbs:
                raise ValueError(f"the verb {verb.name} is listed twice")
            self._verbs[verb.name] = verb

    @property
    def verbs(self) -> MappingProxyType[str, Verb[Any]]:
        return MappingProxyType(self._verbs)

    def allowed(self, name: str, peer: Peer) -> Verb[Any]:
        """The verb, when this peer may use it; else a Refusal that says why."""
        if not peer.is_administrator and not peer.sits_here:
            raise Refusal(
                "only who sits at this machine, or an administrator of it, is heard here",
                expected="the person at the active seat, or root",
                got=f"user {peer.uid}",
                hint="With administrator's rights: sudo bellpull-agent …",
            )
        verb = self._verbs.get(name)
        if verb is None and not self.enrolled:
            raise Refusal(
                "this device is not enrolled",
                expected="a support organisation that it answers to",
                got="none",
                hint="With the token they gave you: bellpull-agent enrol TOKEN",
            )
        if verb is None:
            raise Refusal(
                "the service does not know this request",
                expected="one of " + ", ".join(sorted(self._verbs)),
                got=name[:40],
                hint="Is the running service older than this program? Restart it.",
            )
        if verb.refused_to_sessions and peer.in_session:
            raise Refusal(
                "this is refused to programs started by a technician's session",
                expected="a program started at this machine",
                got=f"process {peer.pid} of a session",
            )
        if verb.administrator and not peer.is_administrator:
            raise Refusal(
                "this needs an administrator of the machine",
                expected="the service's own user or root",
                got=f"user {peer.uid}",
            )
        return verb
