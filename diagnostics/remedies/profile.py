"""What there is to know of a remedy without loading it: for the service, which only lists, counts and decides.

A remedy's acts bring half the machine with them (3 MB in a process that stays for months); they are loaded in the
worker that does them. `profiles.json` says of each what its own file says; a test holds both together, and

    python -m diagnostics.remedies.profile

writes it anew after a remedy was added or changed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from functools import cache
from pathlib import Path

from diagnostics.remedies.budget import Budget
from diagnostics.strict_json import decode, dump_json, encode, load_json
from diagnostics.wording import Language, Words

_FILE = Path(__file__).with_name("profiles.json")


class Risk(IntEnum):
    GUIDE = 0  # words only, changes nothing
    ALONE = 1  # safe without asking, if the owner's policy says so
    ASKS = 2
    ASKS_AND_RESTARTS = 3  # asks, and needs a restart or a backup


class Outcome(StrEnum):
    """Counted honestly: only what this run did may be called its success."""

    SOLVED_MECHANICALLY = "solved-mechanically"
    CLEARED_BY_ITSELF = "cleared-by-itself"
    SOLVED_BY_A_PERSON = "solved-by-a-person"
    NOT_SOLVED = "not-solved"
    # Not a cure and not a failure of one:
    ROLLED_BACK = "rolled-back"
    NOT_NEEDED = "not-needed"
    REFUSED = "refused"
    NOT_BEGUN = "not-begun"


@dataclass(frozen=True, slots=True)
class Ending:
    """``outcome`` is None while the run still watches; ``watch_until_unix_s`` then says until when."""

    run: str
    outcome: Outcome | None
    detail: str
    watch_until_unix_s: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A remedy but for its plan and its acts; the fields are those of `Remedy`."""

    id: str
    risk: Risk
    reversible: bool
    needs: tuple[str, ...]
    estimated_s: int
    budget: Budget
    words: Mapping[Language, Words]
    cures: tuple[str, ...] = ()


def risk_here(risk: Risk, system: str = sys.platform) -> Risk:
    """What is safe alone on Linux was proven on Linux: elsewhere it asks."""
    return risk if system == "linux" or risk is Risk.GUIDE else max(risk, Risk.ASKS)


def policy_allows(risk: Risk, *, alone_up_to: Risk) -> bool:
    """May this run without asking, by the owner's own policy? Never above risk 1, whatever the policy says."""
    return risk <= Risk.ALONE and risk <= alone_up_to


@cache
def profiles() -> Mapping[str, Profile]:
    """Every remedy there is, by id, in the order of the catalogue. Read when first asked for."""
    listed = load_json(_FILE.read_text("utf-8"))
    assert isinstance(listed, list)  # noqa: S101 - our own file
    read = (decode(Profile, each) for each in listed)
    return {profile.id: replace(profile, risk=risk_here(profile.risk)) for profile in read}


def as_text(listed: Mapping[str, Profile]) -> str:
    """What stands in `profiles.json`."""
    return dump_json([encode(profile) for profile in listed.values()], indent=1) + "\n"


def _main() -> int:
    from diagnostics.remedies.catalogue import REMEDIES

    _FILE.write_text(as_text({name: remedy.profile for name, remedy in REMEDIES.items()}), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
