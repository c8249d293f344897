"""The remedy worker: does the acts of one run, a process of its own. `python -m agent.mending.worker`

It writes nothing of its own: every record goes to the service first and comes back kept before the act begins (see
talk.py). SIGTERM means: finish the file in hand, then put everything back.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from agent.mending.talk import LINE_MAX_BYTES, Act, Order
from diagnostics.examine import examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.change.folders import NothingToChange, changeable_folders
from diagnostics.machine.change.interface import ChangingFiles, ChangingProcesses
from diagnostics.machine.change.programs import SystemPrograms
from diagnostics.machine.interface import ChangingMachine
from diagnostics.machine.local import local_machine
from diagnostics.remedies.budget import NotNow
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.journal import Record
from diagnostics.remedies.remedy import Means, NotNeeded, Reading
from diagnostics.remedies.transaction import Answer, Question, Transaction
from diagnostics.strict_json import decode, dump_json, encode, load_json


class Service:
    """The other end of our pipes."""

    def __init__(self) -> None:
        self.stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def say(self, name: str, value: object) -> None:
        data = (dump_json({name: encode(value)}) + "\n").encode()
        while data:
            data = data[os.write(1, data) :]

    def hear(self) -> dict[str, Any]:
        line = sys.stdin.buffer.readline(LINE_MAX_BYTES)
        if not line.endswith(b"\n"):
            raise OSError("the service went away; the next start goes on from the last record")
        value = load_json(line)
        if not isinstance(value, dict):
            raise OSError("the service said something that is no answer")
        return value


class KeptByService:
    """Implements the remedies' Journal: a record is durable when the service says that it has kept it."""

    def __init__(self, service: Service, records: Sequence[Record]) -> None:
        self._service = service
        self._records = list(records)

    def append(self, record: Record) -> None:
        self._service.say("record", record)
        if self._service.hear().get("kept") is not True:
            raise OSError("the service could not keep the record")
        self._records.append(record)

    def records(self, run: str) -> Sequence[Record]:
        return [record for record in self._records if record.run == run]

    def open_runs(self) -> Sequence[str]:
        return sorted({record.run for record in self._records})


def perform(order: Order, service: Service) -> None:
    remedy = REMEDIES[order.remedy]
    means = _means(order, service)
    journal = KeptByService(service, order.records)
    transaction: Transaction[Any] = Transaction(remedy, means, journal, lambda: _reading(order))
    match order.act:
        case Act.PREVIEW:
            try:
                _, question = transaction.preview(now=order.now)
            except NotNeeded as reason:
                service.say("not_needed", str(reason))
                return
            service.say("preview", question)
        case Act.BEGIN:
            not_now = None if order.not_now is None else NotNow(order.not_now, None)
            ending = transaction.begin(order.run, now=order.now, ask=lambda q: _ask(service, q), not_now=not_now)
            service.say("ending", ending)
        case Act.CARRY_ON:
            service.say("ending", transaction.carry_on(order.run, now=order.now))
        case Act.ROLL_BACK:
            ending = transaction.carry_on(order.run, now=order.now, roll_back="you asked to undo it")
            service.say("ending", ending)


def _ask(service: Service, question: Question) -> Answer:
    service.say("question", question)
    answer = service.hear()
    return Answer(yes=answer.get("yes") is True, by=str(answer.get("by", "nobody"))[:120])


def _reading(order: Order) -> Reading:
    """The check that raised the finding, run again now. Without a finding there is nothing to read."""
    if order.fingerprint is None or order.check is None:
        return Reading(None)
    seen = examine(local_machine(), MemoryHistory(), now=order.now, only=[order.check])
    for finding in seen.findings:
        if finding.fingerprint == order.fingerprint:
            return Reading(finding.severity)
    return Reading(None)


def _means(order: Order, service: Service) -> Means:
    if order.act is not Act.PREVIEW:
        os.makedirs(order.quarantine, mode=0o700, exist_ok=True)
    subject = "" if order.fingerprint is None else order.fingerprint.partition("|")[2]
    folders = changeable_folders(order.quarantine)
    return Means(
        changes=_changes(folders, order.quarantine),
        folders=folders,
        quarantine=order.quarantine,
        owner_uid=_own_uid(),
        stop=lambda: service.stopped,
        files=_files(folders, order.quarantine),
        programs=SystemPrograms(local_machine().platform, order.quarantine),
        processes=_processes(order.agent_pid),
        subject=subject,
    )


def _processes(agent_pid: int) -> ChangingProcesses | None:
    if sys.platform != "linux":
        return None
    from diagnostics.machine.change.processes import LocalProcesses

    # All that the service started is spared, visits too.
    return LocalProcesses(local_machine(), own_uid=os.getuid(), agent_pid=agent_pid)


def _own_uid() -> int | None:
    if sys.platform == "win32":
        return None
    return os.getuid()


def _changes(folders: Mapping[str, str], quarantine: str) -> ChangingMachine:
    if sys.platform == "win32":
        return NothingToChange()
    from diagnostics.machine.change.linux import LinuxChanges

    return LinuxChanges(roots=tuple(folders.values()), quarantines=(quarantine,))


def _files(folders: Mapping[str, str], quarantine: str) -> ChangingFiles | None:
    if sys.platform == "win32":
        return None
    from diagnostics.machine.change.files import LinuxFiles

    return LinuxFiles(roots=tuple(folders.values()), quarantines=(quarantine,))


def main() -> int:
    service = Service()
    try:
        order = decode(Order, service.hear())
        perform(order, service)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
