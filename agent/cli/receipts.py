"""`bellpull-agent receipts [list|show ID|save ID FILE|verify [FILE]]`: what was done here, and the proof of it."""

import argparse
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agent.cli.command import Command, Exit, folder_of, print_json, say
from agent.consent.prompt_text import quote
from agent.consent.telling import METHODS, OUTCOMES, ended, scope_sentences
from agent.identity.enrol import known_roots
from agent.identity.identity import Identity
from agent.local.client import ServiceAbsent, call
from agent.paths import StateFolder
from agent.proofs.offline import kept_receipts
from agent.proofs.receipts import LISTED_MAX
from agent.refusal import Refusal
from diagnostics.plain_text import printable
from protocol import strict_json
from protocol.errors import ProtocolError
from protocol.grants import ConsentMethod
from protocol.proofs import ProofFile, ProvenVisit, action_line, succession_faults, verify_proof
from protocol.statements import VerifyKey

_PROOF_MAX_BYTES: Final = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("list", "show", "save", "verify"), default="list")
    parser.add_argument("what", nargs="?", help="the id of a receipt, or with verify: a proof file")
    parser.add_argument("file", nargs="?", type=Path, help="with save: where to write the proof file")
    parser.add_argument("--root", metavar="HEX", help="with verify FILE: the organisation's root key, 64 hex digits")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    folder = folder_of(arguments)
    match arguments.act:
        case "verify" if arguments.what is not None:
            return _verify_file(folder, Path(arguments.what), arguments.root, wants_json=arguments.json)
        case "verify":
            return _verify_all(folder, wants_json=arguments.json)
        case "list":
            return _list(folder, wants_json=arguments.json)
        case act:
            if arguments.what is None:
                raise Refusal(
                    f"which receipt do you mean to {act}?",
                    expected=f"bellpull-agent receipts {act} ID",
                    got="no id",
                    hint="List them: bellpull-agent receipts",
                )
            found = _one(folder, arguments.what)
            return _save(found, arguments) if act == "save" else _show(found, wants_json=arguments.json)


def _all(folder: StateFolder) -> list[dict[str, Any]]:
    """Every kept receipt with its proof: from the service, or from its file when it does not run."""
    try:
        listed = call(folder.root, "receipts")["receipts"]
    except ServiceAbsent:
        return kept_receipts(folder.database)
    return [call(folder.root, "receipt-file", grant=each["grant"]) for each in listed]


def _one(folder: StateFolder, wanted: str) -> dict[str, Any]:
    found = [each for each in _all(folder) if each["grant"].startswith(wanted.lower())]
    if len(found) != 1 or len(wanted) < 4:
        raise Refusal(
            "there is no such receipt" if not found else "that names more than one receipt",
            expected="the id of one receipt, or its first digits",
            got=wanted[:80],
            hint="List them: bellpull-agent receipts",
        )
    return found[0]


def _list(folder: StateFolder, *, wants_json: bool) -> int:
    receipts = [{name: each[name] for name in each if name != "proof"} for each in _all(folder)]
    if wants_json:
        print_json({"receipts": receipts})
        return Exit.FINE
    if not receipts:
        print("Nobody has visited this computer yet.")
    for receipt in receipts:
        print(_line(receipt))
    return Exit.FINE


def _line(receipt: dict[str, Any]) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(receipt["granted_at"]))
    done = sum(action["outcome"] == "done" for action in receipt["actions"])
    refused = sum(action["outcome"] == "refused" for action in receipt["actions"])
    rebuilt = " · rebuilt after a crash" if receipt["rebuilt"] else ""
    name = printable(receipt["technician"])
    return (
        f"{receipt['grant'][:12]}  {when}  {name}  {done} done, {refused} refused; "
        f"{ended(receipt['ended_by'])}{rebuilt}"
    )


