"""Each figure, computed by hand on the history of conftest.py, is what the report says: on SQLite and PostgreSQL."""

import pytest

from protocol.messages.report import Report, ReportedMetric
from server.reports.definitions import BY_KEY, FIGURES
from server.reports.figures import Source
from server.reports.health import HealthCounter
from server.reports.rows import ASKED
from server.storage.engine import Database
from tests.server.actors import Clock, uuid
from tests.server.console.rows import put_device, put_finding
from tests.server.reports.histories import DAY, HOUR, START, History, numbers

MINUTE = 60


async def test_incidents_by_level(history: History) -> None:
    report = await history.report("incidents-by-level")
    assert report.now.value == 7
    # All came to the first line: five ended there, one was passed on, and nobody has looked at the last.
    assert numbers(report) == {"1": (7, 5, 1), "2": (1, 1, 0)}


async def test_incidents_by_cause(history: History) -> None:
    report = await history.report("incidents-by-cause")
    assert numbers(report) == {
        ASKED: (3, pytest.approx(3 / 7)),
        "disk-space-low": (3, pytest.approx(3 / 7)),
        "dns-slow": (1, pytest.approx(1 / 7)),
    }


async def test_time_to_answer(history: History) -> None:
    """1 h, 2 h, 30 min, 3 h; those that ended alone and the one nobody has looked at are left out."""
    report = await history.report("time-to-answer")
    assert (report.now.value, report.now.of) == (1.5 * HOUR, 4)
    assert numbers(report) == {
        ASKED: (2, 45 * MINUTE, 45 * MINUTE),
        "error": (2, 2.5 * HOUR, 2.5 * HOUR),
    }


async def test_time_to_solve(history: History) -> None:
    """3 h, 10 h less 4 h of waiting, 30 min, 29 h until its last end, 10 min; the one given up is not solved."""
    report = await history.report("time-to-solve")
    assert (report.now.value, report.now.of) == (3 * HOUR, 5)
    assert numbers(report) == {
        "by-person": (3, 6 * HOUR, (3 + 6 + 29) * HOUR / 3),
        "cleared-by-itself": (1, 30 * MINUTE, 30 * MINUTE),
        "solved-mechanically": (1, 10 * MINUTE, 10 * MINUTE),
    }


async def test_first_contact_resolution(history: History) -> None:
    """Of three solved by a person: one was passed on, one customer had to write again and it was reopened."""
    report = await history.report("first-contact")
    assert report.now.value == pytest.approx(1 / 3)
    assert numbers(report) == {ASKED: (2, 0.5), "disk-space-low": (1, 0.0)}


async def test_no_second_contact_within_fourteen_days(history: History) -> None:
    """Five ended solved; the cleared one came back after eight days, and one was reopened."""
    report = await history.report("no-second-contact")
    assert (report.now.value, report.now.of) == (3 / 5, 5)
    assert numbers(report) == {
        ASKED: (2, 0.5),
        "disk-space-low": (2, 0.5),
        "dns-slow": (1, 1.0),
    }


async def test_outcomes(history: History) -> None:
    report = await history.report("outcomes")
    assert report.now.value == pytest.approx(2 / 6)
    assert numbers(report) == {
        "solved-mechanically": (1, pytest.approx(1 / 6)),
        "cleared-by-itself": (1, pytest.approx(1 / 6)),
        "by-person": (3, pytest.approx(3 / 6)),
        "not-solved": (1, pytest.approx(1 / 6)),
    }


async def test_share_solved_at_the_first_line(history: History) -> None:
    report = await history.report("first-line")
    assert report.now.value == pytest.approx(2 / 3)
    assert numbers(report) == {ASKED: (2, 1.0), "disk-space-low": (1, 0.0)}


async def test_visits_and_their_length(history: History) -> None:
    report = await history.report("visits")
    assert numbers(report) == {"Ada Tech": (3, 2, 900, 900)}
    lengths = await history.report("visit-length")
    assert lengths.now.value == 900
    assert numbers(lengths) == {"diagnose": (2, 900, 900), "logs": (1, 1200, 1200)}


