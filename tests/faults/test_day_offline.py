"""A day without a server, on a clock moved by hand: looks, metrics, findings that come and go, tickets, words.

The agent is the whole real one, and so is the server it comes back to. What it kept of the day arrives, in full and
once; what did not fit was counted, and the sum is the day.
"""

import gc
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from agent.link.connection import LinkLost
from agent.watch.look import CheckLine, Explained, Look, MetricPoint, SeenFinding
from diagnostics.bundle import new_identity
from diagnostics.findings import Finding, FindingState, Severity
from protocol.tickets import TicketOrigin
from server.findings.model import metrics, report_gaps
from server.link.model import items
from server.tickets.model import tickets
from tests.agent.doubles import recipients
from tests.hostile.machine import Machine
from tests.hostile.test_server_restart import machine_at
from tests.making import DAY, Organisation
from tests.server.actors import Clock, World
from tests.server.conftest import running_world

LOOKS = 288
EVERY_S = 300
METRICS_A_LOOK = 20
#: Less than a day's reports, so that the oldest must go: the real bound is two weeks of them.
KEPT_MAX = 200
WARM_AFTER = 80
RSS_SLOPE_MAX_MB = 1.0
FILE_MAX_MB = 12.0


def looks(began: int, number: int) -> Look:
    """Every six hours another disk fills up for two hours; the numbers of a machine at work."""
    now = began + number * EVERY_S
    period, inside = divmod(number, LOOKS // 4)
    found: tuple[SeenFinding, ...] = ()
    ended: tuple[str, ...] = ()
    disk = Finding(
        code="disk-full",
        instance=f"disk:/data/{period}",
        severity=Severity.ERROR,
        rule="disk-space@1",
        first_seen_unix_s=began + period * (LOOKS // 4) * EVERY_S,
        last_seen_unix_s=now,
        state=FindingState.ACTIVE,
        count=inside + 1,
        facts={"used_fraction": 0.98},
    )
    words = {"en": Explained("The disk is full", "There is no room left."), "ru": Explained("Диск", "Места нет.")}
    if inside < 24:
        found = (SeenFinding(disk, words),)
    elif inside == 24:
        found = (SeenFinding(replace(disk, state=FindingState.RESOLVED), words),)
        ended = (disk.fingerprint,)
    points = (MetricPoint(f"made.metric-{at}", "", float(number * at)) for at in range(METRICS_A_LOOK))
    return Look((CheckLine("disk-space", "finding", 3, ""),), found, (), ended, tuple(points), 0.2, 0.1)


async def spend_the_day(machine: Machine, world: World, looked: list[int]) -> tuple[list[float], int]:
    """RSS in MB after each look, and how many words the customer said. `looked`: every look, the agent's own too."""
    began, process, rss, said = int(machine.time.wall_s), psutil.Process(), [], 0
    watch = machine.agent.ground.watch
    ticket = machine.ask_for_help("It began in the morning")
    for number in range(LOOKS):

        async def worker(request: bytes, number: int = number) -> bytes:
            looked.append(number)
            return looks(began, number).to_bytes()

        watch._worker = worker
        await watch.look()
        if number % 24 == 5:
            machine.member.tickets.say(ticket, f"hour {number // 12}")
            said += 1
        machine.time.pass_s(EVERY_S)
        world.clock.now = int(machine.time.wall_s)
        if number in (WARM_AFTER, LOOKS - 1):
            gc.collect()
        rss.append(process.memory_info().rss / 1e6)
    return rss, said


def size_mb(machine: Machine) -> float:
    return sum(path.stat().st_size for path in machine.folder.root.rglob("*") if path.is_file()) / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory as Linux counts it")
@pytest.mark.soak
async def test_a_day_offline_costs_no_memory_and_what_was_kept_arrives_and_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLPULL_NO_WINDOW", "1")
    # The day's looks are the test's; the schedule, which sleeps in real time, adds none of its own.
    monkeypatch.setattr("agent.watch.watch.first_look_s", lambda uniform: 86_400.0)
    now = int(time.time())
    async with running_world(tmp_path, Clock(now)) as world:
        world.organisation = Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)
        assert (await world.pin()).status_code == 200
        async with machine_at(tmp_path / "s", world) as machine:
            member = machine.member
            times = {"issued_at": now, "not_after": now + 10 * DAY}
            member.trust.accept(recipients(world.organisation, 1, new_identity()[1], **times))
            await machine.until(lambda: member.outbox.numbers().items == 0)
            member.outbox._max_items = KEPT_MAX
            reachable = member.link._open

            async def nobody(origin: str) -> object:
                raise LinkLost(f"{origin} cannot be reached: Connection refused")

            member.link._open = nobody  # type: ignore[assignment]
            member.link._uniform = lambda: 0.999
            assert member.link._connection is not None
            member.link._connection._websocket.transport.abort()
            await machine.until(lambda: not member.link.connected)

            looked: list[int] = []
            rss, said = await spend_the_day(machine, world, looked)
            kept = member.outbox.numbers()
            gap = member.outbox.gap() + told_gaps(machine)
            assert kept.items <= KEPT_MAX
            assert gap > 0, "everything fitted: this day proved less than it should"
            slope = rss[-1] - rss[WARM_AFTER]
            print(f"RSS {slope:+.2f} MB after {WARM_AFTER} looks, {size_mb(machine):.1f} MB on the disk, {gap} counted")
            assert slope <= RSS_SLOPE_MAX_MB
            assert size_mb(machine) < FILE_MAX_MB

            own = member.tickets.list()
            assert [each.origin for each in own].count(TicketOrigin.FINDING) == 4
            assert len([each for each in own if each.outcome == "cleared-by-itself"]) == 4

            member.link._open = reachable
            member.link._uniform = lambda: 0.01
            member.link.hurry()
            await machine.until(lambda: member.outbox.numbers().items == 0, 60)
            # The reports after the day tell what could not be kept.
            machine.agent.ground.watch._worker = last_look(int(machine.time.wall_s), looked)
            await machine.agent.ground.watch.look()
            await machine.until(lambda: member.outbox.numbers().items == 0, 60)
            await counted(world, machine, said, len(looked))
            assert member.outbox.dead_letters() == []


def told_gaps(machine: Machine) -> int:
    return int(machine.agent.ground.database.query("SELECT coalesce(sum(gap), 0) FROM outbox")[0][0])


def last_look(now: int, looked: list[int]):  # type: ignore[no-untyped-def]
    async def worker(request: bytes) -> bytes:
        looked.append(LOOKS)
        return looks(now, 30).to_bytes()  # by then nothing is full any more

    return worker


async def counted(world: World, machine: Machine, said: int, looked: int) -> None:
    """At the server: reports that came and reports that are known to be missing are all there ever were."""
    async with world.office.database.read() as connection:
        rows = await connection.execute(select(items.c.type, func.count()).group_by(items.c.type))
        by_type = {row[0]: row[1] for row in rows}
        refused = await connection.scalar(select(func.count()).where(items.c.refused != ""))
        missing = await connection.scalar(select(func.coalesce(func.sum(report_gaps.c.cycles), 0)))
        numbers = await connection.scalar(select(func.count()).where(metrics.c.name.like("made.%")))
        opened = await connection.scalar(select(func.count()).select_from(tickets))
    assert refused == 0
    assert by_type["report"] + missing == looked > LOOKS
    assert missing > 0
    assert numbers == by_type["report"] * METRICS_A_LOOK
    assert opened == by_type["ticket"] == len(machine.member.tickets.list())
    assert by_type["customer-text"] == said
    assert by_type["ticket-outcome"] == 4
