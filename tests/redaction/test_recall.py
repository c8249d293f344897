"""The promise in numbers: of everything secret ≥ 99.5 % is gone, of everything harmless ≤ 2 % is touched."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from diagnostics.redaction import Engine, Redactor, WithheldError
from tests.redaction import corpus, corpus_look_alikes, corpus_secrets
from tests.redaction.corpus import LOOK_ALIKES, SECRETS, Sample, machine_identifiers

DEVICE_SECRET = b"a secret of this device, 32 bytes"
SIZE = 40_000 if os.environ.get("BELLPULL_SOAK") == "1" else 3_000
RECALL_MIN = 0.995
FALSE_ALARMS_MAX = 0.02
# Kinds of which not one may pass, whatever the average says.
NEVER = ("pem_", "putty", "card", "wireguard", "provider_age")


def redacted(sample: Sample, engine: Engine = Engine.RE2) -> str:
    redactor = Redactor(machine_identifiers(), DEVICE_SECRET, engine=engine)
    return b"".join(redactor.stream([sample.text.encode()], path="logs/sample.log")).decode()


@pytest.fixture(scope="module")
def outputs() -> list[tuple[Sample, str]]:
    redactor = Redactor(machine_identifiers(), DEVICE_SECRET)
    pairs = []
    for number, sample in enumerate(corpus.corpus(20261121, SIZE)):
        try:
            out = b"".join(redactor.stream([sample.text.encode()], path=f"logs/{number}.log")).decode()
        except WithheldError:
            out = ""
        pairs.append((sample, out))
    return pairs


def test_corpus_holds_at_least_sixty_kinds_and_a_third_of_look_alikes() -> None:
    assert corpus_secrets.__name__
    assert corpus_look_alikes.__name__
    assert len(SECRETS) >= 60
    assert len(LOOK_ALIKES) >= 20


def test_nearly_every_secret_is_gone(outputs: list[tuple[Sample, str]]) -> None:
    asked = missed = 0
    by_kind: Counter[str] = Counter()
    for sample, out in outputs:
        for secret in sample.secrets:
            asked += 1
            if secret in out:
                missed += 1
                by_kind[sample.kind] += 1
    assert 1 - missed / asked >= RECALL_MIN, by_kind


def test_no_private_key_and_no_card_passes(outputs: list[tuple[Sample, str]]) -> None:
    passed = [
        (sample.kind, secret)
        for sample, out in outputs
        if sample.kind.startswith(NEVER)
        for secret in sample.secrets
        if secret in out
    ]
    assert passed == []


def test_hardly_any_look_alike_is_touched(outputs: list[tuple[Sample, str]]) -> None:
    look_alikes = [(sample, out) for sample, out in outputs if not sample.secrets]
    touched = [(sample.kind, sample.text, out) for sample, out in look_alikes if out != sample.text]
    assert len(touched) / len(look_alikes) <= FALSE_ALARMS_MAX, touched[:5]


def test_line_structure_is_kept(outputs: list[tuple[Sample, str]]) -> None:
    """Time stamp, host field, program and process id of a log line outlive whatever else is taken out."""
    for sample, out in outputs:
        if sample.text.startswith("Nov ") and out and "\n" not in sample.text:
            assert out[:15] == sample.text[:15]
            assert out.split(": ", 1)[0].split(" ")[-1] == sample.text.split(": ", 1)[0].split(" ")[-1]


def test_redacting_twice_changes_nothing(outputs: list[tuple[Sample, str]]) -> None:
    redactor = Redactor(machine_identifiers(), DEVICE_SECRET)
    changed = []
    for sample, out in outputs[:1500]:
        again = redactor.text(out)
        if again != out:
            changed.append((sample.kind, out, again))
    assert changed == []


def test_both_engines_give_the_same_bytes() -> None:
    re2 = Redactor(machine_identifiers(), DEVICE_SECRET, engine=Engine.RE2)
    stdlib = Redactor(machine_identifiers(), DEVICE_SECRET, engine=Engine.STDLIB)
    for sample in corpus.corpus(7, 800):
        assert stdlib.text(sample.text) == re2.text(sample.text), sample