async def test_load(history: History) -> None:
    """Ada solved two, bo one; nobody has the open one. Ada's certificate is linked to no account here."""
    report = await history.report("load")
    assert numbers(report) == {"ada": (2, 0, 0, 0), "bo": (1, 0, 0, 0), "Ada Tech": (0, 3, 1800, 0)}
    assert report.now.value == 1.0


async def test_an_account_and_a_certificate_that_are_linked_are_one_person(history: History) -> None:
    from sqlalchemy import update

    from protocol import strict_json
    from server.people.model import accounts
    from server.technicians.model import technicians
    from tests.making import Organisation, serial, signing_key

    organisation = Organisation()
    certificate = strict_json.dump(organisation.technician("Ada Tech")).decode()
    key = signing_key(f"{organisation.name} Ada Tech").public
    async with history.stores.database.write() as connection:
        changed = update(technicians).where(technicians.c.serial == serial("Ada")).values(certificate=certificate)
        await connection.execute(changed)
        row = {"name": "ada", "role": "technician", "technician_key": key, "made_at": 1}
        await connection.execute(accounts.insert().values(row))
    assert numbers(await history.report("load")) == {"Ada Tech": (2, 3, 1800, 0), "bo": (1, 0, 0, 0)}


async def test_only_what_lies_in_the_period_counts_and_the_one_before_stands_beside_it(history: History) -> None:
    report = await history.report("incidents-by-cause", "week")
    assert (report.now.value, report.before.value) == (1, 0)
    # Four weeks back from the day after now: day 3 and later.
    report = await history.report("incidents-by-cause", "month")
    assert (report.now.value, report.before.value) == (4, 3)
    assert sum(report.values) == 4  # type: ignore[arg-type]
    assert report.values[0] == 1


async def test_a_customers_figures_are_of_their_own_tickets_only(history: History) -> None:
    blue, nobody = frozenset({"Bluebird"}), frozenset[str]()
    report = await history.report("incidents-by-cause", customers=blue)
    assert numbers(report) == {ASKED: (2, pytest.approx(2 / 3)), "dns-slow": (1, pytest.approx(1 / 3))}
    assert {row.customer for row in report.rows} == {"Bluebird"}
    assert numbers(await history.report("visits", customers=blue)) == {"Ada Tech": (2, 1, 1200, 1200)}
    for figure in FIGURES:
        empty = await history.report(figure.key, customers=nobody)
        assert (empty.rows, empty.now.of) == ((), 0)


async def test_the_rows_behind_a_part_are_those_it_counts(history: History) -> None:
    report = await history.report("incidents-by-cause")
    assert [row.ticket for row in report.behind("disk-space-low")] == [uuid("six"), uuid("three"), uuid("two")]
    assert len(report.behind("")) == 7
    assert report.behind("no such part") == ()
    for figure in FIGURES:
        if figure.source is Source.HEALTH:
            continue
        report = await history.report(figure.key)
        for part in report.now.parts:
            if part.numbers[0] is not None and figure.key != "load":
                assert len(report.behind(part.key)) == part.numbers[0], (figure.key, part)


async def test_what_ended_less_than_fourteen_days_ago_is_not_judged_yet(history: History) -> None:
    """Neither good nor bad: else only the bad ones of the last days would count."""
    till = await history.stores.device("other")
    for name, day in (("early", 20), ("again", 21)):
        ticket = await history.at(day, 9).opens(till, name, "clock-wrong")
        await history.at(day, 10).ends(till, ticket, "cleared-by-itself")
    assert (await history.report("no-second-contact")).now.of == 5


