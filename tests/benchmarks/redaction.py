"""How fast the redactor is, on three texts made from a seed.

* *quiet log*: at most one hit in a KB, the promise is ≥ 50 MB/s a core;
* *named log*: the machine's name in every line, ≥ 15 MB/s;
* *dense*: the recall corpus, a secret in most lines: no promise, shown for honesty.

The processor time of this thread is counted, not the clock on the wall: what else the machine does matters little.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from diagnostics.redaction import Engine, LocalUser, MachineNames, Redactor, harvest
from tests.benchmarks.contract import Better, Row, percentile, spread
from tests.redaction import corpus, corpus_look_alikes, corpus_secrets

MIB = 1 << 20
CHUNK_BYTES = 64 * 1024

_QUIET_AIM = 50.0
_NAMED_AIM = 15.0

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


def dense_log(size_bytes: int) -> bytes:
    # Importing the two modules fills the corpus.
    assert corpus_secrets.__name__
    assert corpus_look_alikes.__name__
    lines: list[str] = []
    written = 0
    while written < size_bytes:
        drawn = [sample.text for sample in corpus.corpus(9 + len(lines), 500)]
        lines += drawn
        written += sum(len(text) + 1 for text in drawn)
    return "\n".join(lines).encode()


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


def run(quick: bool) -> list[Row]:
    size_bytes, rounds = (2 * MIB, 2) if quick else (16 * MIB, 5)
    texts = (
        ("quiet log, ≤ 1 hit a KB", quiet_log(size_bytes), _QUIET_AIM),
        ("named log, host in every line", named_log(size_bytes), _NAMED_AIM),
        ("dense, a secret in nearly every line", dense_log(size_bytes // 4), None),
    )
    return [_row(what, data, aim, rounds) for what, data, aim in texts]


def _row(what: str, data: bytes, aim: float | None, rounds: int) -> Row:
    speeds = [len(data) / 1e6 / measure(data, engine=Engine.RE2) for _ in range(rounds)]
    fallback = len(data) / 1e6 / measure(data, engine=Engine.STDLIB)
    detail = f"{spread(speeds, 'MB/s', digits=1)}; without re2 {fallback:.1f} MB/s"
    return Row(what, percentile(speeds, 0.5), "MB/s", aim, Better.MORE, detail)
