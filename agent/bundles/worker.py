"""The bundle worker: a child at idle priority that holds one plan in its memory until it is written or dropped.

`python -m agent.bundles.worker`; the conversation stands in talk.py. When its stdin closes it ends, and nothing of
what it collected was ever on a disk.
"""

import base64
import sys
from typing import NoReturn

from agent.bundles.planning import make_plan, preview_value, unticked, written_value
from agent.bundles.talk import LINE_MAX_BYTES, SHOWN_MAX_CHARS, BundleRequest, WriteOrder
from agent.children import be_idle
from agent.refusal import Refusal, as_error
from diagnostics.bundle import Plan, visible
from diagnostics.machine.local import local_machine
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.vendors.application import settings_of


def main() -> int:
    be_idle()
    try:
        request = decode(BundleRequest, _hear())
        plan = make_plan(request, local_machine(request.agent, settings_of(request.applications)))
        _say({"preview": preview_value(plan)})
        while True:
            _serve(plan, _hear())
    except Refusal as refused:
        _say({"refused": as_error(refused)})
        return 1


def _serve(plan: Plan, asked: dict[str, object]) -> None:
    match asked:
        case {"show": str(path)}:
            _say(_shown(plan, path))
        case {"write": order}:
            ordered = decode(WriteOrder, order)
            done = written_value(unticked(plan, ordered), ordered, _signature if ordered.signed else None)
            _say({"written": encode(done)})
        case _:
            raise Refusal("the bundle worker does not know this", expected="show or write", got=str(list(asked))[:80])


def _shown(plan: Plan, path: str) -> dict[str, object]:
    try:
        text = plan.content(path)[: SHOWN_MAX_CHARS * 4].decode("utf-8", "replace")
    except KeyError:
        return {"refused": as_error(Refusal("this file is not in the bundle", expected="a path of the preview"))}
    return {"content": visible(text[:SHOWN_MAX_CHARS])}


def _signature(root: bytes) -> bytes:
    _say({"sign": root.hex()})
    answer = _hear()
    return base64.b64decode(str(answer.get("signature", "")), validate=True)


def _say(value: object) -> None:
    sys.stdout.buffer.write(dump_json(value).encode() + b"\n")
    sys.stdout.buffer.flush()


def _hear() -> dict[str, object]:
    line = sys.stdin.buffer.readline(LINE_MAX_BYTES)
    if not line:
        _leave()
    value = load_json(line)
    if not isinstance(value, dict):
        raise Refusal("the bundle worker expects an object", got=type(value).__name__)
    return value


def _leave() -> NoReturn:
    """Nobody asks any more: the plan goes with this process."""
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
