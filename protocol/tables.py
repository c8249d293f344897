"""The byte tables of `protocol/README.md`, drawn from the constants that the code itself uses.

Each block in the README stands between `<!-- table: NAME -->` and `<!-- end -->`; a test holds that they are what
this module draws. After a change:  `python -m protocol.tables < protocol/README.md > new && mv new protocol/README.md`
"""

import re
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from protocol import limits
from protocol.channel import FIN_BODY, FRAME_HEADER, STREAM_FRAMES, FrameType, RecordType
from protocol.checkpoints import LOG_KEY_TYPE, TIME_BYTES, WITNESS_KEY_TYPE
from protocol.cipher_state import HASH_BYTES, KEY_BYTES
from protocol.errors import LocalProtocolError
from protocol.noise import SESSION_PROLOGUE_LABEL, SESSION_PROTOCOL
from protocol.noise_patterns import Pattern, Token, parse_name
from protocol.session_state import FRAME_TABLE, SESSION_TABLE, Side
from protocol.signed_note import KEY_ID_BYTES
from protocol.streams import CREDIT_BODY_BYTES, STREAM_TABLE, ResetReason

_BLOCK: Final = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ANY_SIZE: Final = "…"
_UNITS: Final = frozenset({"KIB", "MIB", "HOUR_S"})  # in limits.py, but no limits


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _layout(fields: Iterable[tuple[int | str, str]]) -> str:
    """Fields of (bytes or `…`, meaning) → a table with their offsets, as long as those are known."""
    rows: list[tuple[object, object, str]] = []
    offset: int | None = 0
    for size, meaning in fields:
        rows.append((_ANY_SIZE if offset is None else offset, size, meaning))
        offset = offset + size if offset is not None and isinstance(size, int) else None
    return _table(("offset", "bytes", "what"), rows)


def _struct_fields(layout: struct.Struct, meanings: Sequence[str]) -> list[tuple[int | str, str]]:
    order, codes = layout.format[:1], layout.format[1:]
    sizes = [struct.calcsize(order + code) for code in codes]
    return list(zip(sizes, meanings, strict=True))


def _handshake() -> str:
    pattern, _ = parse_name(SESSION_PROTOCOL)
    rows = []
    for number, tokens in enumerate(pattern.messages, start=1):
        sender = Side.TECHNICIAN if number % 2 else Side.DEVICE
        rows.append((number, sender.value, ", ".join(tokens), _bare_bytes(pattern, number)))
    return f"`{SESSION_PROTOCOL}`\n\n" + _table(("message", "from", "tokens", "bytes with an empty payload"), rows)


def _bare_bytes(pattern: Pattern, number: int) -> int:
    """Length of a handshake message without payload: keys, and a tag for whatever is already sealed."""
    keyed = False
    total = 0
    for message in pattern.messages[:number]:
        total = 0
        for token in message:
            match token:
                case Token.E:
                    total += KEY_BYTES
                case Token.S:
                    total += KEY_BYTES + (limits.AEAD_TAG_BYTES if keyed else 0)
                case _:
                    keyed = True
        total += limits.AEAD_TAG_BYTES if keyed else 0
    return total


def _prologue() -> str:
    fields: list[tuple[int | str, str]] = [
        (len(SESSION_PROLOGUE_LABEL), f"`{SESSION_PROLOGUE_LABEL.decode()}`"),
        (2, f"{HASH_BYTES}"),
        (HASH_BYTES, "SHA-256 of the organisation's root key"),
    ]
    for what in ("device id", "ticket id, empty if none", "room"):
        fields += [(2, "length"), (_ANY_SIZE, f"{what}, ASCII")]
    return _layout(fields)


def _records() -> str:
    fin = _layout([(1, f"{RecordType.FIN:d} (FIN)"), *_struct_fields(FIN_BODY, ["records sent before this one"])])
    frames = _layout([(1, f"{RecordType.FRAMES:d} (FRAMES)"), (_ANY_SIZE, "one or more whole frames")])
    rekey = _layout([(1, f"{RecordType.REKEY:d} (REKEY)")])
    return f"{frames}\n{rekey}\n{fin}"


def _frame() -> str:
    header = _struct_fields(FRAME_HEADER, ["type", "stream", "length of the payload"])
    return _layout([*header, (_ANY_SIZE, f"payload, at most {limits.FRAME_PAYLOAD_MAX_BYTES}")])


_PAYLOADS: Final = {
    FrameType.OPEN: "what is wanted",
    FrameType.DATA: "one byte or more",
    FrameType.CREDIT: f"u{8 * CREDIT_BODY_BYTES}: bytes that may be sent in addition",
    FrameType.CLOSE: "the last word",
    FrameType.RECEIPT: "a piece of the proof file; an empty one ends it",
    FrameType.RESET: "u8: " + ", ".join(f"{reason:d} {reason.name.lower()}" for reason in ResetReason),
}


def _frame_types() -> str:
    rows = []
    for frame in FrameType:
        senders = [
            f"{side.value} ({', '.join(sorted(state.value for state in FRAME_TABLE[side, frame]))})"
            for side in Side
            if (side, frame) in FRAME_TABLE
        ]
        stream = "its own" if frame in STREAM_FRAMES else "0"
        rows.append((f"{frame:d}", frame.name, stream, _PAYLOADS.get(frame, "JSON"), "; ".join(senders)))
    return _table(("type", "name", "stream", "payload", "who may send it (in which state of the session)"), rows)


def _streams() -> str:
    rows = [
        (state.value, act.value, after.value) for state, acts in STREAM_TABLE.items() for act, after in acts.items()
    ]
    return _table(("state", "what happens", "state after it"), rows)


def _session() -> str:
    rows = [
        (state.value, ", ".join(event.value for event, to in acts.items() if to is after), after.value)
        for state, acts in SESSION_TABLE.items()
        for after in dict.fromkeys(acts.values())
    ]
    return _table(("state", "event", "state after it"), rows)


def _signatures() -> str:
    log = _layout([(KEY_ID_BYTES, f"key id, type {LOG_KEY_TYPE:02x}"), (64, "Ed25519 over the note's text")])
    witness = _layout(
        [
            (KEY_ID_BYTES, f"key id, type {WITNESS_KEY_TYPE:02x}"),
            (TIME_BYTES, "time, unix seconds"),
            (64, 'Ed25519 over "cosignature/v1", "time …" and the note\'s text'),
        ]
    )
    return f"{log}\n{witness}"


def _limits() -> str:
    rows = [
        (f"`{name}`", f"{value:,}".replace(",", " "))
        for name, value in vars(limits).items()
        if name.isupper() and name not in _UNITS
    ]
    return _table(("limit", "value"), rows)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "handshake": _handshake,
    "prologue": _prologue,
    "records": _records,
    "frame": _frame,
    "frame-types": _frame_types,
    "streams": _streams,
    "session": _session,
    "signatures": _signatures,
    "limits": _limits,
}


def fill(readme: str) -> str:
    """`readme` with every table drawn anew. A block that names no table is a `LocalProtocolError`."""

    def drawn(block: re.Match[str]) -> str:
        draw = TABLES.get(block[2])
        if draw is None:
            raise LocalProtocolError("no such table", expected=", ".join(TABLES), got=block[2])
        return f"{block[1]}{draw()}{block[3]}"

    return _BLOCK.sub(drawn, readme)


if __name__ == "__main__":
    sys.stdout.write(fill(sys.stdin.read()))
