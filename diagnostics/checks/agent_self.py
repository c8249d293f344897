"""Check 48: does the agent keep its own budget, and does its work get through?

Numbers only the running agent knows (queue, uploads, age of its knowledge) are judged when they are given; a
one-shot check has none of them and judges the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.checks.contract import (
    CheckSpec,
    CodeRule,
    Context,
    Metric,
    Outcome,
    Seen,
    both,
    evidence,
    raised,
)
from diagnostics.collectors.agent_self import AGENT_SELF
from diagnostics.collectors.contract import Cost
from diagnostics.findings import Severity
from diagnostics.observations import AgentSelf
from diagnostics.wording import Words

_MB = 1_000_000
# The budget is 60 MB and 0.3 % of a core; raised where a watchdog would act.
RSS_MAX_BYTES = 100 * _MB
CPU_MAX_FRACTION = 0.01
# Starting costs more than a day of running: judged after an hour.
CPU_JUDGED_AFTER_S = 3600
DATA_FOLDER_MAX_BYTES = 200 * _MB
# A laptop is offline over night; longer, and evidence gets stale.
QUEUE_MAX_S = 24 * 3600
KNOWLEDGE_MAX_S = 30 * 86_400
INSTANCE = "agent"


@dataclass(frozen=True, slots=True)
class Budget:
    """One thing that is measured. `value` None: not known here."""

    code: str
    fact: str
    value: float | None
    most: float
    shown: str


def check_agent_self(agent: AgentSelf, context: Context) -> Outcome:
    cpu = agent.cpu_fraction if agent.running_s >= CPU_JUDGED_AFTER_S else None
    budgets = (
        Budget("agent-memory-high", "rss_bytes", agent.rss_bytes, RSS_MAX_BYTES, "bytes of memory"),
        Budget("agent-cpu-high", "cpu_fraction", cpu, CPU_MAX_FRACTION, "of one core since it started"),
        Budget(
            "agent-disk-high",
            "data_folder_bytes",
            agent.data_folder_bytes,
            DATA_FOLDER_MAX_BYTES,
            "bytes on disk",
        ),
        Budget(
            "agent-queue-stuck",
            "oldest_queued_s",
            agent.oldest_queued_s if agent.queued_items else None,
            QUEUE_MAX_S,
            "seconds since the oldest waiting item",
        ),
        Budget(
            "agent-knowledge-old",
            "knowledge_age_s",
            agent.knowledge_age_s,
            KNOWLEDGE_MAX_S,
            "seconds since the known issues were signed",
        ),
    )
    findings = tuple(
        raised(
            budget.code,
            INSTANCE,
            Severity.INFO if budget.code == "agent-knowledge-old" else Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={budget.fact: budget.value, "most": budget.most, "queued_items": agent.queued_items or 0},
            proof=(evidence("agent", budget.fact, f"{budget.value:g} {budget.shown}, at most {budget.most:g}"),),
        )
        for budget in budgets
        if budget.value is not None and budget.value > budget.most
    )
    metrics = [Metric("agent.rss-bytes", agent.rss_bytes)]
    if cpu is not None:
        metrics.append(Metric("agent.cpu-fraction", cpu))
    if agent.queued_items is not None:
        metrics.append(Metric("agent.queued-items", agent.queued_items))
    if agent.data_folder_bytes is not None:
        metrics.append(Metric("agent.data-folder-bytes", agent.data_folder_bytes))
    return Outcome(findings, tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_agent_self(seen.of(AGENT_SELF), context)


def _rule(english: Words, russian: Words, *, visible_after_s: int = 30 * 60) -> CodeRule:
    return CodeRule(
        words=both(english, russian),
        visible_after_s=visible_after_s,
        evaluations=3,
        why="30 min: making a bundle or catching up after a night offline is allowed to cost",
    )


SPEC = CheckSpec(
    id="agent-self",
    number=48,
    version=1,
    title="Bellpull's own use of this computer",
    needs=(AGENT_SELF,),
    judge=_judge,
    codes={
        "agent-memory-high": _rule(
            Words("Bellpull uses too much memory", "Bellpull uses {rss_bytes:bytes}, more than {most:bytes}."),
            Words(
                "Bellpull занимает слишком много памяти",
                "Bellpull занимает {rss_bytes:bytes} — больше, чем {most:bytes}.",
            ),
        ),
        "agent-cpu-high": _rule(
            Words(
                "Bellpull keeps the processor busy",
                "Bellpull has used {cpu_fraction:percent} of a processor core since it started.",
            ),
            Words(
                "Bellpull нагружает процессор",
                "С момента запуска Bellpull занимал {cpu_fraction:percent} ядра процессора.",
            ),
        ),
        "agent-disk-high": _rule(
            Words(
                "Bellpull uses too much disk space",
                "Bellpull keeps {data_folder_bytes:bytes} on the disk, more than {most:bytes}.",
            ),
            Words(
                "Bellpull занимает слишком много места на диске",
                "Данные Bellpull занимают {data_folder_bytes:bytes} — больше, чем {most:bytes}.",
            ),
        ),
        "agent-queue-stuck": _rule(
            Words(
                "Reports do not get through to the support desk",
                "{queued_items} reports wait to be sent, the oldest for {oldest_queued_s:duration}.",
            ),
            Words(
                "Отчёты не доходят до службы поддержки",
                "Ждут отправки: {queued_items}, самый старый отчёт — {oldest_queued_s:duration}.",
            ),
        ),
        "agent-knowledge-old": _rule(
            Words(
                "Bellpull's knowledge is out of date",
                "The list of known problems is {knowledge_age_s:duration} old.",
            ),
            Words(
                "База известных проблем устарела",
                "Список известных проблем не обновлялся {knowledge_age_s:duration}.",
            ),
        ),
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=5,
)
