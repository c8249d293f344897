"""What somebody is told who said that something is wrong: values alone, for the service to hand on (advice.py)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fix:
    """`finding`: what it is meant to cure; `risk` 0 is a guide."""

    remedy: str
    title: str
    risk: int
    finding: str


@dataclass(frozen=True, slots=True)
class Explaining:
    """A known issue. `because`: what was seen that holds it up; `said`: which of the person's words speak of it."""

    issue: str
    certainty: str
    title: str
    text: str
    because: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    article: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdvisedFinding:
    fingerprint: str
    severity: str
    title: str
    text: str
    changes: tuple[str, ...]
    known: tuple[Explaining, ...]
    # Fixes that the check itself offers, whatever the reason.
    fixes: tuple[Fix, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """`findings`: those that the words speak of first, then by gravity. `looked`: how many checks looked."""

    findings: tuple[AdvisedFinding, ...]
    questions: tuple[Asked, ...]
    guesses: tuple[Explaining, ...]
    looked: int
