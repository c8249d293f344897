"""What the demo's steps share: who plays, what they say, which programs run, where each command finds its folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from technician.demo.canaries import Planted
from technician.demo.folder import DemoFolder
from technician.demo.programs import Programs, Service
from technician.demo.steps import Telling
from technician.demo.tap import Tap
from technician.demo.visit import DemoVisit

CUSTOMER: Final = "Anna Berg"
ORGANISATION: Final = "Bellpull Demo Support"
TECHNICIAN: Final = "Tom Vale"
WORDS: Final = "My computer has been slow since this morning. Could somebody please have a look?"
REASON: Final = "You wrote that your computer is slow; I want to see what keeps it busy"
SCOPES: Final = ("diagnose", "processes")
MINUTES: Final = 15


@dataclass
class Stage:
    """What the steps share. `ticket` and so on are there once their step is done."""

    folder: DemoFolder
    programs: Programs
    telling: Telling
    record: bool  # whether the tap keeps what it sees
    origin: str = ""
    server: Service | None = None
    agent: Service | None = None
    tap: Tap | None = None
    planted: Planted = field(default_factory=lambda: Planted(None, ()))
    device: str = ""
    ticket: str = ""
    admin_link: str = ""
    visit: DemoVisit | None = None

    def bellpull(self, *arguments: object, ok: tuple[int, ...] = (0,)) -> Any:
        """A command of the technician."""
        home = ("--home", self.folder.technician)
        return self.programs.run("bellpull", *arguments, *home, "--json", ok=ok)

    def org(self, *arguments: object, passphrase: bool = True) -> Any:
        """A command of the organisation."""
        more = ("--passphrase-file", self.folder.passphrase) if passphrase else ()
        return self.programs.run("bellpull", "org", *arguments, "--keys", self.folder.organisation, *more, "--json")

    def customer(self, *arguments: object, ok: tuple[int, ...] = (0,)) -> Any:
        """A command of the customer."""
        return self.programs.run("bellpull-agent", *arguments, "--state", self.folder.agent, "--json", ok=ok)

    @property
    def secret(self) -> tuple[str, Path]:
        return ("--passphrase-file", self.folder.passphrase)
