"""Check 4: does an ATA disk say that it is failing?

Five counters foretell: reallocated (5), reported uncorrectable (187), command timeouts (188), pending (197) and offline
uncorrectable sectors (198) above zero mean "look" (Backblaze's drive statistics). Sectors that cannot be read now, and
the disk's own verdict, are graver. Number 188 packs three counts into one number; its low sixteen bits are the count.

How many spare sectors a disk has no maker tells. What it tells is a scale that falls with them, and the limit at which
the disk itself calls the attribute failed: that way down is foretold (`foretold.py`).
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.disk_health import DISK_HEALTH
from diagnostics.findings import Finding, Severity
from diagnostics.foretold import Foretold, foretold
from diagnostics.hardware_observations import AtaHealth
from diagnostics.machine.interface import Unreadable
from diagnostics.wording import Words

FAILING, WORN, CABLE = "disk-failing", "disk-sectors-replaced", "disk-cable-errors"
ENDING = "disk-reserve-ending"
# Attribute → what it counts.
UNREADABLE_NOW = {"197": "pending sectors", "198": "uncorrectable sectors", "184": "end-to-end errors"}
WATCHED = {"5": "reallocated sectors", "187": "reported errors", "188": "command timeouts", "10": "spin retries"}
# Scales that fall as a reserve or a life is used up.
RESERVES = {"5": "spare sectors", "196": "spare sectors", "232": "reserved space"}
LIVES = {"177": "rewrites left", "202": "life left", "231": "life left", "233": "life left"}
# Some transfers fail on every cable in years; hundreds are a bad one.
CABLE_ERRORS = 200
WEEK_S = 7 * 86_400


def counts(disk: AtaHealth, names: dict[str, str]) -> dict[str, int]:
    """Counters above zero, in plain names."""
    found = {}
    for number, name in names.items():
        value = disk.raw.get(number, 0)
        value = value & 0xFFFF if number == "188" else value
        if value > 0:
            found[name] = value
    return found


def more_in_a_week(disk: AtaHealth, instance: str, context: Context) -> int:
    """By how much the reallocated and reported sectors have risen against the history; timeouts come of cables too."""
    more = 0
    for number in ("5", "187"):
        points = context.history.series(f"smart.{number}", instance, since_unix_s=context.now - WEEK_S)
        if points and number in disk.raw:
            more += max(0, disk.raw[number] - round(points[0].value))
    return more


def check_smart_ata(disks: tuple[AtaHealth, ...], context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for disk in disks:
        instance = f"disk:{disk.device}"
        for number in (*UNREADABLE_NOW, *WATCHED, "199"):
            if number in disk.raw:
                metrics.append(Metric(f"smart.{number}", disk.raw[number], instance))
        findings += _foretold(disk, instance, metrics, context)
        now_bad, worn = counts(disk, UNREADABLE_NOW), counts(disk, WATCHED)
        crc = disk.raw.get("199", 0)
        code, severity, more = "", Severity.WARNING, 0
        if disk.passed is False:
            code, severity = FAILING, Severity.CRITICAL
        elif now_bad:
            code, severity = FAILING, Severity.ERROR
        elif worn:
            # A few bad sectors may stay a few for years; those that become more are the beginning of the end.
            more = more_in_a_week(disk, instance, context)
            code, severity = WORN, Severity.ERROR if more else Severity.WARNING
        elif crc >= CABLE_ERRORS:
            code = CABLE
        if not code:
            continue
        shown = ", ".join(f"{name} {value}" for name, value in {**now_bad, **worn}.items()) or f"CRC errors {crc}"
        if code == WORN and more:
            shown += f" ({more} more within a week)"
        findings.append(
            raised(
                code,
                instance,
                severity,
                rule=SPEC.rule,
                now=context.now,
                facts={"device": disk.device, "model": disk.model, "counts": shown, "passed": disk.passed is not False},
                proof=(evidence("smartctl", disk.device, f"{disk.model}: {shown}"),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _foretold(disk: AtaHealth, instance: str, metrics: list[Metric], context: Context) -> list[Finding]:
    """The scale that ends first, if any does within a month. Adds what the next forecast is made of to `metrics`."""
    ending: list[tuple[Foretold, str, int]] = []
    for number, name in {**RESERVES, **LIVES}.items():
        above = disk.above.get(number)
        if above is None:
            continue
        metrics.append(Metric(f"smart.{number}.above", above, instance))
        told = foretold(f"smart.{number}.above", instance, 0.0, context, falling=True) if above > 0 else None
        if told is not None:
            ending.append((told, name, above))
    if not ending or disk.passed is False:
        return []
    told, name, above = min(ending, key=lambda item: item[0].time_to_act.likely_s)
    shown = f"{disk.model}: {name} {above} above the limit, {told.per_day:.2g} less each day"
    return [
        raised(
            ENDING,
            instance,
            Severity.WARNING,
            rule=SPEC.rule,
            now=context.now,
            facts={
                "device": disk.device,
                "model": disk.model,
                "counts": f"{name} {above}",
                "earliest_s": told.time_to_act.earliest_s,
                "latest_s": told.time_to_act.latest_s,
            },
            proof=(evidence("history", f"smart {disk.device}", shown),),
            time_to_act=told.time_to_act,
        )
    ]


def _judge(seen: Seen, context: Context) -> Outcome:
    disks = seen.of(DISK_HEALTH).ata
    if not disks:
        raise Unreadable("no ATA disk tells of its health here")
    return check_smart_ata(disks, context)


_AT_ONCE = "these counters never go back: there is nothing to wait for"

SPEC = CheckSpec(
    id="smart-ata",
    number=4,
    version=1,
    title="Health of ATA disks",
    needs=(DISK_HEALTH,),
    judge=_judge,
    codes={
        FAILING: rule(
            Words(
                "A disk is failing",
                "The disk {device} ({model}) reports: {counts}. It may stop working any day. Back up what matters now "
                "and have it replaced.",
            ),
            Words(
                "Диск выходит из строя",
                "Диск {device} ({model}) сообщает: {counts}. Он может отказать в любой день. Сразу скопируйте важное и "
                "замените диск.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        WORN: rule(
            Words(
                "A disk shows first signs of wear",
                "The disk {device} ({model}) had to use its reserve: {counts}. Make sure that there is a backup.",
            ),
            Words(
                "Диск показывает первые признаки износа",
                "Диску {device} ({model}) пришлось использовать запас: {counts}. Убедитесь, что есть резервная копия.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        ENDING: rule(
            Words(
                "The reserve of a disk runs out",
                "By its own measure the disk {device} ({model}) uses up its reserve (above the limit: {counts}). "
                "If that goes on, it ends in {earliest_s:duration} to {latest_s:duration}. Back up what matters and "
                "plan to replace it.",
            ),
            Words(
                "Запас диска заканчивается",
                "По собственной оценке диск {device} ({model}) расходует запас (до предела изготовителя: {counts}). "
                "Если так продолжится, запас закончится через {earliest_s:duration} — {latest_s:duration}. Скопируйте "
                "важное и запланируйте замену.",
            ),
            after_s=0,
            looks=3,
            why="three forecasts in a row have to agree",
            hidden_under=(Cause(FAILING, same_instance=True),),
        ),
        CABLE: rule(
            Words(
                "The cable of a disk is bad",
                "Transfers between the computer and the disk {device} ({model}) failed: {counts}. A new cable is the "
                "usual way out.",
            ),
            Words(
                "Плохой кабель диска",
                "Передача данных между компьютером и диском {device} ({model}) срывалась: {counts}. Обычно помогает "
                "новый кабель.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
    },
    interval_s=6 * 3600,
    cost=Cost.COSTLY,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
