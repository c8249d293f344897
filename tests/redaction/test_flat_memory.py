"""Resident memory of a process of its own, both engines: as much after gigabytes as after two megabytes.

tracemalloc (test_stream.py) sees Python's objects alone; RE2 keeps its automata in C++, so here the system is asked.
`BELLPULL_SOAK=1` sends 2 GB as lines (128 MB through the slow fallback) and a line of 50 MB; otherwise a sample goes
the same way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from diagnostics.redaction import Engine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ru_maxrss is POSIX")
ROOT = Path(__file__).resolve().parents[2]
SOAK = os.environ.get("BELLPULL_SOAK") == "1"
MIB = 1 << 20
# Megabytes as lines, megabytes as one line. The fallback takes seconds a megabyte: it has its own, shorter soak.
SIZES = {Engine.RE2: (2048, 50) if SOAK else (24, 4), Engine.STDLIB: (128, 50)}
# Python's own arenas, and what RE2 adds to automata it has built while warming up (64 MB is their bound, engine.py).
GROWTH_MAX_BYTES = 16 * MIB

MEASURE = textwrap.dedent(
    """
    import json, resource, sys
    from diagnostics.redaction import Engine, Redactor
    from tests.redaction.corpus import machine_identifiers

    engine, lines_mib, line_mib = Engine(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    unit = 1 if sys.platform == "darwin" else 1024
    kinds = (
        b"Nov 21 10:00:00 box kernel: nothing to see here, code=exited, status=0\\n",
        b"Nov 21 10:00:01 box app[77]: GET /index.html from 10.1.2.3 took 7 ms, session=5d41402abc4b2a76\\n",
    )
    lines = b"".join(kinds[number % 40 == 0] for number in range(3000))[: 1 << 18]
    endless = b"word and more words without any end " * ((1 << 18) // 36)

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    def send(piece, mib):
        redactor = Redactor(machine_identifiers(), b"a secret of this device, 32 bytes", engine=engine)
        count = mib * (1 << 20) // len(piece)
        return sum(len(out) for out in redactor.stream((piece for _ in range(count)), path="logs/x.log"))

    send(lines, 2), send(endless, 1)
    before = peak()
    sent = send(lines, lines_mib), send(endless, line_mib)
    print(json.dumps({"growth": peak() - before, "lines": sent[0], "line": sent[1]}))
    """
)


@pytest.mark.parametrize("engine", Engine)
def test_a_long_stream_and_an_endless_line_take_flat_resident_memory(engine: Engine) -> None:
    if engine is Engine.STDLIB and not SOAK:
        pytest.skip("minutes long: BELLPULL_SOAK=1")
    lines_mib, line_mib = SIZES[engine]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, engine, str(lines_mib), str(line_mib)],
        cwd=ROOT,
        capture_output=True,
        timeout=3600,
        check=True,
    )
    told = json.loads(done.stdout)
    # What went in came out: nothing was withheld or dropped.
    assert told["lines"] > 0.9 * lines_mib * MIB
    assert told["line"] > 0.9 * line_mib * MIB
    assert told["growth"] < GROWTH_MAX_BYTES, f"{told['growth'] / MIB:.1f} MiB more after {lines_mib} MiB"
