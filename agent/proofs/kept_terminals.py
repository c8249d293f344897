"""Terminals in the transcript: what was typed and shown, as text, as far as it was kept beside the journal.

    {"action":3,"typed":"ls\r","shown":"file\r\n","cut":false}

Only the beginning of each is kept (protocol/actions/terminal.py); the hashes of all of it stand in the action's detail.
`left_out`: together they would have made the transcript too long to be sent; what was kept stays on the device.
"""

from collections.abc import Sequence
from typing import Final

from agent.proofs.journal_store import JournalStore
from agent.session.action_stream import KeptStreams
from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.journal import JournalEntry, JournalWord
from protocol.pieces import PieceReader

#: All terminals of a visit together, as JSON: what is sealed may have 128 KiB in all.
TOGETHER_MAX_CHARS: Final = 64 * 1024


def kept_terminals(entries: Sequence[JournalEntry], journal: JournalStore) -> list[dict[str, object]]:
    """What of the journal's own values is a stream, in the order of the actions."""
    found: list[dict[str, object]] = []
    room = TOGETHER_MAX_CHARS
    for entry in entries:
        value = journal.value_of(entry.sequence) if entry.word is JournalWord.ACTION_ENDED else None
        if value is None:
            continue
        kept = strict_json.parse(value, KeptStreams, what="kept streams", max_bytes=1 << 20)
        told: dict[str, object] = {
            "action": entry.action_sequence,
            "typed": _text(kept.received),
            "shown": _text(kept.sent),
            "cut": kept.cut,
        }
        size = len(repr(told))
        if size > room:
            told = {"action": entry.action_sequence, "left_out": True}
        else:
            room -= size
        found.append(told)
    return found


def _text(stream: bytes) -> str:
    """The bytes among the pieces. Cut off in the middle of one, or of a character: as far as it goes."""
    try:
        pieces = PieceReader("kept stream").feed(stream)
    except RemoteProtocolError:
        return "(what came was no stream of pieces)"
    return b"".join(piece for piece, _ in pieces if isinstance(piece, bytes)).decode("utf-8", "replace")
