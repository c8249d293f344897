"""Made series with a known truth, for judging forecasts. Frozen: its output for the fixed seeds has a hash in a test.

Written before the forecaster was tuned, and never changed after: a generator that follows its forecaster measures
nothing. Seeds for tuning and for the verdict are apart, and the verdict's are looked at for the table only.

    kind                  ends at its limit?   what it is
    steady                no                   a level, small noise
    noise                 no                   wide noise around a level near the limit
    nightly               no                   a job that takes a tenth for three hours each night
    sawtooth              no                   logs that grow for days and are rotated away
    step                  no                   an update takes a piece at once, and then nothing
    walk                  no                   comes and goes without a plan
    fill                  yes                  a disk that fills
    fill-nightly          yes                  one that fills under a nightly job
    fill-sawtooth         yes                  one that fills under rotated logs
    leak                  yes                  a program that leaks until memory is gone
    leak-restarted        no                   a leak that a restart ends in time, again and again
    leak-outgrows         yes                  one whose restarts come too seldom in the end

One value an hour, in millionths of the limit: whole numbers, so that every machine makes the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

LIMIT = 1_000_000
HOURS = 24 * 28
TUNING_SEEDS = range(1, 5)
VERDICT_SEEDS = range(101, 107)


class Subject(StrEnum):
    DISK = "disk"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Series:
    """`full_hour`: the first hour at the limit, where the series ends; None when it never comes."""

    kind: str
    seed: int
    subject: Subject
    values: tuple[int, ...]
    full_hour: int | None


Shape = Callable[[random.Random], Sequence[float]]


def _hours(value_at: Callable[[int], float]) -> list[float]:
    return [value_at(hour) for hour in range(HOURS)]


def _steady(rng: random.Random) -> Sequence[float]:
    level, noise = rng.uniform(0.3, 0.95), rng.uniform(0.0005, 0.004)
    return _hours(lambda _: level + rng.gauss(0, noise))


def _noise(rng: random.Random) -> Sequence[float]:
    level, noise = rng.uniform(0.75, 0.85), rng.uniform(0.015, 0.04)
    return _hours(lambda _: min(0.99, level + rng.gauss(0, noise)))


def _job(rng: random.Random, height: float) -> Callable[[int], float]:
    begins = rng.randrange(24)
    return lambda hour: height if (hour - begins) % 24 < 3 else 0.0


def _nightly(rng: random.Random) -> Sequence[float]:
    level, noise = rng.uniform(0.70, 0.87), rng.uniform(0.0005, 0.003)
    job = _job(rng, rng.uniform(0.05, 0.12))
    return _hours(lambda hour: level + job(hour) + rng.gauss(0, noise))


def _saw(rng: random.Random, height: float) -> Callable[[int], float]:
    days = rng.choice((1, 2, 4, 7))
    offset = rng.randrange(24 * days)
    return lambda hour: height * ((hour + offset) % (24 * days)) / (24 * days)


def _sawtooth(rng: random.Random) -> Sequence[float]:
    level, noise = rng.uniform(0.70, 0.85), rng.uniform(0.0005, 0.003)
    saw = _saw(rng, rng.uniform(0.04, 0.13))
    return _hours(lambda hour: level + saw(hour) + rng.gauss(0, noise))


def _step(rng: random.Random) -> Sequence[float]:
    level, noise = rng.uniform(0.70, 0.80), rng.uniform(0.0005, 0.003)
    steps = sorted((rng.randrange(48, HOURS), rng.uniform(0.02, 0.07)) for _ in range(rng.randrange(1, 4)))
    return _hours(lambda hour: level + sum(by for at, by in steps if hour >= at) + rng.gauss(0, noise))


def _walk(rng: random.Random) -> Sequence[float]:
    value, home, found = rng.uniform(0.78, 0.88), rng.uniform(0.78, 0.88), []
    for _ in range(HOURS):
        value += rng.gauss(0, 0.002) - (value - home) * 0.01
        found.append(min(0.99, value))
    return found


def _fill(rng: random.Random) -> Sequence[float]:
    begin, full, noise = rng.uniform(0.5, 0.8), rng.uniform(9, 26) * 24, rng.uniform(0.0005, 0.004)
    slope = (1 - begin) / full
    # People sleep: most of it grows by day.
    return _hours(lambda hour: begin + slope * (hour + (4 if 8 <= hour % 24 < 20 else 0)) + rng.gauss(0, noise))


def _fill_nightly(rng: random.Random) -> Sequence[float]:
    job = _job(rng, rng.uniform(0.02, 0.06))
    return [value + job(hour) for hour, value in enumerate(_fill(rng))]


def _fill_sawtooth(rng: random.Random) -> Sequence[float]:
    saw = _saw(rng, rng.uniform(0.01, 0.04))
    return [value + saw(hour) for hour, value in enumerate(_fill(rng))]


def _leak(rng: random.Random) -> Sequence[float]:
    begin, full, noise = rng.uniform(0.1, 0.3), rng.uniform(9, 24) * 24, rng.uniform(0.001, 0.006)
    slope = (1 - begin) / full
    return _hours(lambda hour: begin + slope * hour + rng.gauss(0, noise))


def _restarted(rng: random.Random, days: Sequence[int], slope_a_day: float) -> Sequence[float]:
    begin, noise = rng.uniform(0.1, 0.2), rng.uniform(0.001, 0.006)
    found: list[float] = []
    for length in days:
        found += [begin + slope_a_day * hour / 24 + rng.gauss(0, noise) for hour in range(length * 24)]
    return found[:HOURS]


def _leak_restarted(rng: random.Random) -> Sequence[float]:
    days = rng.choice((1, 2, 3, 7))
    # Even at the end of its last day it has taken two thirds at most.
    return _restarted(rng, [days] * 28, rng.uniform(0.02, 0.45 / days))


def _leak_outgrows(rng: random.Random) -> Sequence[float]:
    return _restarted(rng, [rng.randrange(2, 5), rng.randrange(2, 5), 28], rng.uniform(0.05, 0.10))


SHAPES: dict[str, tuple[Subject, Shape]] = {
    "steady": (Subject.DISK, _steady),
    "noise": (Subject.DISK, _noise),
    "nightly": (Subject.DISK, _nightly),
    "sawtooth": (Subject.DISK, _sawtooth),
    "step": (Subject.DISK, _step),
    "walk": (Subject.DISK, _walk),
    "fill": (Subject.DISK, _fill),
    "fill-nightly": (Subject.DISK, _fill_nightly),
    "fill-sawtooth": (Subject.DISK, _fill_sawtooth),
    "leak": (Subject.MEMORY, _leak),
    "leak-restarted": (Subject.MEMORY, _leak_restarted),
    "leak-outgrows": (Subject.MEMORY, _leak_outgrows),
}


def make(kind: str, seed: int) -> Series:
    subject, shape = SHAPES[kind]
    values = [max(0, round(value * LIMIT)) for value in shape(random.Random(f"{kind} {seed}"))]
    full = next((hour for hour, value in enumerate(values) if value >= LIMIT), None)
    return Series(kind, seed, subject, tuple(values if full is None else values[: full + 1]), full)


def all_series(seeds: Sequence[int]) -> list[Series]:
    return [make(kind, seed) for kind in SHAPES for seed in seeds]
