"""How fast the redactor is, on three texts made from a seed.

* *quiet log*: at most one hit in a KB, the promise is ≥ 50 MB/s a core;
* *named log*: the machine's name in every line, ≥ 15 MB/s;
* *dense*: the recall corpus, a secret in nearly every line: no promise, shown for honesty.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from diagnostics.redaction import Engine, LocalUser, MachineNames, Redactor, harvest

MIB = 1 << 20
CHUNK_BYTES = 64 * 1024

_TEXT = """the service failed to start unit daemon kernel device usb network interface link up down connected timeout
    error warning info process memory page disk /usr/lib/systemd/systemd /dev/sda1 0x80070005 started stopping
    target finished state changed config reload python3.11 gnome-shell NetworkManager wlp3s0 eth0 code=exited
    status=0/SUCCESS systemd-tmpfiles-clean.service drm:intel_pipe_update acpi ACPI: BIOS audit: type=1400 pid=812
    comm=cupsd name= request completed in 12ms cache miss session closed Reached"""
_WORDS = tuple(_TEXT.split())

_NAMES = MachineNames(
    hosts=("annas-laptop.corp.example-gmbh.test",),
    users=(
        LocalUser("anna.schmidt", "Anna Schmidt", "/home/anna.schmidt"),
        LocalUser("bkr77", "Björn Krüger", "/home/bkr77"),
    ),
    domains=("corp.example-gmbh.test",),
    ssids=("Schmidt Wohnzimmer 5G",),
    serials=("PF3XY9Z1QK",),
    macs=("3c:52:82:aa:bb:cc",),
)


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    mebibytes: float
    seconds: float
    wanted_mb_per_s: float | None

    @property
    def mb_per_s(self) -> float:
        return self.mebibytes * MIB / 1e6 / self.seconds


def _line(rng: random.Random, host: str) -> str:
    words = " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(6, 13)))
    clock = f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    return f"Nov 21 {clock} {host} systemd[{rng.randrange(1, 99999)}]: {words}"


def quiet_log(size_bytes: int, *, host: str = "box", seed: int = 7) -> bytes:
    """Syslog with one hit in about 1.1 KB: addresses, accounts, mail, keys."""
    rng = random.Random(seed)
    hits = (
        lambda: f" from 192.0.2.{rng.randrange(1, 250)} port {rng.randrange(1024, 65535)}",
        lambda: f" user=anna{rng.randrange(99)} logged in",
        lambda: f" password=hunter{rng.randrange(9999)}",
        lambda: f" to=<max{rng.randrange(99)}@example.test>",
        lambda: f" /home/user{rng.randrange(20)}/.cache",
    )
    lines: list[str] = []
    written = since = 0
    while written < size_bytes:
        text = _line(rng, host)
        since += len(text)
        if since >= 1100:
            text += rng.choice(hits)()
            since = 0
        lines.append(text)
        written += len(text) + 1
    return "\n".join(lines).encode()


def named_log(size_bytes: int) -> bytes:
    return quiet_log(size_bytes, host="annas-laptop", seed=8)


def _chunks(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), CHUNK_BYTES):
        yield data[at : at + CHUNK_BYTES]


def measure(data: bytes, *, engine: Engine) -> float:
    """Seconds of this thread's processor for one pass, construction of the redactor not counted."""
    redactor = Redactor(harvest(_NAMES), b"benchmark secret" * 2, engine=engine)
    redactor.text("warm up 192.0.2.1 annas-laptop password=x1")
    begun = time.thread_time()
    for _ in redactor.stream(_chunks(data), path="bench.log"):
        pass
    return time.thread_time() - begun


def run(*, engine: Engine = Engine.RE2, size_bytes: int = 16 * MIB, rounds: int = 3) -> list[Row]:
    texts = (
        ("quiet log, ≤ 1 hit a KB", quiet_log(size_bytes), 50.0),
        ("named log, host in every line", named_log(size_bytes), 15.0),
    )
    return [
        Row(what, len(data) / MIB, min(measure(data, engine=engine) for _ in range(rounds)), wanted)
        for what, data, wanted in texts
    ]


if __name__ == "__main__":
    for row in run():
        print(f"{row.what:34} {row.mb_per_s:7.1f} MB/s  (wanted {row.wanted_mb_per_s})")