def _show(receipt: dict[str, Any], *, wants_json: bool) -> int:
    if wants_json:
        print_json(receipt)
        return Exit.FINE
    print(_line(receipt))
    print(f"  {printable(receipt['organisation'])}; they wrote as reason: {quote(receipt['reason'])}")
    who = printable(receipt["local_user"])
    if receipt["method"] == ConsentMethod.UNATTENDED_POLICY:
        print(f"  Nobody here was asked; {who} allowed this, for {receipt['minutes']} minutes:")
    else:
        how = METHODS.get(receipt["method"], receipt["method"])
        print(f"  {who} allowed this, {how}, for {receipt['minutes']} minutes:")
    for sentence in scope_sentences(receipt["scopes"]):
        print(f"  - {sentence}")
    for action in receipt["actions"]:
        detail = f" ({printable(action['detail'])})" if action["detail"] else ""
        outcome = OUTCOMES.get(action["outcome"], action["outcome"])
        print(f"  {action['sequence']}. They {printable(action['sentence'], 400)} — {outcome}{detail}")
        if action["changed"]:
            print(f"     It may have changed this computer. {action['undo']}")
    print(f"  Confirmed by the technician's own signature: {'yes' if receipt['countersigned'] else 'no'}")
    for line in _beside(receipt):
        print(f"  {line}")
    return Exit.FINE


#: By the name of the neighbour: how it is told.
_NEIGHBOURS: Final = {
    "went_on_from": "The connection had been lost: it went on from {}.",
    "went_on_in": "The connection was lost: it went on in {}.",
    "taken_over_from": "They took over from {}.",
    "handed_over_to": "It was handed over to {}.",
}


def _beside(receipt: dict[str, Any]) -> list[str]:
    """What this visit went on from, and what followed."""
    return [
        sentence.format(f"{found['grant'][:12]} ({printable(found['technician'])})")
        for name, sentence in _NEIGHBOURS.items()
        if (found := receipt[name]) is not None
    ]


