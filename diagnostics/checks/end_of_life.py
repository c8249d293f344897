"""Check 22: does this system still get security fixes?

The table below is what the makers publish: the last day of free security support (not of paid extensions). Rolling
distributions never end; unknown ones are skipped, not guessed. Sources:

    debian   https://www.debian.org/releases/  and  https://wiki.debian.org/LTS  (LTS counts: it is free)
    ubuntu   https://ubuntu.com/about/release-cycle
    fedora   https://docs.fedoraproject.org/en-US/releases/eol/
    rhel     https://access.redhat.com/support/policy/updates/errata ; alma, rocky, centos by their own pages
    suse     https://en.opensuse.org/Lifetime
    macos    Apple names no days. It mends the newest three versions: one ends when the third after it comes out, each
             autumn in the middle of September. For versions whose third successor is not out, that day is expected.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, date, datetime

from diagnostics.checks.contract import CheckSpec, Context, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.system import OPERATING_SYSTEM
from diagnostics.findings import Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import OperatingSystem
from diagnostics.windows_lifetimes import WINDOWS_LAST_DAY
from diagnostics.wording import Words

ENDED, ENDING = "system-out-of-support", "system-support-ending"
SOON_S = 60 * 86_400

LAST_DAY: Mapping[tuple[str, str], date] = {
    ("debian", "9"): date(2022, 6, 30),
    ("debian", "10"): date(2024, 6, 30),
    ("debian", "11"): date(2026, 8, 31),
    ("debian", "12"): date(2028, 6, 30),
    ("debian", "13"): date(2030, 6, 30),
    ("ubuntu", "16.04"): date(2021, 4, 30),
    ("ubuntu", "18.04"): date(2023, 5, 31),
    ("ubuntu", "20.04"): date(2025, 5, 31),
    ("ubuntu", "22.04"): date(2027, 4, 30),
    ("ubuntu", "23.10"): date(2024, 7, 11),
    ("ubuntu", "24.04"): date(2029, 5, 31),
    ("ubuntu", "24.10"): date(2025, 7, 10),
    ("ubuntu", "25.04"): date(2026, 1, 15),
    ("fedora", "38"): date(2024, 5, 21),
    ("fedora", "39"): date(2024, 11, 26),
    ("fedora", "40"): date(2025, 5, 13),
    ("rhel", "7"): date(2024, 6, 30),
    ("rhel", "8"): date(2029, 5, 31),
    ("rhel", "9"): date(2032, 5, 31),
    ("centos", "7"): date(2024, 6, 30),
    ("centos", "8"): date(2021, 12, 31),
    ("almalinux", "8"): date(2029, 5, 31),
    ("almalinux", "9"): date(2032, 5, 31),
    ("rocky", "8"): date(2029, 5, 31),
    ("rocky", "9"): date(2032, 5, 31),
    ("opensuse-leap", "15.4"): date(2023, 12, 7),
    ("opensuse-leap", "15.5"): date(2024, 12, 31),
    **WINDOWS_LAST_DAY,
    ("macos", "10"): date(2022, 9, 12),
    ("macos", "11"): date(2023, 9, 26),
    ("macos", "12"): date(2024, 9, 16),
    ("macos", "13"): date(2025, 9, 15),
    ("macos", "14"): date(2026, 9, 15),
    ("macos", "15"): date(2027, 9, 15),
    ("macos", "26"): date(2028, 9, 15),
    ("macos", "27"): date(2029, 9, 15),
}
# Their minor versions follow each other under one promise.
_BY_MAJOR = frozenset({"rhel", "centos", "almalinux", "rocky", "debian", "macos"})
_SOURCES = {"macos": "sw_vers"}
ROLLING = frozenset({"arch", "opensuse-tumbleweed", "gentoo", "void", "endeavouros", "manjaro"})


def last_day(system: OperatingSystem) -> date | None:
    version = system.version.partition(".")[0] if system.id in _BY_MAJOR else system.version
    return LAST_DAY.get((system.id, version))


def check_end_of_life(system: OperatingSystem, context: Context) -> Outcome:
    """Raises Unreadable for a system that is not in the table."""
    if system.id in ROLLING:
        return Outcome()
    day = last_day(system)
    if day is None:
        raise Unreadable(f"how long {system.name} gets fixes is not in this program's table")
    # The day itself is still supported, wherever on earth it is.
    left_s = timegm(day.timetuple()) + 86_400 - context.now
    if left_s > SOON_S:
        return Outcome()
    today = datetime.fromtimestamp(context.now, UTC).date()
    finding = raised(
        ENDED if left_s <= 0 else ENDING,
        "system",
        Severity.ERROR if left_s <= 0 else Severity.INFO,
        rule=SPEC.rule,
        now=context.now,
        facts={"system": system.name, "last_day": day.isoformat(), "days": abs((day - today).days)},
        proof=(
            evidence(_SOURCES.get(system.id, "os-release"), "version", f"{system.name} ({system.id} {system.version})"),
        ),
    )
    return Outcome((finding,))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_end_of_life(seen.of(OPERATING_SYSTEM), context)


_NO_HURRY = "nothing changes from look to look"

SPEC = CheckSpec(
    id="end-of-life",
    number=22,
    version=1,
    title="Security fixes for this system",
    needs=(OPERATING_SYSTEM,),
    judge=_judge,
    codes={
        ENDED: rule(
            Words(
                "This system gets no security fixes any more",
                "{system} has had no security fixes since {last_day}. Each hole found since then stays open. Ask "
                "for an upgrade to a newer version.",
            ),
            Words(
                "Система больше не получает исправлений безопасности",
                "{system} не получает исправлений безопасности с {last_day}. Все уязвимости, найденные с тех пор, "
                "остаются открытыми. Попросите обновить систему до новой версии.",
            ),
            after_s=0,
            looks=1,
            why=_NO_HURRY,
        ),
        ENDING: rule(
            Words(
                "Security fixes for this system end soon",
                "{system} gets security fixes until {last_day}. Plan the upgrade to a newer version before that day.",
            ),
            Words(
                "Скоро закончатся исправления безопасности",
                "{system} получает исправления безопасности до {last_day}. Запланируйте обновление до этого дня.",
            ),
            after_s=0,
            looks=1,
            why=_NO_HURRY,
        ),
    },
    interval_s=86_400,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