async def test_fleet_health_is_counted_by_device_and_by_finding(database: Database, clock: Clock) -> None:
    from protocol.messages.report import ReportedSeverity
    from server.findings.model import checks

    sick = await put_device(database, "sick")
    await put_finding(database, sick, "disk-failing", ReportedSeverity.CRITICAL)
    await put_finding(database, sick, "disk-space-low", ReportedSeverity.ERROR)
    mild = await put_device(database, "mild")
    await put_finding(database, mild, "dns-slow", ReportedSeverity.WARNING)
    await put_finding(database, mild, "over", ReportedSeverity.CRITICAL, state="resolved")
    well = await put_device(database, "well", "Bluebird")
    await put_device(database, "never heard of")
    async with database.write() as connection:
        row = {"device": well, "id": "disk-space", "status": "ok", "reported_at": 1}
        await connection.execute(checks.insert().values(row))
    from tests.server.stores import Stores

    history = History(Stores(database, clock), clock)
    counter = HealthCounter(database, clock)
    await counter.count_today()
    await counter.count_today()
    report = await history.report("fleet-health", "week")
    assert report.now.value == pytest.approx(2 / 3)
    assert numbers(report) == {"critical": (1, 1), "error": (1, 0), "warning": (1, 1), "none": (0, 1)}
    async with database.write() as connection:
        from server.findings.model import findings

        await connection.execute(findings.delete().where(findings.c.device == sick))
    await counter.count_today()
    # A device whose findings are gone and which ran no check is not known to be well.
    assert numbers(await history.report("fleet-health", "week")) == {"warning": (1, 1), "none": (0, 1)}


async def test_fixes_are_counted_as_devices_report_them_with_a_ticket_or_without(history: History) -> None:
    laptop, till = await history.stores.device("laptop"), await history.stores.device("till", "Bluebird")
    told = (
        (laptop, 20, {"solved-mechanically": 4, "not-solved": 1}),  # from before: where counting begins
        (laptop, 26, {"solved-mechanically": 6, "not-solved": 2}),
        (till, 25, {"solved-mechanically": 0, "made-up": 0}),
        (till, 26, {"solved-mechanically": 1, "made-up": 7}),
    )
    for device, day, counts in told:
        at = history.at(day, 9).clock.now
        metrics = tuple(ReportedMetric(name=f"remedies.{name}", at=at, value=value) for name, value in counts.items())
        async with history.stores.database.write() as connection:
            await history.stores.findings.take(connection, device.device, Report(at=at, metrics=metrics))
    report = await history.report("fixes")
    assert report.now.value == pytest.approx(3 / 4)
    assert numbers(report) == {"solved-mechanically": (3, 0.75, 2), "not-solved": (1, 0.25, 1)}
    assert {row.customer for row in (await history.report("fixes", customers=frozenset({"Bluebird"}))).rows} == {
        "Bluebird"
    }


async def test_what_customers_say_counts_once_a_ticket_the_last_word(history: History) -> None:
    two, four, six = uuid("two"), uuid("four"), uuid("six")
    for day, ticket, helped, mark in (
        (12, two, False, 1),
        (20, two, True, 5),  # on second thoughts
        (21, four, True, None),
        (22, six, False, 2),
    ):
        await history.at(day, 9).judges(ticket, helped, mark)
    await history.explains(two, "logs-fill-disk")
    await history.explains(six, "logs-fill-disk")

    satisfaction = await history.report("satisfaction")
    assert (satisfaction.now.value, satisfaction.now.of) == (3.5, 2)
    assert numbers(satisfaction) == {"5": (1, 0.5), "2": (1, 0.5)}
    helped_report = await history.report("did-it-help")
    assert helped_report.now.value == pytest.approx(2 / 3)
    assert numbers(helped_report) == {"disk-space-low": (2, 1, 0.5), "asked-for-help": (1, 1, 1.0)}
    right = await history.report("known-issues-right")
    assert (right.now.value, numbers(right)) == (0.5, {"logs-fill-disk": (2, 1, 0.5)})
    week = await history.report("satisfaction", "week")
    assert (week.now.of, week.before.of, week.before.value) == (0, 2, 3.5)
    assert {row.customer for row in (await history.report("did-it-help", customers=frozenset({"Bluebird"}))).rows} == {
        "Bluebird"
    }


def test_every_figure_says_what_it_counts_in_plain_words() -> None:
    assert len(BY_KEY) == len(FIGURES)
    for figure in FIGURES:
        assert len(figure.definition) > 80
        assert figure.definition.endswith(".")
        empty = figure.measure([])
        assert (empty.of, empty.value) in ((0, None), (0, 0))
        assert all(len(part.numbers) == len(figure.columns) for part in empty.parts)


def test_the_history_of_the_tests_begins_at_midnight() -> None:
    assert START % DAY == 0
