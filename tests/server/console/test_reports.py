"""Reports in the console: each figure with its words, its rows and its files; within what the reader may see."""

import csv
import io
import json
import re
from typing import Any

import pytest

from protocol.messages.desk import FourFacts, TicketState
from server.people.rules import Role
from server.reports.definitions import FIGURES
from server.reports.export import text_cell
from server.tickets.history import account
from tests.making import NOW, signing_key
from tests.server.actors import World, uuid
from tests.server.console.browsing import Browser, People
from tests.server.console.rows import put_device, put_ticket

PAGES = ["/reports", *(f"/reports/{figure.key}" for figure in FIGURES)]


@pytest.fixture
async def admin(desk: World, people: People) -> Browser:
    """Two customers with a ticket each; one is solved by the admin, the other's customer is named to be harmful."""
    database = desk.office.database
    for customer, words in (("Acme", "It hums <b>loudly</b>"), ('=HYPERLINK("http://x")', "@SUM(A1)")):
        device = await put_device(database, f"of {customer}", customer)
        await put_ticket(database, device, words, words=words)
    facts = FourFacts(cost="Nothing.", doing="Done.", next="Nothing.", eta=NOW)
    await desk.office.tickets.set_facts(uuid("It hums <b>loudly</b>"), facts, TicketState.SOLVED, by=account("admin"))
    await desk.office.health.count_today()
    return await people.signed_in(Role.ADMIN)


async def test_every_figure_stands_on_the_first_page_and_says_what_it_counts_on_its_own(admin: Browser) -> None:
    overview = (await admin.get("/reports")).text
    for figure in FIGURES:
        assert f'href="/reports/{figure.key}?period=month"' in overview
        page = await admin.get(f"/reports/{figure.key}")
        assert page.status_code == 200, figure.key
        assert figure.definition in page.text
        assert len(page.content) < 150_000


async def test_a_figure_leads_to_the_rows_behind_it_and_a_row_to_its_ticket(admin: Browser) -> None:
    page = (await admin.get("/reports/outcomes?period=week")).text
    assert f'<a href="/tickets/{uuid("It hums <b>loudly</b>")}">It hums &lt;b&gt;loudly&lt;/b&gt;</a>' in page
    assert "part=by-person" in page
    assert "1–1 of 1" in (await admin.get("/reports/outcomes?period=week&part=by-person")).text
    assert "Nothing to count" in (await admin.get("/reports/outcomes?period=week&part=not-solved")).text


async def test_csv_holds_the_rows_and_runs_no_formula(admin: Browser) -> None:
    answer = await admin.get("/reports/incidents-by-cause/rows.csv?period=week")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="incidents-by-cause-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv"',
        answer.headers["content-disposition"],
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {row["Customer"] for row in rows} == {"Acme", '\'=HYPERLINK("http://x")'}
    solved = next(row for row in rows if row["Customer"] == "Acme")
    assert (solved["Outcome"], solved["Answered after (s)"]) == ("Solved by a person", "0")
    assert not re.search(r'(^|,|")[=+@-]', answer.text.replace("'=", ""), re.MULTILINE)


async def test_json_holds_the_definition_the_parts_and_the_same_rows(admin: Browser) -> None:
    answer = await admin.get("/reports/outcomes/rows.json?period=week")
    document: dict[str, Any] = json.loads(answer.text)
    assert (document["figure"], document["value"], document["rows_counted"]) == ("outcomes", 0.0, 1)
    assert document["definition"].endswith(".")
    assert {part["key"]: part["numbers"][0] for part in document["parts"]}["by-person"] == 1
    assert [row["ticket"] for row in document["rows"]] == [uuid("It hums <b>loudly</b>")]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"), ("  =1", "'  =1"), ("\u00a0=1", "'\u00a0=1"), ("\ufeff=1", "'\ufeff=1"), ("＝1", "'＝1"),
        ("'=1", "''=1"), ("plain", "plain"), ("a=b", "a=b"), ("", ""),
    ],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_run_is_made_text(text: str, cell: str) -> None:
    assert text_cell(text) == cell


async def test_a_technician_sees_figures_rows_and_files_of_their_customers_only(
    desk: World, people: People, admin: Browser
) -> None:
    await desk.technician_token("Ada Tech", customers=("Acme",))
    browser = await people.signed_in(Role.TECHNICIAN, "ada")
    await desk.office.people.link_technician("ada", signing_key("Helpful Ltd Ada Tech").public)
    for path in (*PAGES, *(f"{page}/rows.{kind}" for page in PAGES[1:] for kind in ("csv", "json"))):
        for query in ("", "?customer=%3DHYPERLINK(%22http%3A%2F%2Fx%22)", "?period=year"):
            answer = await browser.get(path + query)
            assert answer.status_code == 200
            # What they typed themselves comes back to them; nothing else of that customer does.
            assert "SUM(A1)" not in answer.text
            assert uuid("@SUM(A1)") not in answer.text
    assert json.loads((await browser.get("/reports/incidents-by-cause/rows.json")).text)["rows_counted"] == 1
    assert json.loads((await admin.get("/reports/incidents-by-cause/rows.json")).text)["rows_counted"] == 2
    health = json.loads((await browser.get("/reports/fleet-health/rows.json")).text)
    assert all(row["customer"] == "Acme" for row in health["rows"])


@pytest.mark.parametrize(
    "query",
    [
        "period=never", "from=x&to=y", "from=2026-13-01&to=2026-01-01", "from=2026-02-02&to=2026-02-01",
        "from=0001-01-01&to=9999-12-31", "from=1970-01-01&to=1970-01-01", "page=0", "page=-1", "page=999999",
        "part=%00", "part=<script>alert(1)</script>", "customer=%27--", "customer=" + "x" * 4000,
    ],
)  # fmt: skip
async def test_an_address_that_makes_no_sense_shows_the_usual_time(admin: Browser, query: str) -> None:
    for path in PAGES[:3]:
        answer = await admin.get(f"{path}?{query}")
        assert answer.status_code == 200
        assert "28 days, UTC" in answer.text or "customer" in query
        assert "<script>alert" not in answer.text


async def test_own_dates_are_kept_through_the_page_and_its_files(desk: World, admin: Browser) -> None:
    from datetime import UTC, datetime

    today = datetime.fromtimestamp(NOW, UTC).date().isoformat()
    page = (await admin.get(f"/reports/incidents-by-cause?from={today}&to={today}")).text
    assert f"{today} to {today}, 1 days, UTC" in page
    assert f"rows.csv?period=own&amp;from={today}&amp;to={today}" in page
    answer = await admin.get(f"/reports/incidents-by-cause/rows.csv?period=own&from={today}&to={today}")
    assert f"incidents-by-cause-{today}-{today}.csv" in answer.headers["content-disposition"]


async def test_a_figure_that_is_not_there_is_a_page_that_says_so(admin: Browser) -> None:
    for path in ("/reports/none", "/reports/none/rows.csv", "/reports/<script>"):
        answer = await admin.get(path)
        assert answer.status_code == 404
        assert "<script>" not in answer.text
