"""Check 47: do connections run out: of local ports, or of room in the firewall's table?

One destination can be reached over each local port once, so this is an upper bound; who is near it is near trouble.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.sockets import SOCKETS
from diagnostics.findings import Finding, Severity
from diagnostics.system_observations import Sockets
from diagnostics.wording import Words

PORTS, TRACKED = "ports-nearly-used-up", "connection-table-full"
WARNING_FRACTION, ERROR_FRACTION = 0.80, 0.95


def check_ports(sockets: Sockets, context: Context) -> Outcome:
    used = sockets.tcp_in_use + sockets.tcp_waiting
    metrics = [Metric("tcp.in-use", sockets.tcp_in_use), Metric("tcp.waiting", sockets.tcp_waiting)]
    findings: list[Finding] = []

    def add(code: str, instance: str, used: int, limit: int) -> None:
        fraction = used / limit
        if fraction < WARNING_FRACTION:
            return
        findings.append(
            raised(
                code,
                instance,
                Severity.ERROR if fraction >= ERROR_FRACTION else Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"used": used, "limit": limit, "used_fraction": round(fraction, 4)},
                proof=(evidence("proc-net", instance, f"{used} of {limit}"),),
            )
        )

    add(PORTS, "tcp", used, sockets.ports)
    if sockets.tracked is not None and sockets.tracked_max:
        metrics.append(Metric("conntrack.used-fraction", round(sockets.tracked / sockets.tracked_max, 4)))
        add(TRACKED, "conntrack", sockets.tracked, sockets.tracked_max)
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_ports(seen.of(SOCKETS), context)


SPEC = CheckSpec(
    id="ports",
    number=47,
    version=1,
    title="Room for connections",
    needs=(SOCKETS,),
    judge=_judge,
    codes={
        PORTS: rule(
            Words(
                "Connections are running out",
                "{used} of {limit} places for connections are taken. New connections will soon fail; a program opens "
                "them and does not let go.",
            ),
            Words(
                "Заканчиваются места для соединений",
                "Занято {used} мест для соединений из {limit}. Скоро новые соединения не смогут открыться: какая-то "
                "программа открывает их и не отпускает.",
            ),
            after_s=5 * 60,
            looks=2,
            why="5 min: closed connections leave within a minute or two",
        ),
        TRACKED: rule(
            Words(
                "The firewall's table of connections is nearly full",
                "The firewall follows {used} of at most {limit} connections. When its table is full, it drops "
                "new ones.",
            ),
            Words(
                "Таблица соединений брандмауэра почти заполнена",
                "Брандмауэр следит за соединениями: {used} из {limit} возможных. Когда таблица заполнится, новые "
                "соединения он будет отбрасывать.",
            ),
            after_s=5 * 60,
            looks=2,
            why="5 min: a burst of short connections comes and goes",
        ),
    },
    interval_s=300,
    interval_on_windows_s=1800,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
