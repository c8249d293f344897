"""Where a technician's things lie, and what each file is.

HOME/                      --home, else the platform's data folder; mode 0700
  keys/technician.key      the three private keys, sealed          keys/technician_keys.py
  request.json             what the organisation certifies         keys/technician_keys.py
  certificate.json         what it answered                        certificate_file.py
  trust.json               root, floors, documents                 trust_store.py
  checkpoint.txt           the newest checkpoint of the server's log seen
  sign-in.json             the session token of the server         sign_in.py
  receipts/ transcripts/   one file a visit
  alarms.jsonl             what must not be forgotten: rollbacks, forks
"""

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from technician.private_files import private_folder


@dataclass(frozen=True)
class Home:
    """The folder of one technician. Making it checks that nobody else can look inside."""

    path: Path

    @classmethod
    def at(cls, path: Path | None) -> "Home":
        return cls(private_folder(path or default_home()))

    @property
    def key(self) -> Path:
        return self.path / "keys" / "technician.key"

    @property
    def request(self) -> Path:
        return self.path / "request.json"

    @property
    def certificate(self) -> Path:
        return self.path / "certificate.json"

    @property
    def trust(self) -> Path:
        return self.path / "trust.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.txt"

    @property
    def sign_in(self) -> Path:
        return self.path / "sign-in.json"

    @property
    def receipts(self) -> Path:
        return self.path / "receipts"

    @property
    def transcripts(self) -> Path:
        return self.path / "transcripts"

    @property
    def downloads(self) -> Path:
        """Files of customers' machines, one folder a device. Never opened by this program."""
        return self.path / "downloads"

    @property
    def alarms(self) -> Path:
        return self.path / "alarms.jsonl"


def default_home() -> Path:
    return platformdirs.user_data_path("bellpull", appauthor=False) / "technician"


def default_organisation() -> Path:
    return platformdirs.user_data_path("bellpull", appauthor=False) / "organisation"
