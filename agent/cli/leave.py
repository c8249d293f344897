"""`bellpull-agent leave`: away completely. The organisation is told, visits end, keys and state are deleted.

Order, so that a crash in between leaves nothing half: receipts are on the customer's own disk before anything is
deleted; the keys go first; the rest follows. What lies in the state folder and is not ours stays, and is named.
Deleted means unlinked: no program can promise that a disk forgets the blocks.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Final

from agent.cli.command import Command, Exit, WrongUse, ask_yes_no, folder_of, print_json, say
from agent.identity.identity import Identity
from agent.local.client import ServiceAbsent, call
from agent.paths import StateFolder
from agent.proofs.offline import kept_receipts
from agent.refusal import Refusal
from agent.session.host_process import kill_marked, mark_of
from agent.session.host_wire import MARK
from agent.single_instance import SingleInstance
from diagnostics.plain_text import printable

_SERVICE_ENDS_S: Final = 30.0
#: In the order of deletion; `run` holds the lock, so it goes last.
_OURS: Final = (
    "identity", "agent.db", "agent.db-wal", "agent.db-shm", "agent.db-journal", "bundles", "mending", "log",
    "config.toml", "run",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep-receipts", type=Path, metavar="DIR", help="where your receipts go before the rest does")
    parser.add_argument("--yes", action="store_true", help="do not ask; for scripts")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    folder = folder_of(arguments)
    keep: Path | None = arguments.keep_receipts
    _may_be_deleted(folder, keep)
    identity = _identity(folder)
    count = len(_receipts(folder, keep))
    if not arguments.yes and not ask_yes_no(_question(folder, identity, count, keep)):
        raise Refusal("nothing was changed", expected="a yes", got="none", hint="Without being asked: --yes")
    told = _leave_service(folder)
    lock = _take_lock(folder)
    try:
        kill_marked(mark_of(folder.root))
        # Again: the end of a visit has just made one more.
        receipts = _receipts(folder, keep)
        kept = 0 if keep is None else _keep(receipts, identity, keep)
        stays = _delete(folder)
    finally:
        lock.release()
    result = {
        "told": bool(told and told["told"]),
        "why_not_told": "the service did not run" if told is None else told["why"],
        "undelivered": None if told is None else told["undelivered"],
        "visits_stopped": 0 if told is None else told["stopped"],
        "receipts_kept": kept,
        "receipts_deleted": len(receipts) - kept,
        "device": None if identity is None else identity.device,
        "not_ours": stays,
    }
    if arguments.json:
        print_json(result)
    else:
        print("\n".join(_words(result, folder, identity, keep)))
    return Exit.FINE


def _may_be_deleted(folder: StateFolder, keep: Path | None) -> None:
    """Refuses whoever must not, and whatever is not a state folder of ours."""
    if MARK in os.environ:
        raise Refusal(
            "this is refused to programs started by a technician's session",
            expected="a program started at this machine",
            got="one of a session",
        )
    if folder.root.is_symlink() or not any((folder.root / name).exists() for name in ("identity", "agent.db")):
        raise Refusal(
            "there is nothing of Bellpull to delete here",
            expected=f"an agent's state folder in {folder.root}",
            got="a link" if folder.root.is_symlink() else "none",
            hint="The machine's own is left by root: sudo bellpull-agent leave. Another one: --state DIR",
        )
    if sys.platform != "win32" and folder.root.stat().st_uid != os.geteuid():
        raise Refusal(
            "the state folder belongs to another user",
            expected=f"user {folder.root.stat().st_uid}",
            got=f"user {os.geteuid()}",
            hint="Run the command as that user; for the machine's service: sudo bellpull-agent leave",
        )
    if keep is not None and keep.resolve().is_relative_to(folder.root.resolve()):
        raise WrongUse(
            "receipts kept there would be deleted", expected=f"a folder outside {folder.root}", got=str(keep)
        )
    aside = [path for path in (folder.root / "mending").rglob("*") if path.is_file()]
    if aside:
        raise Refusal(
            "a fix has put files of yours aside, and they would be deleted",
            expected="no files in the folder mending",
            got=f"{len(aside)}, such as {aside[0]}",
            hint="Finish or undo the fix first: bellpull-agent mend",
        )


def _receipts(folder: StateFolder, keep: Path | None) -> list[dict[str, Any]]:
    """All of them. A damaged database stands in the way of keeping them, never of leaving."""
    try:
        return kept_receipts(folder.database)
    except Refusal as error:
        if keep is not None:
            raise
        say(f"The receipts here cannot be read ({error.got}); they are deleted as they are.")
        return []


def _identity(folder: StateFolder) -> Identity | None:
    try:
        return Identity.load(folder.identity)
    except Refusal as error:
        say(f"The identity here is damaged ({error.what}); it is deleted as it is.")
        return None


def _question(folder: StateFolder, identity: Identity | None, receipts: int, keep: Path | None) -> str:
    whom = "" if identity is None else f" and tell {printable(identity.organisation)} that this device leaves"
    if keep is not None:
        proofs = f" Your {receipts} receipts go to {keep}."
    elif receipts:
        proofs = f" Your {receipts} receipts, the proofs of what was done here, go too; --keep-receipts DIR keeps them."
    else:
        proofs = ""
    return (
        f"End every visit{whom}, then delete the keys and everything in {folder.root}?{proofs} This cannot be undone."
    )


def _leave_service(folder: StateFolder) -> dict[str, Any] | None:
    """The service's answer, which then stops; None when none runs."""
    try:
        answer: dict[str, Any] = call(folder.root, "leave")
    except ServiceAbsent:
        return None
    return answer


