"""A journal of JSON lines. Not synced to the disk: what a killed process has written, the kernel keeps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from diagnostics.remedies.journal import Phase, Record, Step
from diagnostics.strict_json import decode, dump_json, encode, load_json


class JournalFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, record: Record) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, dump_json(encode(record)).encode() + b"\n")
        finally:
            os.close(handle)

    def everything(self) -> list[Record]:
        if not self._path.exists():
            return []
        return [decode(Record, load_json(line)) for line in self._path.read_text().splitlines()]

    def records(self, run: str) -> Sequence[Record]:
        return [record for record in self.everything() if record.run == run]

    def open_runs(self) -> Sequence[str]:
        runs = dict.fromkeys(record.run for record in self.everything())
        ended = {record.run for record in self.everything() if (record.step, record.phase) == (Step.RECORD, Phase.DONE)}
        return [run for run in runs if run not in ended]
