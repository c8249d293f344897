"""`bellpull-agent bundle --out F`: collect redacted evidence into a file of your own. Offline, no enrolment needed."""

import argparse
import os
import time
from pathlib import Path

from agent.bundles.talk import BundleRequest, WriteOrder
from agent.cli.command import Command, Exit, WrongUse, ask_yes_no, folder_of, print_json, say
from agent.cli.watch import applications_here
from agent.config import load_config
from agent.identity.identity import Identity
from agent.identity.key_files import read_key
from agent.uuid7 import uuid7
from agent.watch.finding_store import PAST, StoredHistory
from diagnostics.findings import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write; must not exist yet")
    parser.add_argument(
        "--recipient", action="append", metavar="age1…", help="seal to this age recipient; repeat it for more"
    )
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="WHAT", help="leave out this category or file; repeat it"
    )
    parser.add_argument("--yes", action="store_true", help="write a plain bundle without asking")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    from agent.bundles.asking import bundle_seal
    from agent.bundles.planning import make_plan, unticked, written_value
    from agent.children import be_idle
    from diagnostics.machine.local import local_machine
    from diagnostics.vendors.application import settings_of

    if arguments.recipient:
        _check_recipients(arguments.recipient)
    else:
        say("Without --recipient the bundle is written plain: whoever has the file can read it.")
        if not arguments.yes and not ask_yes_no("Write it plain?"):
            say("Nothing was written.")
            return Exit.PROBLEM
    folder = folder_of(arguments)
    identity = Identity.load(folder.identity)
    be_idle()
    now = int(time.time())
    findings, past = _known(folder.database, now)
    request = BundleRequest(
        id=uuid7(),
        now=now,
        secret=(read_key(folder.identity / "secret.key") or os.urandom(32)).hex(),
        findings=findings,
        past=past,
        applications=applications_here(folder.root),
        never=load_config(folder.config).bundle.never,
    )
    plan = make_plan(request, local_machine(watched=settings_of(request.applications)))
    categories = plan.preview().categories
    order = WriteOrder(
        path=str(arguments.out.absolute()),
        recipients=tuple(arguments.recipient) if arguments.recipient else None,
        signed=identity is not None,
        untick_categories=tuple(name for name in arguments.leave_out if name in categories),
        untick_paths=tuple(name for name in arguments.leave_out if name not in categories),
    )

    def sign(root: bytes) -> bytes:
        if identity is None:
            raise RuntimeError("only an enrolled device signs")
        return bundle_seal(identity, None, request.id, root, request.now)

    done = written_value(unticked(plan, order), order, sign if order.signed else None)
    if arguments.json:
        print_json(
            {
                "out": order.path,
                "id": request.id,
                "bytes": done.bytes,
                "files": done.files,
                "redactions": dict(done.redactions),
                "sha256": done.sha256,
                "sealed": done.sealed,
                "signed": order.signed,
            }
        )
    else:
        taken = ", ".join(f"{kind} {count}" for kind, count in done.redactions.items()) or "nothing"
        print(f"{order.path}: {done.files} files, {done.bytes} bytes, {'sealed' if done.sealed else 'plain'}.")
        print(f"Taken out: {taken}.")
        opener = "age -d -i KEY | zstd -d | tar -x" if done.sealed else "zstd -d | tar -x"
        print(f"It opens with: {opener}")
    return Exit.FINE


def _check_recipients(recipients: list[str]) -> None:
    """Before collecting anything: a wrong line is told in no time."""
    from diagnostics.bundle import BundleRefusedError, check_recipients

    try:
        check_recipients(recipients)
    except BundleRefusedError as error:
        raise WrongUse("this is not a recipient", expected=error.expected, got=error.got, hint=error.hint) from None


def _known(database: Path, now: int) -> tuple[tuple[Finding, ...], str]:
    """Findings and the past that the service knows, when there is one; else what one look finds now."""
    if database.exists():
        history = StoredHistory(database)
        try:
            return tuple(history.known_findings()[0]), history.kept(PAST)
        finally:
            history.close()
    from diagnostics.changes.store import MemoryChanges, dump_changes
    from diagnostics.examine import examine
    from diagnostics.history import MemoryHistory
    from diagnostics.machine.local import local_machine

    examined = examine(local_machine(), MemoryHistory(), now=now)
    past = MemoryChanges()
    past.keep(examined.snapshots, examined.changes)
    return examined.findings, dump_changes(past)


COMMAND = Command(
    name="bundle",
    help="Collect redacted evidence of this machine into a file of your own. Sends nothing; works without enrolment.",
    example="bellpull-agent bundle --out ./evidence.tar.zst.age --recipient age1…",
    add_arguments=add_arguments,
    run=run,
)
