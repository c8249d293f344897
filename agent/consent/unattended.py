"""Unattended machines: a policy that the owner signed lets named technicians in while nobody is there to be asked.

    administrator ── policy sign ─► statement of the owner key, version higher than any before ─► kept
    technician    ── request ─► judge(policy, …) ─► granted without a question, or the question as always

Nothing else opens a door without a person. A policy counts only while all of this holds, judged anew at each visit:
signed by this machine's owner key, for this device and this root, the newest version, not expired, the technician
named or of the tier, now within its hours, revocations fresher than 72 h. It gives the scopes it names and no others,
so that a scope that changes the machine is given only where the owner wrote it down; never a terminal. Somebody at
the machine who said no, stopped or allowed less is not overruled: for half an hour the question is put as always.
An abuse freeze shuts this door like every other (gate.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.clocks import Clocks
from agent.consent.prompt_text import LANGUAGE, PromptFacts
from agent.identity.owner_key import OwnerKey
from agent.refusal import Refusal
from agent.store.database import Database
from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.grants import ConsentMethod, ConsentTranscript
from protocol.limits import REFUSAL_COOLDOWN_S
from protocol.owner import UnattendedPolicy
from protocol.statements import Envelope, Verified, VerifyKey, verify

_DAY_MINUTES: Final = 24 * 60


class NotNow(StrEnum):
    """Why a policy does not let somebody in. The value is what status and the page say."""

    EXPIRED = "its time is over"
    OTHER_TECHNICIAN = "it names other technicians"
    OUTSIDE_HOURS = "it is outside its hours"
    STALE_REVOCATIONS = "withdrawn certificates could not be checked for three days"
    NOTHING_NAMED = "it names nothing of what was asked"
    PERSON_SAID_NO = "somebody at this computer said no, stopped or allowed less within the last half hour"


@dataclass(frozen=True)
class Allowed:
    """Without a question: these scopes, for these minutes."""

    scopes: tuple[Scope, ...]
    minutes: int


def minutes_left(policy: UnattendedPolicy, now: int) -> int:
    """Whole minutes until its hours of today, or its time, are over; 0 outside. From later to earlier crosses
    midnight; from and to the same are no hours at all (0 to 1440 is the whole day)."""
    if now < policy.issued_at or now >= policy.not_after:
        return 0
    minute = now // 60 % _DAY_MINUTES
    begin, end = policy.from_minute_utc, policy.to_minute_utc
    if begin <= end:
        left = end - minute if begin <= minute < end else 0
    elif minute >= begin:
        left = _DAY_MINUTES - minute + end
    else:
        left = end - minute if minute < end else 0
    if (begin, end) == (0, _DAY_MINUTES):
        left = _DAY_MINUTES
    return min(left, (policy.not_after - now) // 60)


def judge(
    policy: UnattendedPolicy,
    *,
    serial: str,
    tier: int,
    offered: Sequence[Scope],
    minutes: int,
    revocations_fresh: bool,
    person_said_no_at: int | None,
    now: int,
) -> Allowed | NotNow:
    """Whether this technician may come in without a question. `offered`: what was asked and this machine can serve."""
    if now >= policy.not_after:
        return NotNow.EXPIRED
    if person_said_no_at is not None and now < person_said_no_at + REFUSAL_COOLDOWN_S:
        return NotNow.PERSON_SAID_NO
    if not revocations_fresh:
        return NotNow.STALE_REVOCATIONS
    by_tier = policy.minimum_tier is not None and tier >= policy.minimum_tier
    if serial not in policy.serials and not by_tier:
        return NotNow.OTHER_TECHNICIAN
    left = minutes_left(policy, now)
    if left < 1:
        return NotNow.OUTSIDE_HOURS
    scopes = tuple(scope for scope in offered if scope in policy.scopes)
    if not scopes:
        return NotNow.NOTHING_NAMED
    return Allowed(scopes, min(minutes, policy.minutes, left))


TABLES: Final = (
    # One row for ever: `version` only rises, also past a withdrawal, so that no older policy comes back.
    """CREATE TABLE IF NOT EXISTS unattended_policy (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL,
        envelope BLOB
    ) STRICT""",
)


class Policies:
    """The owner's policy as it is kept. `root`: the organisation's root now; `said_no_at`: when a person had a say."""

    def __init__(
        self,
        database: Database,
        owner: OwnerKey,
        clocks: Clocks,
        *,
        device: str,
        root: Callable[[], bytes],
        said_no_at: Callable[[], int | None],
    ) -> None:
        self._database = database
        self._owner = owner
        self._clocks = clocks
        self._device = device
        self._root = root
        self._said_no_at = said_no_at

    # --- the owner --------------------------------------------------------------------------------------------

    def sign(
        self,
        *,
        serials: tuple[str, ...],
        minimum_tier: int | None,
        scopes: tuple[Scope, ...],
        minutes: int,
        from_minute_utc: int,
        to_minute_utc: int,
        days: int,
    ) -> Verified[UnattendedPolicy]:
        """A new policy in the place of the one before. Refusal for one that would let nobody in, or do nothing."""
        if not serials and minimum_tier is None:
            raise Refusal(
                "this policy would let nobody in",
                expected="certificate serials of technicians, or the lowest tier",
                got="neither",
                hint="Name them: --technician SERIAL, or --tier 2. The serial stands in their certificate.",
            )
        if not scopes:
            raise Refusal("this policy allows nothing", expected="at least one --scope", got="none")
        if from_minute_utc == to_minute_utc:
            raise Refusal("these are no hours at all", expected="--hours FROM-TO, or none for the whole day", got="0 h")
        now = self._clocks.wall()
        try:
            body = UnattendedPolicy(
                device=self._device,
                root=self._root(),
                version=self.version + 1,
                issued_at=now,
                not_after=now + days * 86_400,
                serials=serials,
                minimum_tier=minimum_tier,
                scopes=tuple(dict.fromkeys(scopes)),
                minutes=minutes,
                from_minute_utc=from_minute_utc,
                to_minute_utc=to_minute_utc,
            )
        except ValueError as error:
            raise Refusal(
                "this policy cannot be signed",
                expected="scopes below full control, minutes and hours within their limits",
                got=str(error).partition("\n")[0][:200],
                hint="A terminal is never opened without a person at the machine.",
            ) from None
        envelope = self._owner.sign(body)
        self._keep(body.version, envelope)
        return verify(envelope, UnattendedPolicy, self._owner_key())

    def withdraw(self) -> bool:
        """No policy from now on; the version goes on rising. False when there was none."""
        had = self._stored() is not None
        if had:
            self._keep(self.version + 1, None)
        return had

    # --- what counts ------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The highest version there ever was here; 0 before the first."""
        rows = self._database.query("SELECT version FROM unattended_policy")
        return int(rows[0]["version"]) if rows else 0

    def in_force(self) -> Verified[UnattendedPolicy] | None:
        """The policy, checked as if it had come from a stranger. Raises ProtocolError for one that is not sound."""
        envelope = self._stored()
        if envelope is None:
            return None
        policy = verify(envelope, UnattendedPolicy, self._owner_key())
        for what, expected, got in (
            ("device", self._device, policy.body.device),
            ("organisation root", self._root().hex()[:16], policy.body.root.hex()[:16]),
            ("version", self.version, policy.body.version),
        ):
            if expected != got:
                raise RemoteProtocolError(
                    f"the unattended policy names another {what}",
                    expected=str(expected),
                    got=str(got),
                    hint="Let an administrator of the machine sign it anew: bellpull-agent policy sign",
                )
        return policy

    def open_now(self) -> bool:
        """Whether anybody might be let in without a question at this moment: worth hearing who it is."""
        try:
            policy = self.in_force()
        except (ProtocolError, Refusal):
            return False  # `policy show` and status say what is wrong with it
        if policy is None or self._person_is_against():
            return False
        return minutes_left(policy.body, self._clocks.wall()) >= 1

    def decide(self, facts: PromptFacts) -> tuple[Allowed, ConsentTranscript] | NotNow | None:
        """For this visitor; None without a sound policy. The transcript names the policy by its hash.

        A hand-over is always asked about: the person who let the one in decides about the next.
        """
        if facts.takes_over_from is not None:
            return None
        try:
            policy = self.in_force()
        except (ProtocolError, Refusal):
            return None
        if policy is None:
            return None
        now = self._clocks.wall()
        verdict = judge(
            policy.body,
            serial=facts.serial,
            tier=facts.tier,
            offered=facts.offer.scopes,
            minutes=facts.minutes,
            revocations_fresh=facts.revocations_fresh,
            person_said_no_at=self._said_no_at(),
            now=now,
        )
        if isinstance(verdict, NotNow):
            return verdict
        transcript = ConsentTranscript(
            text_sha256=policy.hash,  # nobody was shown a text: what the owner signed stands in its place
            language=LANGUAGE,
            ticked=verdict.scopes,
            method=ConsentMethod.UNATTENDED_POLICY,
            local_user=f"owner's policy, version {policy.body.version}",
            decided_at=now,
        )
        return verdict, transcript

    def _person_is_against(self) -> bool:
        at = self._said_no_at()
        return at is not None and self._clocks.wall() < at + REFUSAL_COOLDOWN_S

    def _owner_key(self) -> VerifyKey:
        key = self._owner.verify_key()
        if key is None:
            raise Refusal(
                "the owner's key is gone",
                expected="identity/owner.key in the state folder",
                got="no file",
                hint="Sign the policy anew: bellpull-agent policy sign",
            )
        return key

    def _stored(self) -> Envelope | None:
        rows = self._database.query("SELECT envelope FROM unattended_policy WHERE envelope IS NOT NULL")
        return Envelope.parse(rows[0]["envelope"]) if rows else None

    def _keep(self, version: int, envelope: Envelope | None) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO unattended_policy VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE "
                "SET version = excluded.version, envelope = excluded.envelope WHERE excluded.version > version",
                (version, None if envelope is None else envelope.to_bytes()),
            )
