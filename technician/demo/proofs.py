"""What the demo proves at the end: the receipt, the audit log, and that the server could read nothing it must not."""

from typing import Any

from technician.demo.canaries import Canary, of_this_machine
from technician.demo.programs import wait_until
from technician.demo.search import Haystack
from technician.demo.stage import WORDS, Stage
from technician.demo.wire import read_tap
from technician.problems import Problem


def verify_receipt(stage: Stage, ended: dict[str, Any]) -> dict[str, Any]:
    """The technician's copy under the organisation's root, and the customer's own copy."""
    if not ended["receipt"]:
        raise Problem("no receipt came", expected="one, countersigned", got="none")
    root = stage.folder.organisation / "root.json"
    (told,) = stage.bellpull("receipt", "verify", ended["receipt"], "--root", root)["receipts"]
    own = stage.customer("receipts", "verify")
    if not told["countersigned"] or told["ended_by"] != "customer":
        raise Problem(
            "the receipt tells another visit", expected="ended by customer, countersigned", got=str(told)[:200]
        )
    return {
        "actions": told["actions"],
        "countersigned": True,
        "customers_copy": own,
        "say": f"{len(told['actions'])} actions, countersigned, both copies hold",
    }


def verify_audit(stage: Stage) -> dict[str, Any]:
    """Export and check from files. The device cosigns a moment after the last entry: asked again until it has."""
    receipts = stage.folder.technician / "receipts"
    last: dict[str, Any] = {}

    def holds() -> dict[str, Any] | None:
        stage.bellpull("audit", "export", "--out", stage.folder.audit, *stage.secret)
        report: dict[str, Any] = stage.programs.run(
            "bellpull", "audit", "verify", stage.folder.audit, "--receipts", receipts, "--json", ok=(0, 1)
        )
        last.update(report)
        whole = report["ok"] and any(each["size"] == report["entries"] for each in report["witnesses"])
        return report if whole and not report["notes"] else None

    try:
        report = wait_until("the audit log to hold", holds, within_s=20)
    except Problem:
        raise Problem(
            "the audit log does not hold", got="; ".join(last.get("problems", []) + last.get("notes", []))
        ) from None
    return {
        "entries": report["entries"],
        "witnesses": len(report["witnesses"]),
        "visits": report["visits"],
        "receipts": report["receipts"],
        "say": f"{report['entries']} entries, {len(report['witnesses'])} device vouches, {report['receipts']} receipt",
    }


def search_everything(stage: Stage) -> dict[str, Any]:
    """Every canary in all that the server saw, kept or wrote; and the words to the desk, which must be found."""
    canaries = [*of_this_machine(), *stage.planted.canaries]
    # The last words of what was written to the desk: they must be found where people are told they are readable.
    control = WORDS.split(". ")[1]
    conversations = read_tap(stage.folder.tap)
    wire = Haystack((*(canary.word for canary in canaries), control))
    kept = Haystack(wire.words)
    frames = 0
    for conversation in conversations:
        frames += len(conversation.messages) if conversation.relay else 0
        for piece in conversation.pieces:
            wire.look(f"wire, connection {conversation.name} {conversation.path.split('?')[0]}", piece)
    files = kept.look_in_folder(stage.folder.server)
    kept.look("the server's output", (stage.folder.logs / "bellpull-server.log").read_bytes())
    if control not in wire.found or control not in kept.found:
        raise Problem(
            "the search finds nothing, not even what must be there",
            expected="the words to the desk, in the wire and in the server's files",
            got=f"wire: {bool(wire.found.get(control))}, files: {bool(kept.found.get(control))}",
        )
    if frames == 0:
        raise Problem("the tap saw no relay", expected="the visit's messages", got="none")
    _raise_if_found(canaries, wire, kept)
    return {
        "canaries": sorted({canary.what for canary in canaries}),
        "found": 0,
        "relay_messages": frames,
        "wire_bytes": wire.size_bytes,
        "server_files": files,
        "control_found": True,
        "say": f"{len(canaries)} canaries, {frames} relay messages, {files} server files: none; the control was found",
    }


def _raise_if_found(canaries: list[Canary], wire: Haystack, kept: Haystack) -> None:
    for canary in canaries:
        places = sorted(wire.found.get(canary.word, set()) | kept.found.get(canary.word, set()))
        if places:
            raise Problem(
                f"the server could read {canary.what}",
                expected="nothing beyond the published list",
                got="; ".join(places[:3]),
                hint="This is a fault of Bellpull. Please report it.",
            )
