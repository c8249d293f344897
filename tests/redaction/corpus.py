"""Logs, settings and command lines as they are met, with known secrets in them and look-alikes beside them.

Every kind is one function: it draws a line (or a few) and says which pieces must be gone afterwards. Every look-alike
is one function too: its line must come out unchanged. All is drawn from a seed, and everything shaped like a
provider's key is put together from parts, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

from diagnostics.redaction import Identifiers, LocalUser, MachineNames, harvest

LETTERS = string.ascii_letters
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
B64 = ALNUM + "+/"
URL64 = ALNUM + "-_"
UPPER = string.ascii_uppercase + string.digits

MACHINE = MachineNames(
    hosts=("annas-laptop.corp.example-gmbh.test",),
    users=(
        LocalUser("anna.schmidt", "Anna Schmidt", "/home/anna.schmidt"),
        LocalUser("bkr77", "Björn Krüger", "/home/bkr77"),
    ),
    domains=("corp.example-gmbh.test",),
    ssids=("Schmidt Wohnzimmer 5G",),
    serials=("PF3XY9Z1QK", "S4EVNX0R123456"),
    macs=("3c:52:82:aa:bb:cc",),
)


def machine_identifiers() -> Identifiers:
    return harvest(MACHINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """``secrets``: none of these may be in the output. A look-alike has none and must come out as it went in."""

    kind: str
    text: str
    secrets: tuple[str, ...] = ()


def draw(rng: random.Random, alphabet: str, size: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(size))


def stamp(rng: random.Random) -> str:
    return f"Nov {rng.randrange(1, 28):2d} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"


PROGRAMS = ("sshd", "nginx", "systemd", "kernel", "cron", "dockerd", "postgres", "gnome-shell", "backup.sh", "node")


def log(rng: random.Random, message: str) -> str:
    return f"{stamp(rng)} box {rng.choice(PROGRAMS)}[{rng.randrange(100, 99999)}]: {message}"


def password(rng: random.Random) -> str:
    """What people choose: words, digits, marks."""
    word = rng.choice(
        ["sunshine", "Dragon", "monkey", "Tr0ub4dor", "Winter", "qwertz", "letmein", "Passw0rd", "geheim"]
    )
    tail = rng.choice(["", "!", "#1", "$", "2024", "_x", "@9", "%7"])
    return word + str(rng.randrange(10, 9999)) + tail


def drawn(rng: random.Random, size: int = 32) -> str:
    """A generated key: always with digits and both cases, as generators make them."""
    while True:
        text = draw(rng, ALNUM, size)
        if any(c.isdigit() for c in text) and any(c.islower() for c in text) and any(c.isupper() for c in text):
            return text


def luhn_number(rng: random.Random, prefix: str, size: int) -> str:
    body = prefix + draw(rng, string.digits, size - len(prefix) - 1)
    total = 0
    for index, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def iban(rng: random.Random) -> str:
    country, size = rng.choice([("DE", 22), ("FR", 27), ("NL", 18), ("GB", 22), ("ES", 24)])
    bban = draw(rng, string.digits, size - 4)
    if country in ("NL", "GB"):
        bban = draw(rng, string.ascii_uppercase, 4) + bban[4:]
    number = "".join(str(int(c, 36)) for c in bban + country + "00")
    return f"{country}{98 - int(number) % 97:02d}{bban}"


def grouped(text: str, size: int, separator: str = " ") -> str:
    return separator.join(text[index : index + size] for index in range(0, len(text), size))


def pem(rng: random.Random, label: str, lines: int = 12) -> tuple[str, list[str]]:
    body = [draw(rng, B64, 64) for _ in range(lines)] + [draw(rng, B64, rng.choice([8, 20, 44])) + "=="]
    dashes = "-" * 5
    text = "\n".join([f"{dashes}BEGIN {label}{dashes}", *body, f"{dashes}END {label}{dashes}"])
    return text, body


Maker = Callable[[random.Random], Sample]
SECRETS: dict[str, Maker] = {}
LOOK_ALIKES: dict[str, Maker] = {}


def secret(maker: Callable[[random.Random], tuple[str, list[str]]]) -> Callable[[random.Random], tuple[str, list[str]]]:
    name = maker.__name__.removeprefix("_")

    def make(rng: random.Random) -> Sample:
        text, gone = maker(rng)
        return Sample(name, text, tuple(gone))

    SECRETS[name] = make
    return maker


def look_alike(maker: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    name = maker.__name__.removeprefix("_")
    LOOK_ALIKES[name] = lambda rng: Sample(name, maker(rng))
    return maker


def corpus(seed: int, size: int, *, look_alike_share: float = 0.3) -> list[Sample]:
    """``size`` samples, every kind as often as any other, shuffled; ``look_alike_share`` of them hold nothing."""
    rng = random.Random(seed)
    look_alikes = int(size * look_alike_share)
    makers = [list(SECRETS.values()), list(LOOK_ALIKES.values())]
    samples = [makers[0][index % len(makers[0])](rng) for index in range(size - look_alikes)]
    samples += [makers[1][index % len(makers[1])](rng) for index in range(look_alikes)]
    rng.shuffle(samples)
    return samples


def provider(*parts: str) -> str:
    """Glue, so that no complete prefix stands in this file."""
    return "".join(parts)


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def jwt(rng: random.Random) -> str:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = part({"alg": "RS256", "typ": "JWT"})
    return f"{head}.{part({'sub': str(rng.randrange(10**9)), 'exp': 1764000000})}.{draw(rng, URL64, 86)}"


def sha256_of(rng: random.Random) -> str:
    return hashlib.sha256(str(rng.random()).encode()).hexdigest()
