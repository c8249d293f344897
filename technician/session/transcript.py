"""The technician's own record of a visit: one JSON line an event, written as it happens, mode 0600.

    {"at":1764000000,"event":"action","sequence":1,"action":"processes","arguments":{"sort":"cpu","limit":50}}
    {"at":1764000001,"event":"row","action":"processes","item":{"id":1,"kind":"process","body":{…}}}

It holds what the customer let the technician see, so it lies beside the keys, not in a shared place.
"""

import json
import os
from pathlib import Path
from typing import Any, TextIO

from technician.private_files import private_folder


class Transcript:
    """Append-only. The file is made with the first line."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.path = folder / f"{name}.jsonl"
        self._file: TextIO | None = None

    def write(self, at: int, event: str, **facts: Any) -> None:
        if self._file is None:
            private_folder(self._folder)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(handle, "a", encoding="utf-8")
        line = json.dumps({"at": at, "event": event, **facts}, ensure_ascii=True, separators=(",", ":"), default=str)
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