def _take_lock(folder: StateFolder) -> SingleInstance:
    folder.run.mkdir(mode=0o700, exist_ok=True)
    ends = time.monotonic() + _SERVICE_ENDS_S
    while True:
        try:
            return SingleInstance.take(folder.lock)
        except Refusal:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def _keep(receipts: list[dict[str, Any]], identity: Identity | None, target: Path) -> int:
    """Every proof file, and the root key to check them with, on the disk when this returns."""
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for receipt in receipts:
            _write(target / f"receipt-{receipt['grant'][:12]}.json", receipt["proof"])
        if identity is not None and receipts:
            root = identity.root_key.public.hex()
            _write(
                target / "README.txt",
                f"Receipts of {identity.device}: what was done on it by {printable(identity.organisation)}.\n"
                f"Anybody can check one: bellpull-agent receipts verify FILE --root {root}\n",
            )
        if sys.platform != "win32":
            handle = os.open(target, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as error:
        raise Refusal(
            "the receipts could not be kept, so nothing was deleted",
            expected=f"a folder {target} that can be written",
            got=error.strerror or str(error),
            hint="Name another folder and say it again; the service has stopped already.",
        ) from error
    return len(receipts)


def _write(path: Path, text: str) -> None:
    """A new file; the same content from an earlier try is fine, anything else is not overwritten."""
    if path.is_file() and path.read_text("utf-8") == text:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _delete(folder: StateFolder) -> list[str]:
    """Ours, the keys first. Returns what is not ours and stays; the folder itself goes when that is nothing."""
    try:
        for name in _OURS:
            path = folder.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        stays = sorted(entry.name for entry in os.scandir(folder.root))
        if not stays:
            folder.root.rmdir()
    except OSError as error:
        raise Refusal(
            "not everything could be deleted",
            expected=f"no {error.filename or folder.root}",
            got=error.strerror or str(error),
            hint="Say it again once that is cured; what is gone stays gone.",
        ) from error
    return stays


def _words(result: dict[str, Any], folder: StateFolder, identity: Identity | None, keep: Path | None) -> list[str]:
    lines = [f"Deleted: the keys and the state in {folder.root}."]
    if result["receipts_kept"]:
        lines.append(f"Kept: {result['receipts_kept']} receipts in {keep}, with the key to check them.")
    if result["receipts_deleted"]:
        lines.append(f"Deleted with it: {result['receipts_deleted']} receipts.")
    if result["not_ours"]:
        lines.append(f"Left as they are, not being ours: {printable(', '.join(result['not_ours']))}")
    if identity is None:
        return lines
    name = printable(identity.organisation)
    if result["told"]:
        lines.append(f"{name} was told by a signed ticket, and withdraws the certificate on its side.")
    else:
        lines.append(f"{name} was NOT told ({printable(result['why_not_told'])}).")
        lines.append(f"Tell them yourself, so that they withdraw the certificate of {identity.device}.")
    if result["undelivered"]:
        lines.append(f"{result['undelivered']} messages never reached them.")
    return lines


COMMAND = Command(
    name="leave",
    help="Leave your support organisation and delete all of Bellpull's keys and state here. Asks first.",
    example="bellpull-agent leave --keep-receipts ~/bellpull-receipts",
    add_arguments=add_arguments,
    run=run,
)
