"""Which known issues speak on this device: our own, and those of the organisation's pack.

    a pack's text                                   here
    an issue                                        shown; replaces ours of the same id unless ours is newer
    … with [rollout] share_percent = 10             shown on a tenth of all devices, always the same; ours elsewhere
    … with [rollout] mode = "shadow"                held against this machine and counted; nobody is told; ours goes on
    id = …  version = 3  stopped = "why"            the stop switch: neither ours nor theirs up to version 3 says a word
    application = …                                 a watch (diagnostics/vendors); no known issue, and not judged here
    what cannot be read, or fails its own case      not used, and named

Who signed a pack, and that it is no older than the last one, was decided before (protocol/trust.py). Pure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from diagnostics.knowledge.issue import ISSUE_MAX_BYTES, KnownIssue, Mode, WrongIssue, parse_issue
from diagnostics.knowledge.match import EXPECTED, judge_issue
from diagnostics.vendors.application import Application, WrongApplication, packed_id, watch_in

_REASON_MAX_CHARS = 300
# Hundredths of a per cent: a share of 1 % of ten thousand devices is a hundred of them, within chance.
_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Stop:
    """An issue that was wrong, taken back. A version above `version` speaks again."""

    id: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class RolledOut:
    """`withheld`: theirs that are meant for other devices; `unused`: why others of theirs are not used."""

    shown: tuple[KnownIssue, ...]
    shadow: tuple[KnownIssue, ...] = ()
    withheld: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def parse_packed(text: str, *, source: str) -> KnownIssue | Stop | Application:
    """One text of a pack. Raises WrongIssue."""
    stop = _parse_stop(text, source)
    if stop is not None:
        return stop
    try:
        watch = watch_in(text)
    except WrongApplication as error:
        raise WrongIssue(f"{source}: {error}") from None
    return parse_issue(text, source=source) if watch is None else watch


def _parse_stop(text: str, source: str) -> Stop | None:
    if len(text.encode("utf-8", "surrogatepass")) > ISSUE_MAX_BYTES:
        return None  # parse_issue says so
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    if "stopped" not in table:
        return None
    issue_id, version, reason = table.get("id"), table.get("version"), table["stopped"]
    if not isinstance(issue_id, str) or type(version) is not int or not isinstance(reason, str) or not reason:
        raise WrongIssue(f"{source}: expected id, version and the reason in stopped")
    if len(table) != 3:
        raise WrongIssue(f"{source}: a stop has id, version and stopped only, got {', '.join(sorted(table))}")
    return Stop(issue_id, version, reason)


def in_share(issue_id: str, device: str, percent: int) -> bool:
    """Whether this device is among the first `percent`. A larger share keeps those of the smaller one; each issue has
    its own order, so that no device is the trial of everything."""
    place = int.from_bytes(sha256(f"{issue_id}\0{device}".encode()).digest()[:8]) % _PARTS
    return place < percent * _PARTS // 100


def failing_case(issue: KnownIssue) -> str | None:
    """The name of the first of its own cases that does not hold."""
    for case in issue.cases:
        if judge_issue(issue, case.situation)[0] is not EXPECTED[case.expect]:
            return case.name
    return None


def trials_here(packed: Mapping[str, str], *, device: str) -> tuple[KnownIssue, ...]:
    """Those on trial on this device, without reading the rest of a pack: asked in every look, ill or not."""
    likely = {issue_id: text for issue_id, text in packed.items() if Mode.SHADOW in text}
    return roll_out((), likely, device=device).shadow


def roll_out(own: Iterable[KnownIssue], packed: Mapping[str, str], *, device: str) -> RolledOut:
    """`packed`: texts by id; `device`: what names this device for good."""
    shown = {issue.id: issue for issue in own}
    shadow: list[KnownIssue] = []
    withheld: list[str] = []
    stopped: list[str] = []
    unused: list[str] = []
    for issue_id, text in sorted(packed.items()):
        try:
            found = parse_packed(text, source=issue_id)
        except WrongIssue as error:
            unused.append(f"{issue_id}: {error}"[:_REASON_MAX_CHARS])
            continue
        called = packed_id(found) if isinstance(found, Application) else found.id
        if called != issue_id:
            unused.append(f"{issue_id}: it calls itself {called}"[:_REASON_MAX_CHARS])
            continue
        if isinstance(found, Application):
            continue  # watched by who looks, with or without anything to explain
        ours = shown.get(issue_id)
        if isinstance(found, Stop):
            stopped.append(issue_id)
            if ours is not None and ours.version <= found.version:
                del shown[issue_id]
            continue
        failing = failing_case(found)
        if failing is not None:
            unused.append(f"{issue_id}: its own case {failing!r} does not hold"[:_REASON_MAX_CHARS])
        elif not in_share(issue_id, device, found.rollout.share_percent):
            withheld.append(issue_id)
        elif found.rollout.mode is Mode.SHADOW:
            shadow.append(found)
        elif ours is None or found.version >= ours.version:
            shown[issue_id] = found
    return RolledOut(tuple(shown.values()), tuple(shadow), tuple(withheld), tuple(stopped), tuple(unused))
