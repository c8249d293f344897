"""Check 29: does a program write messages it never wrote before, since something changed? Or one far more often?

Messages are compared without what varies in them (`log_templates.py`). Told is only what is new after three days of
learning, came at least three times, and stands after a change: of that program within a week, or of anything within a
day. A known message is too frequent when this hour is three times the loudest of the seven days before.
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.changes.compare import Subject, name_of, subject_of
from diagnostics.checks import log_burst
from diagnostics.checks.contract import Cause, CheckSpec, Context, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.log_messages import LOG_MESSAGES
from diagnostics.findings import Change, Finding, Severity
from diagnostics.log_templates import Learned, Template, learn, usual_peak
from diagnostics.machine.interface import Unreadable
from diagnostics.system_observations import LogMessages
from diagnostics.wording import Words

NEW, SURGE = "log-new-message", "log-message-surge"
LEARNED_S = 3 * 86_400
# A new message is news for a day.
NEWS_S = 86_400
LEAST_COUNT = 3
SAME_NAME_S, ANY_CHANGE_S = 7 * 86_400, 86_400
# A change bears the time it was noticed at: packages are looked at every few hours.
NOTICED_LATE_S = 6 * 3600
LEAST_IN_HOUR, TIMES_PEAK = 60, 3
FINDINGS_MAX = 5
_ERROR = 3
_CAUSES = frozenset({Subject.PACKAGE, Subject.CONFIG, Subject.SERVICE, Subject.KERNEL, Subject.STARTUP})
# Shorter stems name nothing: `sh`.
_STEM_LEAST_CHARS = 4


def change_before(template: Template, changes: Iterable[Change]) -> Change | None:
    """The change that stands before its first line: one of the same name, else the newest of the day before."""
    by_name = nearest = None
    for change in changes:
        if subject_of(change) not in _CAUSES or change.at_unix_s > template.first_unix_s + NOTICED_LATE_S:
            continue
        stem = name_of(change).lower().partition(".")[0]
        named = len(stem) >= _STEM_LEAST_CHARS and stem in template.source.lower()
        if named and change.at_unix_s >= template.first_unix_s - SAME_NAME_S:
            by_name = change
        if change.at_unix_s >= template.first_unix_s - ANY_CHANGE_S:
            nearest = change
    return by_name or nearest


def check_log_templates(learned: Learned, context: Context) -> Outcome:
    state, now = learned.templates, context.now
    if now - state.began_unix_s < LEARNED_S:
        days = (now - state.began_unix_s) // 86_400
        return Outcome(templates=state, skipped=f"learns this machine's messages: {days} of 3 days")
    findings = [*_news(learned, context), *_surges(learned, context)]
    return Outcome(tuple(findings), templates=state)


def _news(learned: Learned, context: Context) -> list[Finding]:
    state = learned.templates
    by_source: dict[str, list[tuple[Template, Change]]] = {}
    for template in state.templates:
        after_learning = template.first_unix_s >= state.began_unix_s + LEARNED_S
        recent = template.first_unix_s > context.now - NEWS_S
        if not after_learning or not recent or template.count < LEAST_COUNT or template.source in state.full:
            continue
        change = change_before(template, context.changes)
        if change is not None:
            by_source.setdefault(template.source, []).append((template, change))
    ordered = sorted(by_source.items(), key=lambda item: (min(it.severity for it, _ in item[1]), item[0]))
    findings = []
    for source, found in ordered[:FINDINGS_MAX]:
        template, change = min(found, key=lambda pair: (pair[0].severity, -pair[0].count))
        findings.append(
            raised(
                NEW,
                f"log:{source}",
                Severity.WARNING if template.severity <= _ERROR else Severity.INFO,
                rule=SPEC.rule,
                now=context.now,
                facts={
                    "name": source,
                    "messages": len(found),
                    "times": template.count,
                    "sample": template.text,
                    "change": change.what,
                },
                proof=(
                    evidence("journal", source, f"{template.count} times: {template.text}"),
                    evidence("changes", str(change.at_unix_s), change.what),
                ),
            )
        )
    return findings


def _surges(learned: Learned, context: Context) -> list[Finding]:
    findings: dict[str, Finding] = {}
    for place, in_hour in sorted(learned.in_last_hour.items(), key=lambda item: (-item[1], item[0])):
        template = learned.templates.templates[place]
        usual = usual_peak(template, now=context.now)
        young = template.first_unix_s > context.now - LEARNED_S
        if young or in_hour < max(LEAST_IN_HOUR, TIMES_PEAK * usual) or template.source in findings:
            continue
        findings[template.source] = raised(
            SURGE,
            f"log:{template.source}",
            Severity.WARNING if template.severity <= _ERROR else Severity.INFO,
            rule=SPEC.rule,
            now=context.now,
            facts={"name": template.source, "lines": in_hour, "usual_lines": usual, "sample": template.text},
            proof=(evidence("journal", template.source, f"{in_hour} within an hour: {template.text}"),),
        )
    return list(findings.values())[:FINDINGS_MAX]


def learn_messages(messages: LogMessages, context: Context) -> Learned:
    return learn(context.templates, messages.lines, now=context.now)


def _judge(seen: Seen, context: Context) -> Outcome:
    messages = seen.of(LOG_MESSAGES)
    if not messages.lines and not context.templates.began_unix_s:
        raise Unreadable("the journal holds no warning yet to learn from")
    return check_log_templates(learn_messages(messages, context), context)


SPEC = CheckSpec(
    id="log-templates",
    number=29,
    version=1,
    title="New messages after a change",
    needs=(LOG_MESSAGES,),
    judge=_judge,
    codes={
        NEW: rule(
            Words(
                "A program complains since something changed",
                "{name} writes messages it never wrote before, {times} times so far: “{sample}”. They began after this "
                "change: {change}.",
            ),
            Words(
                "После изменения программа стала сообщать об ошибках",
                "{name} пишет сообщения, которых раньше не было, уже {times} раз: «{sample}». Они появились после "
                "изменения: {change}.",
            ),
            after_s=15 * 60,
            looks=2,
            why="15 min: a restart after an update writes its complaints once and is done",
        ),
        SURGE: rule(
            Words(
                "A program repeats one message",
                "Within an hour {name} wrote {lines} times: “{sample}”. In the loudest hour of last week it was "
                "{usual_lines}.",
            ),
            Words(
                "Программа повторяет одно сообщение",
                "За час {name} записала это сообщение {lines} раз: «{sample}». В самый шумный час прошлой недели — "
                "{usual_lines}.",
            ),
            after_s=30 * 60,
            looks=2,
            why="30 min: a job that fails and is tried again settles by itself",
            hidden_under=(Cause(log_burst.CODE, same_instance=False),),
        ),
    },
    interval_s=900,
    interval_on_macos_s=3600,
    cost=Cost.MODERATE,
    timeout_s=12,
    platforms=ALL_PLATFORMS,
)
