"""When a finding is shown, hidden, cleared and forgotten. Pure: the past and the newest look in, the present out.

    raised by a check ─▶ pending ─ long enough, often enough, not just after boot ─▶ active
    not raised, though the check looked ─▶ resolved (or expired, when it was never shown)
    the check could not look ─▶ stays, until it lapses
    a cause is active ─▶ hidden under it (`explained_by`), never gone
    ten newly active within an hour ─▶ one storm, the others hidden under it

Ignored stays ignored until a person says otherwise; snoozed wakes at its time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from diagnostics.checks.contract import CodeRule, both, evidence, raised
from diagnostics.findings import Finding, FindingEvent, FindingState, Severity
from diagnostics.wording import Words

# After boot and resume services start, updates unpack and indexes are built: 10 min until a machine is itself again.
GRACE_AFTER_BOOT_S = 10 * 60
# What nobody can use a computer with is shown at once all the same.
GRACE_EXEMPT = Severity.CRITICAL

STORM_FINDINGS = 10
STORM_WINDOW_S = 60 * 60
STORM_CODE = "finding-storm"
STORM_INSTANCE = "all"
STORM_RULE = CodeRule(
    words=both(
        Words(
            "Many problems at once",
            "{findings} problems appeared within an hour. They most likely have one cause, so they are shown as one.",
        ),
        Words(
            "Много проблем сразу",
            "За час появилось проблем: {findings}. Скорее всего, у них одна причина, поэтому они показаны вместе.",
        ),
    ),
    visible_after_s=0,
    evaluations=1,
    why="it is made of findings that have been shown already",
)

# A finding that ended is kept this long for its story, then dropped.
ENDED_KEPT_S = 30 * 86_400
_UNKNOWN_RULE = CodeRule(words={}, visible_after_s=0, evaluations=1, why="a code of another version")


@dataclass(frozen=True, slots=True)
class Advance:
    """`findings` is the whole store after this look; `appeared` became active in it, `ended` was active before."""

    findings: tuple[Finding, ...]
    appeared: tuple[Finding, ...]
    ended: tuple[Finding, ...]


def is_visible(finding: Finding) -> bool:
    """What a person is shown: active, and not a consequence of something else shown."""
    return finding.state is FindingState.ACTIVE and finding.explained_by is None


def is_raised(finding: Finding) -> bool:
    """Counts as raised for `Context.raised`, so that it clears at its own threshold."""
    return finding.state in (
        FindingState.PENDING,
        FindingState.ACTIVE,
        FindingState.SNOOZED,
        FindingState.IGNORED,
    )


def advance(
    known: Sequence[Finding],
    found: Sequence[Finding],
    *,
    looked: Collection[str],
    now: int,
    boot_unix_s: int | None,
    rules: Mapping[str, CodeRule],
    snoozed_until: Mapping[str, int] | None = None,
    resumed_unix_s: int | None = None,
) -> Advance:
    """One look later.

    `known`: the store, one finding a fingerprint. `found`: what `examine` raised. `looked`: ids of the checks that
    ended ok or with a finding; only they can clear. `snoozed_until`: when each snoozed fingerprint wakes.
    `resumed_unix_s`: when the machine last woke from sleep, where somebody knows.
    """
    storms = [finding for finding in known if finding.code == STORM_CODE]
    before = {finding.fingerprint: finding for finding in known if finding.code != STORM_CODE}
    fresh = {finding.fingerprint: finding for finding in found}
    in_grace = any(woke is not None and 0 <= now - woke < GRACE_AFTER_BOOT_S for woke in (boot_unix_s, resumed_unix_s))
    after: dict[str, Finding] = {}
    for fingerprint, old in before.items():
        if fingerprint not in fresh:
            after[fingerprint] = _unseen(old, looked, now, rules)
    for fingerprint, new in fresh.items():
        after[fingerprint] = _seen(before.get(fingerprint), new, now, in_grace, rules)
    for fingerprint, finding in after.items():
        wakes_unix_s = (snoozed_until or {}).get(fingerprint, now)
        if finding.state is FindingState.SNOOZED and wakes_unix_s <= now:
            after[fingerprint] = _settle(finding.after(FindingEvent.WAKE), now, in_grace, rules)
    hidden = _under_causes(list(after.values()), rules)
    calmed = _brake(hidden, storms, _in_storm(known), now)
    kept = tuple(item for item in calmed if not _forgotten(item, now))
    was_active = {item.fingerprint for item in known if item.state is FindingState.ACTIVE}
    return Advance(
        findings=kept,
        appeared=tuple(
            item for item in kept if item.state is FindingState.ACTIVE and item.fingerprint not in was_active
        ),
        ended=tuple(
            item
            for item in kept
            if item.state in (FindingState.RESOLVED, FindingState.EXPIRED) and item.fingerprint in was_active
        ),
    )


def _rule(finding: Finding, rules: Mapping[str, CodeRule]) -> CodeRule:
    return rules.get(finding.code, _UNKNOWN_RULE)


def _seen(old: Finding | None, new: Finding, now: int, in_grace: bool, rules: Mapping[str, CodeRule]) -> Finding:
    """The newest facts with the past of the old one. A problem that came back starts its waiting anew."""
    if old is None:
        return _settle(replace(new, state=FindingState.PENDING), now, in_grace, rules)
    came_back = old.state in (FindingState.RESOLVED, FindingState.EXPIRED)
    merged = replace(
        new,
        state=old.state,
        first_seen_unix_s=new.first_seen_unix_s if came_back else old.first_seen_unix_s,
        last_seen_unix_s=max(now, old.last_seen_unix_s),
        count=1 if came_back else old.count + 1,
        # What stood before the onset stays; what changed since cannot have caused it.
        changes=new.changes if came_back else old.changes or new.changes,
    ).after(FindingEvent.SEEN)
    return _settle(merged, now, in_grace, rules)


def _settle(finding: Finding, now: int, in_grace: bool, rules: Mapping[str, CodeRule]) -> Finding:
    """Pending becomes active once it has been seen for long enough and often enough."""
    if finding.state is not FindingState.PENDING:
        return finding
    rule = _rule(finding, rules)
    if in_grace and finding.severity.rank < GRACE_EXEMPT.rank:
        return finding
    if finding.count < rule.evaluations or now - finding.first_seen_unix_s < rule.visible_after_s:
        return finding
    return finding.after(FindingEvent.CONFIRMED)


def _unseen(old: Finding, looked: Collection[str], now: int, rules: Mapping[str, CodeRule]) -> Finding:
    if old.state in (FindingState.RESOLVED, FindingState.EXPIRED):
        return old
    check = old.rule.partition("@")[0]
    if check in looked:
        return replace(old.after(FindingEvent.CLEARED), explained_by=None)
    if now - old.last_seen_unix_s >= _rule(old, rules).expires_after_s:
        return replace(old.after(FindingEvent.LAPSED), explained_by=None)
    return old


def _under_causes(findings: list[Finding], rules: Mapping[str, CodeRule]) -> list[Finding]:
    active = {(item.code, item.instance): item for item in findings if item.state is FindingState.ACTIVE}
    by_code = {code: item for (code, _), item in sorted(active.items(), reverse=True)}
    result = []
    for finding in findings:
        cause = None
        for candidate in _rule(finding, rules).hidden_under:
            cause = (
                active.get((candidate.code, finding.instance))
                if candidate.same_instance
                else by_code.get(candidate.code)
            )
            if cause is not None:
                break
        result.append(replace(finding, explained_by=cause.fingerprint if cause else None))
    return result


def _in_storm(known: Sequence[Finding]) -> frozenset[str]:
    storm = f"{STORM_CODE}|{STORM_INSTANCE}"
    return frozenset(item.fingerprint for item in known if item.explained_by == storm)


def _brake(findings: list[Finding], storms: list[Finding], in_storm: frozenset[str], now: int) -> list[Finding]:
    """Ten that appeared within the hour are one, for as long as two of them last. What was there before, and what
    is critical, stays shown by itself."""
    recent = [
        item
        for item in findings
        if is_visible(item) and now - item.first_seen_unix_s < STORM_WINDOW_S and item.severity is not Severity.CRITICAL
    ]
    lasting = [item for item in findings if is_visible(item) and item.fingerprint in in_storm]
    newest = recent if len(recent) >= STORM_FINDINGS else lasting
    old = storms[0] if storms else None
    if len(newest) < 2:
        if old is None:
            return findings
        if old.state is FindingState.ACTIVE:
            old = old.after(FindingEvent.CLEARED)
        return [*findings, old]
    shown = ", ".join(sorted({item.code for item in newest}))
    storm = raised(
        STORM_CODE,
        STORM_INSTANCE,
        max((item.severity for item in newest), key=lambda severity: severity.rank),
        rule=f"{STORM_CODE}@1",
        now=now,
        facts={"findings": len(newest)},
        proof=(evidence("findings", "newest", shown),),
    )
    if old is not None and old.state is FindingState.ACTIVE:
        storm = replace(storm, first_seen_unix_s=old.first_seen_unix_s, count=old.count + 1)
    storm = storm.after(FindingEvent.CONFIRMED)
    calmed = {item.fingerprint for item in newest}
    return [
        *(replace(item, explained_by=storm.fingerprint) if item.fingerprint in calmed else item for item in findings),
        storm,
    ]


def _forgotten(finding: Finding, now: int) -> bool:
    ended = finding.state in (FindingState.RESOLVED, FindingState.EXPIRED)
    return ended and now - finding.last_seen_unix_s >= ENDED_KEPT_S
