"""A year of an organisation with 500 devices, put straight into the tables: for looking at reports and for timing them.

    python -m tests.server.reports.year postgresql://…   # or sqlite:///year.db; prints what it made

Deterministic for a seed: five customers small and large, a busy Monday, a quiet summer, one bad update in spring,
technicians who take, answer, pass on, visit, solve and sometimes give up; certificates renewed every day.
"""

import asyncio
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Table

from protocol import strict_json
from server.devices.model import devices
from server.findings.model import findings, metrics
from server.people.model import accounts
from server.people.rules import Role
from server.reports.model import health_days
from server.sessions.model import sessions
from server.storage.engine import Database
from server.storage.migrate import migrate
from server.technicians.model import technicians
from server.tickets.history import AuthorKind, EventKind
from server.tickets.levels import Level, Outcome
from server.tickets.model import ticket_events, ticket_verdicts, tickets
from tests.making import NOW, Organisation, serial, signing_key
from tests.server.actors import case, uuid

DAY, HOUR, MINUTE = 86_400, 3600, 60
DAYS: Final = 364
DEVICES: Final = 500
CUSTOMERS: Final = (("Acme", 210), ("Bluebird Logistics", 130), ("Corner Bakery", 12), ("Dune Dental", 48),
                    ("Elmwood School", 100))  # fmt: skip
TECHNICIANS: Final = ("Mira Sundqvist", "Ada Tech", "Bo Larsen", "Chidi Okafor", "Dana Weiss", "Emre Kaya", "Fay Lin")
CAUSES: Final = (
    # code, severity, how often, chance of a known issue on the machine
    ("disk-space-low", "error", 22, 0.75), ("memory-pressure", "warning", 14, 0.2),
    ("service-failed", "error", 16, 0.3), ("dns-slow", "warning", 9, 0.5),
    ("disk-failing", "critical", 3, 0.0), ("update-failed", "error", 12, 0.6),
    ("clock-wrong", "warning", 5, 0.9), ("certificate-expires", "warning", 4, 0.4),
)  # fmt: skip
WORDS: Final = (
    "The printer prints blank pages.", "Mail does not open any more.", "It is very slow since Monday.",
    "I cannot reach the shared folder.", "The screen flickers.", "A window asks for a password.",
)  # fmt: skip


