"""What changed before it broke: the changes that stand before a finding, the likeliest first. Pure.

Three things speak for a change: it is of a kind that causes such findings, it names what the finding names, and it
is recent. None of them proves anything; a person is shown at most five.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnostics.changes.compare import Subject, name_of, subject_of
from diagnostics.findings import Change, Finding

# What broke by a change mostly breaks within the week: people restart on Mondays.
WINDOW_S = 7 * 86_400
SHOWN_MAX = 5
_HALF_LIFE_S = 86_400
# Longer names of four signs and more: `cron` in `cron.service` is a hint, `sh` is none.
_NAME_LEAST_CHARS = 4
_SAME_NAME = 4.0
_SAME_KIND = 2.0

_P, _C, _S, _U, _K, _N, _A = (
    Subject.PACKAGE,
    Subject.CONFIG,
    Subject.SERVICE,
    Subject.STARTUP,
    Subject.KERNEL,
    Subject.NETWORK,
    Subject.APPLICATION,
)
# Beginnings of finding codes, and the kinds of changes that cause such problems; the first that fits holds.
CAUSES: Mapping[str, frozenset[Subject]] = {
    "application-": frozenset({_A, _P, _C, _S}),
    "service-": frozenset({_A, _P, _C, _S}),
    "timer-": frozenset({_P, _C, _S}),
    "program-crash": frozenset({_P, _K}),
    "dns-": frozenset({_N, _C, _S}),
    "link-": frozenset({_N, _K, _P}),
    "gateway-": frozenset({_N, _C}),
    "network-": frozenset({_N, _K, _P}),
    "wifi-": frozenset({_N, _K, _P}),
    "proxy-": frozenset({_C, _N}),
    "clock-": frozenset({_C, _S, _P}),
    "driver-": frozenset({_K, _P}),
    "hardware-": frozenset({_K}),
    "filesystem-": frozenset({_K, _C}),
    "cpu-": frozenset({_P, _K, _U}),
    "process-": frozenset({_P, _U}),
    "memory-": frozenset({_P, _U, _K}),
    "out-of-memory": frozenset({_P, _U, _K}),
    "swap-": frozenset({_P, _U}),
    "boot-": frozenset({_P, _U, _S, _K}),
    "unexpected-shutdown": frozenset({_K, _P}),
    "log-": frozenset({_A, _P, _C, _S}),
    "disk-": frozenset({_P, _U}),
}


# They are changes told as findings: their evidence says it all.
_CHANGES_THEMSELVES = frozenset(
    {
        "startup-items-changed",
        "config-files-changed",
        "packages-older-than-before",
        "application-config-changed",
    }
)


def before_it_broke(finding: Finding, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Changes noticed within WINDOW_S before the finding was first seen, or in the same look."""
    if finding.code in _CHANGES_THEMSELVES:
        return ()
    onset = finding.first_seen_unix_s
    near = [change for change in changes if onset - WINDOW_S <= change.at_unix_s <= onset]
    kinds = next((kinds for start, kinds in CAUSES.items() if finding.code.startswith(start)), frozenset[Subject]())
    named = [str(value).lower() for value in finding.facts.values() if isinstance(value, str)]
    named.append(finding.instance.lower())
    scored = []
    for change in near:
        score = _score(change, onset, kinds, named)
        if score > 0:
            scored.append((score, change))
    scored.sort(key=lambda pair: (-pair[0], -pair[1].at_unix_s, pair[1].what))
    return tuple(change for _, change in scored[:SHOWN_MAX])


def _score(change: Change, onset: int, kinds: frozenset[Subject], named: Sequence[str]) -> float:
    """Zero for a change that only happens to be near in time."""
    name = name_of(change).lower()
    weight = _SAME_KIND if subject_of(change) in kinds else 0.0
    stem = name.partition(".")[0]
    if len(stem) >= _NAME_LEAST_CHARS and any(stem in text for text in named):
        weight += _SAME_NAME
    return weight * float(0.5 ** ((onset - change.at_unix_s) / _HALF_LIFE_S))
