"""What a Windows calls itself, its people and its surroundings: asked only so that it can be taken out of what leaves.

    "computer": [{"Name":"ANNA-PC","DNSHostName":"Anna-PC","Domain":"corp.example.org","PartOfDomain":true}]
    "accounts": [{"Name":"anna","FullName":"Anna Schmidt","SID":"S-1-5-21-…-1001"}]
    "profiles": [{"PSChildName":"S-1-5-21-…-1001","ProfileImagePath":"C:\\\\Users\\\\anna"}]
    "networks": [{"ProfileName":"Villa K 2"}]                    Windows numbers a network that it meets again
    "firmware": [{"SerialNumber":"PF3XAMPL"}], "product": [{"IdentifyingNumber":"…","UUID":"…"}], "guid": […]

Accounts that Windows itself makes have numbers below 1000 at the end of their SID; people's profiles begin S-1-5-21 or,
joined to a cloud directory, S-1-12-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from diagnostics.collectors.windows.gathered import Gathered, Row, ask, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable

NAMES_MAX: Final = 500
_PERSON_RID_MIN: Final = 1000
_PEOPLE: Final = ("S-1-5-21-", "S-1-12-1-")
_SERIALS: Final = (
    ("firmware", "SerialNumber"),
    ("board", "SerialNumber"),
    ("product", "IdentifyingNumber"),
    ("product", "UUID"),
    ("disks", "SerialNumber"),
    ("guid", "MachineGuid"),
)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    full_name: str
    home: str


@dataclass(frozen=True, slots=True)
class WindowsNames:
    hosts: tuple[str, ...]
    domains: tuple[str, ...]
    people: tuple[Person, ...]
    networks: tuple[str, ...]
    serials: tuple[str, ...]


def _is_person(sid: str) -> bool:
    last = sid.rpartition("-")[2]
    return sid.startswith(_PEOPLE) and last.isdecimal() and int(last) >= _PERSON_RID_MIN


def _people(gathered: Gathered) -> tuple[Person, ...]:
    homes = {text(row, "PSChildName"): text(row, "ProfileImagePath") for row in gathered.rows_or_none("profiles")}
    found: dict[str, Person] = {}
    for row in gathered.rows_or_none("accounts"):
        sid = text(row, "SID")
        if _is_person(sid):
            found[sid] = Person(text(row, "Name", 100), text(row, "FullName", 200), homes.get(sid, ""))
    for sid, home in homes.items():  # people of a domain have a profile and no account here
        if _is_person(sid) and sid not in found and home:
            found[sid] = Person("", "", home)
    return tuple(list(found.values())[:NAMES_MAX])


def _networks(rows: tuple[Row, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for row in rows[:NAMES_MAX]:
        name = text(row, "ProfileName", 100)
        stem, _, number = name.rpartition(" ")
        names += [name, stem] if stem and number.isdecimal() else [name]
    return tuple(dict.fromkeys(name for name in names if name))


def names_of(gathered: Gathered) -> WindowsNames:
    """What was refused is left out: the redactor's own rules do not depend on it."""
    computer = next(iter(gathered.rows_or_none("computer")), {})
    domain = text(computer, "Domain", 253) if computer.get("PartOfDomain") is True else ""
    return WindowsNames(
        hosts=tuple(dict.fromkeys(filter(None, (text(computer, "Name"), text(computer, "DNSHostName"))))),
        domains=(domain,) if domain else (),
        people=_people(gathered),
        networks=_networks(gathered.rows_or_none("networks")),
        serials=tuple(
            serial
            for part, name in _SERIALS
            for row in gathered.rows_or_none(part)[:64]
            if (serial := text(row, name, 100))
        ),
    )


def read_names(machine: Machine) -> WindowsNames:
    try:
        return names_of(ask(machine, commands.NAMES))
    except Unreadable:
        return WindowsNames((), (), (), (), ())  # PowerShell is forbidden here: told in `doctor`