@dataclass
class Year:
    """The rows, by table; `put` writes them."""

    seed: int = 7
    now: int = NOW
    rows: dict[Table, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.midnight = self.now // DAY * DAY
        for table in (technicians, accounts, devices, tickets, ticket_events, sessions, health_days, metrics,
                      findings, ticket_verdicts):  # fmt: skip
            self.rows[table] = []
        self._people()
        self._devices()
        for day in range(DAYS):
            self._day(self.midnight - (DAYS - 1 - day) * DAY, day)
        self._fixes()
        self._verdicts()

    async def put(self, database: Database) -> None:
        async with database.write() as connection:
            for table, rows in self.rows.items():
                for at in range(0, len(rows), 500):
                    # Beside what is there already: a day of tests/server/console/lived.py, for one.
                    insert = database.insert(table).on_conflict_do_nothing()
                    await connection.execute(insert, rows[at : at + 500])

    def counted(self) -> str:
        return ", ".join(f"{len(rows)} {table.name}" for table, rows in self.rows.items())

    # --- people and devices ----------------------------------------------------------------------------------

    def _people(self) -> None:
        organisation = Organisation()
        for name in TECHNICIANS:
            account = name.split()[0].lower()
            key = signing_key(f"{organisation.name} {name}").public
            self.rows[accounts].append(
                {"name": account, "role": Role.TECHNICIAN.value, "technician_key": key, "made_at": self.now}
            )
            certificate = strict_json.dump(organisation.technician(name)).decode()
            for day in range(DAYS + 1):
                self.rows[technicians].append({
                    "serial": serial(f"{name} {day}"), "name": name, "tier": 1 + len(self.rows[accounts]) % 3,
                    "certificate": certificate, "not_after": self.midnight - (DAYS - day) * DAY + 12 * HOUR,
                    "stored_at": self.midnight - (DAYS - day) * DAY,
                })  # fmt: skip

    def _devices(self) -> None:
        self.fleet: list[tuple[str, str]] = []
        for customer, number in CUSTOMERS:
            for at in range(number):
                name = f"{customer} {at}"
                device = "d-" + case(name)[2:].ljust(26, "a")
                self.fleet.append((device, customer))
                self.rows[devices].append({
                    "device": device, "signing_key": b"k" * 32, "witness_key": b"w" * 32, "request": "{}",
                    "label": f"{customer[:4]}-{at:03}", "received_at": self.midnight - DAYS * DAY, "state": "approved",
                    "asked_customer": customer, "customer": customer, "last_seen": self.now,
                })  # fmt: skip

    # --- a day -------------------------------------------------------------------------------------------------

    def _day(self, start: int, day: int) -> None:
        weekday = (start // DAY + 3) % 7  # 0 is Monday
        busy = (1.5, 1.1, 1.0, 1.0, 0.9, 0.25, 0.2)[weekday] * (0.6 if 180 < day < 230 else 1.0)
        bad_update = 60 <= day < 67
        number = int(self.chance.gauss(13 * busy * (2.2 if bad_update else 1.0), 2.5))
        for at in range(max(0, number)):
            self._ticket(f"{day} {at}", start + int(self.chance.triangular(6, 20, 10) * HOUR), bad_update)
        self._health(start, bad_update)

    def _ticket(self, name: str, at: int, bad_update: bool) -> None:
        chance = self.chance
        device, _ = chance.choice(self.fleet)
        asked = chance.random() < 0.35
        code, severity, _, known_share = chance.choices(CAUSES, [cause[2] for cause in CAUSES])[0]
        if bad_update and chance.random() < 0.6:
            code, severity, asked = "update-failed", "error", False
        known = not asked and chance.random() < known_share
        life = Life(uuid(name), at, self.now, Level.SELF_SERVICE if known else Level.FIRST_LINE, chance)
        if not asked and chance.random() < (0.72 if known else 0.18):
            life.ends_alone(Outcome.SOLVED_MECHANICALLY if known else Outcome.CLEARED_BY_ITSELF)
        else:
            life.is_worked_on()
        self.rows[tickets].append({
            "ticket": life.ticket, "case_id": case(name), "device": device,
            "origin": "customer" if asked else "finding",
            "finding": None if asked else code, "instance": None if asked else case(name)[2:],
            "severity": None if asked else severity, "words": chance.choice(WORDS) if asked else "",
            "opened_at": at, "received_at": at, "updated_at": life.at, "state": life.state, "outcome": life.outcome,
            "level": life.level.value, "owner": life.owner, "cost": "Nothing.", "doing": "Looking.", "next": "A word.",
            "eta": at + 4 * HOUR, "statement": "{}",
        })  # fmt: skip
        self.rows[ticket_events] += life.events
        if life.visited:
            self._visit(life, device, name)

    def _visit(self, life: "Life", device: str, name: str) -> None:
        chance, asked_at = self.chance, life.visited
        who = next(full for full in TECHNICIANS if full.split()[0].lower() == life.owner)
        allowed = chance.random() < 0.86
        ended_at = asked_at + int(chance.lognormvariate(6.4, 0.7)) if allowed else asked_at + 60
        self.rows[sessions].append({
            "room": case("room " + name)[2:].ljust(26, "a"), "device": device, "ticket": life.ticket,
            "serial": serial(f"{who} {DAYS - (self.midnight - asked_at) // DAY}"), "asked_at": asked_at,
            "paired_at": asked_at + 20 if allowed else None, "ended_at": ended_at, "end_reason": "ended",
            "grant_hash": name.encode().ljust(32, b"g") if allowed else None,
            "scopes": chance.choice(("diagnose", "diagnose,logs", "diagnose,services,processes")) if allowed else "",
        })  # fmt: skip

    def _fixes(self) -> None:
        """Counters of fixes on some of the devices, week by week: most help."""
        chance = random.Random(self.seed)
        for row in self.rows[devices][::12]:
            counted = {"solved-mechanically": 0, "not-solved": 0}
            for week in range(DAYS // 7):
                counted["solved-mechanically"] += chance.random() < 0.3
                counted["not-solved"] += chance.random() < 0.05
                self.rows[metrics] += [
                    {"device": row["device"], "name": f"remedies.{name}", "instance": "", "value": float(number),
                     "at": self.midnight - (DAYS - 7 * week) * DAY + DAY // 2}
                    for name, number in counted.items()
                ]  # fmt: skip

    def _verdicts(self) -> None:
        """A third of those whose ticket was solved say whether it helped, most of them with a mark."""
        chance = random.Random(self.seed)
        issues = {code: f"{code}-explained" for code, *_, share in CAUSES if share}
        for row in self.rows[tickets]:
            if row["state"] != "solved" or chance.random() > 0.33:
                continue
            helped = chance.random() < 0.88
            mark = chance.choice((4, 5, 5, 5) if helped else (1, 2, 3)) if chance.random() < 0.8 else None
            at = min(self.now, row["updated_at"] + int(chance.lognormvariate(8, 1)))
            verdict = {"id": len(self.rows[ticket_verdicts]) + 1, "ticket": row["ticket"], "at": at}
            self.rows[ticket_verdicts].append({**verdict, "helped": helped, "mark": mark})
            if row["finding"] in issues and chance.random() < 0.5:
                self.rows[findings].append({
                    "device": row["device"], "code": row["finding"], "instance": row["instance"], "count": 1,
                    "severity": row["severity"], "state": "resolved", "first_seen": row["opened_at"], "last_seen": at,
                    "known_issue": issues[row["finding"]], "reported_at": at,
                })  # fmt: skip

    def _health(self, start: int, bad_update: bool) -> None:
        for customer, number in CUSTOMERS:
            grave = {"critical": 0.004, "error": 0.12 if bad_update else 0.035, "warning": 0.14, "info": 0.22}
            left = number
            for severity, expected in grave.items():
                own = min(left, max(0, round(self.chance.gauss(number * expected, 1))))
                left -= own
                row = {"findings": own + self.chance.randint(0, own), "devices": own}
                self.rows[health_days].append({"day": start // DAY, "customer": customer, "severity": severity, **row})
            self.rows[health_days].append(
                {"day": start // DAY, "customer": customer, "severity": "none", "findings": 0, "devices": left}
            )


@dataclass
class Life:
    """One ticket's history as it grows. What would happen after `now` does not."""

    ticket: str
    at: int
    now: int
    level: Level
    chance: random.Random
    state: str = "new"
    outcome: str | None = None
    owner: str | None = None
    visited: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def ends_alone(self, outcome: Outcome) -> None:
        if self._later(self.chance.lognormvariate(7.5, 1.2)):
            self._keep(EventKind.STATE, self.state, "solved", AuthorKind.DEVICE)
            self._keep(EventKind.OUTCOME, None, outcome.value, AuthorKind.DEVICE)
            self.state, self.outcome = "solved", outcome.value

    def is_worked_on(self) -> None:
        chance = self.chance
        if not self._later(chance.lognormvariate(7.6, 1.0)):
            return
        self._keep(EventKind.ANSWERED, None, None)
        if self.level is Level.SELF_SERVICE:
            self._goes(Level.FIRST_LINE)
        self._owned_by(self._somebody(0, 4))
        self._becomes("open")
        if chance.random() < 0.2 and self._later(chance.uniform(10, 300) * MINUTE):
            self._keep(EventKind.WROTE, None, None, AuthorKind.DEVICE)
        if chance.random() < 0.45 and self._later(chance.uniform(5, 90) * MINUTE):
            self.visited = self.at
        if chance.random() < 0.24 and self._later(chance.uniform(20, 400) * MINUTE):
            self._goes(Level.SECOND_LINE)
            self._owned_by(self._somebody(4, 6))
            if chance.random() < 0.15 and self._later(chance.uniform(1, 20) * HOUR):
                self._goes(Level.THIRD_LINE)
                self._owned_by(self._somebody(6, 7))
        if chance.random() < 0.25 and self._later(chance.uniform(5, 60) * MINUTE):
            self._becomes("waiting-customer")
            if self._later(chance.uniform(1, 30) * HOUR):
                self._becomes("open")
        if not self._later(chance.lognormvariate(9.2, 1.0)):
            return
        self._ends(Outcome.NOT_SOLVED if chance.random() < 0.05 else Outcome.BY_PERSON)
        if self.outcome == Outcome.BY_PERSON and chance.random() < 0.05 and self._later(chance.uniform(4, 100) * HOUR):
            self._becomes("reopened")
            self._keep(EventKind.OUTCOME, self.outcome, None)
            self.outcome = None
            if self._later(chance.uniform(1, 40) * HOUR):
                self._ends(Outcome.BY_PERSON)

    def _ends(self, outcome: Outcome) -> None:
        self._becomes("closed" if outcome is Outcome.NOT_SOLVED else "solved")
        self._keep(EventKind.OUTCOME, None, outcome.value)
        self.outcome = outcome.value

    def _becomes(self, state: str) -> None:
        self._keep(EventKind.STATE, self.state, state)
        self.state = state

    def _goes(self, level: Level) -> None:
        self._keep(EventKind.LEVEL, str(self.level.value), str(level.value))
        self.level = level

    def _owned_by(self, owner: str) -> None:
        self._keep(EventKind.OWNER, self.owner, owner)
        self.owner = owner

    def _somebody(self, first: int, last: int) -> str:
        return self.chance.choice(TECHNICIANS[first:last]).split()[0].lower()

    def _later(self, seconds: float) -> bool:
        if self.at + int(seconds) >= self.now:
            return False
        self.at += int(seconds)
        return True

    def _keep(
        self, kind: EventKind, before: str | None, after: str | None, by: AuthorKind = AuthorKind.ACCOUNT
    ) -> None:
        name = (self.owner or "mira") if by is AuthorKind.ACCOUNT else ""
        self.events.append({
            "ticket": self.ticket, "at": self.at, "kind": kind.value, "before": before, "after": after,
            "by_kind": by.value, "by_name": name, "note": None,
        })  # fmt: skip


async def write_year(address: str, now: int = NOW) -> str:
    database = Database(address)
    await migrate(database)
    year = Year(now=now)
    await year.put(database)
    await database.close()
    return year.counted()


def main(words: Iterable[str]) -> None:
    (address,) = words
    print(asyncio.run(write_year(address)))


if __name__ == "__main__":
    main(sys.argv[1:])