def _save(found: dict[str, Any], arguments: argparse.Namespace) -> int:
    target = arguments.file or Path(f"receipt-{found['grant'][:12]}.json")
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refusal(
            "the proof file cannot be written", expected=f"a new file {target}", got=error.strerror or str(error)
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(found["proof"])
    if arguments.json:
        print_json({"file": str(target), "grant": found["grant"]})
    else:
        print(f"Written: {target}. Anybody can check it: bellpull-agent receipts verify {target}")
    return Exit.FINE


def _root_keys(folder: StateFolder, given: str | None) -> tuple[VerifyKey, ...]:
    """The root given, or the pinned one and those that were left before it."""
    if given is not None:
        try:
            return (VerifyKey(bytes.fromhex(given)),)
        except (ValueError, ProtocolError):
            raise Refusal("this is not a root key", expected="64 hex digits", got=given[:80]) from None
    identity = Identity.load(folder.identity)
    if identity is None:
        raise Refusal(
            "this computer is not enrolled, so it knows no organisation's root key",
            expected="--root with the organisation's key",
            got="none",
            hint="The organisation prints it: bellpull org init, or it stands in root.json of an audit export.",
        )
    return known_roots(folder) or (identity.root_key,)


def _verify_file(folder: StateFolder, path: Path, root: str | None, *, wants_json: bool) -> int:
    keys = _root_keys(folder, root)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refusal("the proof file cannot be read", expected=str(path), got=error.strerror or str(error)) from error
    proven = _prove(data, keys)
    faults = succession_faults([proven, *_kept_beside(folder, proven, keys)], complete=False)
    if wants_json:
        print_json({"ok": not faults, "chain_faults": faults, **_facts(proven)})
        return Exit.PROBLEM if faults else Exit.FINE
    print(f"Holds. {printable(proven.technician.name)} of {printable(proven.technician.organisation)} was here.")
    print(f"  reason given: {quote(proven.request.reason)}")
    print(f"  allowed: {', '.join(proven.grant.scopes)}")
    for action in proven.receipt.actions:
        print(f"  {printable(action_line(action))}")
    print(f"  {ended(proven.receipt.ended_by.value)}")
    print(f"  confirmed by the technician: {'yes' if proven.countersigned else 'no'}")
    if not proven.certified_device:
        print("  The organisation had not approved this device at that time.")
    if proven.grant.successor_of is not None:
        print(f"  It went on from {proven.grant.successor_of.hex()[:12]} after the connection had been lost.")
    for fault in faults:
        say(f"This receipt does NOT fit another one kept here: {fault}")
    return Exit.PROBLEM if faults else Exit.FINE


def _kept_beside(folder: StateFolder, proven: ProvenVisit, keys: tuple[VerifyKey, ...]) -> list[ProvenVisit]:
    """The visits kept here that this one went on from, or that went on from it. One that does not hold is no witness:
    `receipts verify` without a file names it."""
    found = []
    try:
        receipts = _all(folder)
    except Refusal as error:
        say(f"The receipts kept on this computer were not compared with it: {error.what}.")
        return []
    for kept in receipts:
        other = kept["grant"] != proven.granted.hash.hex()
        near = proven.granted.hash.hex() == kept["successor_of"] or proven.grant.successor_of == bytes.fromhex(
            kept["grant"]
        )
        if other and near:
            with suppress(ProtocolError):
                found.append(_prove(kept["proof"].encode(), keys))
    return found


def _verify_all(folder: StateFolder, *, wants_json: bool) -> int:
    """Every kept receipt against the pinned root, and each that went on over a lost connection against the one before.

    All that were ever made are kept, so that one which is missing between two is a fault as well, unless there are more
    than are listed.
    """
    keys = _root_keys(folder, None)
    good: list[dict[str, object]] = []
    bad: list[dict[str, str]] = []
    visits: list[ProvenVisit] = []
    for found in _all(folder):
        try:
            visits.append(_prove(found["proof"].encode(), keys))
        except ProtocolError as error:
            bad.append({"grant": found["grant"], "what": str(error)})
    good += [_facts(proven) for proven in visits]
    faults = succession_faults(visits, complete=len(visits) + len(bad) < LISTED_MAX)
    if wants_json:
        print_json({"ok": not bad and not faults, "verified": good, "failed": bad, "chain_faults": faults})
    else:
        print(f"{len(good)} receipts hold.")
        if went_on := sum(proven.grant.successor_of is not None for proven in visits):
            print(f"{went_on} of them went on over a lost connection from the one before.")
        for each in bad:
            say(f"{each['grant'][:12]} does NOT hold: {each['what']}")
        for fault in faults:
            say(f"They do NOT fit each other: {fault}")
    return Exit.PROBLEM if bad or faults else Exit.FINE


def _prove(data: bytes, keys: tuple[VerifyKey, ...]) -> ProvenVisit:
    return verify_proof(strict_json.parse(data, ProofFile, what="proof file", max_bytes=_PROOF_MAX_BYTES), *keys)


def _facts(proven: ProvenVisit) -> dict[str, object]:
    receipt = proven.receipt
    return {
        "grant": receipt.grant.hex(),
        "root": proven.request.root.hex(),
        "technician": receipt.technician,
        "organisation": receipt.organisation,
        "scopes": [scope.value for scope in receipt.scopes],
        "actions": len(receipt.actions),
        "ended_by": receipt.ended_by.value,
        "rebuilt": receipt.rebuilt,
        "countersigned": proven.countersigned,
        "certified_device": proven.certified_device,
        "went_on_from": None if proven.grant.successor_of is None else proven.grant.successor_of.hex(),
        "takes_over": proven.request.takes_over,
    }


COMMAND = Command(
    name="receipts",
    help="What was done on this computer, visit by visit, with proofs that hold without any server.",
    example="bellpull-agent receipts\n  bellpull-agent receipts verify receipt-1f2e3d4c5b6a.json",
    add_arguments=add_arguments,
    run=run,
)
