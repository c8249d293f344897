"""What a customer reads about a visit, in plain words: each act with what it was about, how it ended, what it changed.

Gathered here so that the page, the terminal and a translation use the same sentences. Pure. The sentence of an action
is in its catalogue line; what it was about comes from its arguments, as the technician signed them: which log, which
file, which process. Those are the technician's words: one line, cut, between our quotation marks.

    told("logs", b'{"source":"journal","unit":"ssh.service"}')
        → read system logs, with personal data replaced: “journal”, unit “ssh.service”
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agent.consent.prompt_text import quote
from protocol.actions.catalogue import ACTIONS, parse_arguments
from protocol.actions.scopes import MEANINGS, Scope
from protocol.errors import RemoteProtocolError

_UNKNOWN: Final = "asked for something this computer does not know"
_VALUE_MAX_CHARS: Final = 120
_VALUES_MAX: Final = 8

#: How an argument is called where its own name would say little to a customer. `{}`: the value, quoted.
_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "source": "{}",
        "path": "{}",
        "name": "{}",
        "file": "{}",
        "folder": "{}",
        "pid": "process {}",
        "unit": "unit {}",
        "service": "service {}",
        "remedy": "the fix {}",
        "check": "the check {}",
        "checks": "the checks {}",
        "finding": "about {}",
        "text": "with the words {}",
        "since_s": "of the last {} seconds",
        "severity": "{} and worse",
    }
)
#: Said even when the technician left them at their default: they are what the act is about.
_ALWAYS: Final = frozenset({"source", "path", "pid", "service", "remedy"})
#: How a table is drawn, where a reading begins: nothing a customer needs to know.
_NEVER: Final = frozenset(
    {
        "after",
        "limit",
        "sort",
        "lines",
        "offset",
        "list",
        "length",
        "rows",
        "cols",
        "columns",
        "started_ms",
        "grace_s",
        "preview",
        "run",
    }
)

ENDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "customer": "you stopped it",
        "technician": "the technician ended it",
        "expired": "the time you allowed was over",
        "revoked": "the technician's certificate was withdrawn",
        "connection-lost": "the connection was lost",
        "protocol-error": "the technician's program did something it must not; it was cut off",
        "agent-stopped": "Bellpull was stopped on this computer",
        "audit-unavailable": "the audit log could not be reached, so nothing more was allowed",
    }
)

OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "running": "going on",
        "done": "done",
        "failed": "did not work",
        "refused": "refused: you did not allow it",
        "cancelled": "cut off",
        "unknown": "not known: Bellpull ended while it ran",
    }
)

METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "terminal": "at a terminal of this computer",
        "command": "with a command on this computer",
        "approval-page": "in the approval window of the browser",
        "window": "in a window of this computer",
        "unattended-policy": "nobody was asked: the owner of this computer had signed a policy for it",
    }
)

#: How to put back what an action changed, by its name. Others: by whether they change anything at all.
_UNDO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "remedies.run": "Under Fixes, on your page, it can be put back for a day (bellpull-agent mend).",
        "remedies.undo": "A fix was put back; under Fixes, on your page, it can be run again.",
        "services.control": "The service can be started or stopped again; a restart alone leaves nothing behind.",
        "processes.end": "It cannot be taken back. Start the program again; what was not saved in it is lost.",
        "files.upload": "The file lies where it is named above. Delete it if you do not want it.",
        "files.write": "The file lies where it is named above. Delete it if you do not want it.",
        "terminal": "What was typed there may have changed anything you can change. Ask the technician what it was.",
        "terminal.open": "What was typed there may have changed anything you can change. Ask the technician.",
    }
)
_UNDO_UNKNOWN: Final = "Ask the technician how it is put back: their name is above, and it is in their own record too."


def ended(by: str) -> str:
    """`you stopped it`; the bare word for one that a newer version wrote."""
    return ENDED.get(by, by)


def capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def about(action: str, arguments: bytes | None) -> str:
    """What the act was about, from its arguments; empty when there is nothing to say or it cannot be read."""
    spec = ACTIONS.get(action)
    if spec is None or not arguments:
        return ""
    try:
        parsed = parse_arguments(spec, arguments)
    except RemoteProtocolError:
        return "with arguments that are not allowed"
    said = []
    for name, field in type(parsed).model_fields.items():
        value = getattr(parsed, name)
        if name in _NEVER or isinstance(value, bytes | bool) or value in ("", None, (), []):
            continue
        if name not in _ALWAYS and not field.is_required() and value == field.default:
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
        label = _LABELS.get(name, f"{name.replace('_', ' ')} {{}}")
        said.append(label.replace("{}", shown if isinstance(value, int) else quote(shown, _VALUE_MAX_CHARS)))
    return ", ".join(said[:_VALUES_MAX])


def sentence_of(action: str) -> str:
    """Follows `They …`."""
    spec = ACTIONS.get(action)
    return _UNKNOWN if spec is None else spec.sentence


def told(action: str, arguments: bytes | None) -> str:
    """The whole act in words, to follow `They …`."""
    detail = about(action, arguments)
    return f"{sentence_of(action)}: {detail}" if detail else sentence_of(action)


def may_have_changed(action: str, outcome: str) -> bool:
    """Whether this computer may differ because of it: only what ran, and only what changes."""
    spec = ACTIONS.get(action)
    changes = spec is not None and (spec.changes or MEANINGS[spec.scope].risk >= 2)
    return changes and outcome not in ("refused", "running")


def undo(action: str) -> str:
    return _UNDO.get(action, _UNDO_UNKNOWN)


def scope_sentences(scopes: tuple[str, ...] | list[str]) -> list[str]:
    """What was allowed, in words; a scope of a newer version by its name."""
    known = {scope.value: scope for scope in Scope}
    return [MEANINGS[known[scope]].sentence if scope in known else scope for scope in scopes]
