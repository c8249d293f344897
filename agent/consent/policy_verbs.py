"""Local verbs of the owner's unattended policy: sign, show, withdraw; and the notice of who came in under it.

Signing and withdrawing are for an administrator of the machine and refused to processes of a session.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field

from agent.clocks import Clocks
from agent.consent.unattended import Policies, minutes_left
from agent.local.verbs import NoArguments, Peer, Verb
from agent.proofs.receipts import Receipts
from agent.refusal import Refusal
from agent.store.kept_values import KeptValues
from protocol.actions.scopes import MEANINGS, Scope
from protocol.errors import ProtocolError
from protocol.fields import Serial
from protocol.grants import ConsentMethod, Minutes
from protocol.owner import UnattendedPolicy
from protocol.statements import Verified
from protocol.strict_json import WireModel

#: A policy that nobody looks at for longer than a year is one that nobody remembers.
POLICY_DAYS_MAX: Final = 366
_SEEN: Final = "unattended-visits-seen"


class SignArguments(WireModel):
    """Minutes of the day in UTC; 0 to 1440 is the whole day."""

    serials: Annotated[tuple[Serial, ...], Field(max_length=64)] = ()
    minimum_tier: Annotated[int, Field(ge=1, le=3)] | None = None
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=32)]
    minutes: Minutes = 60
    from_minute_utc: Annotated[int, Field(ge=0, le=1440)] = 0
    to_minute_utc: Annotated[int, Field(ge=0, le=1440)] = 1440
    days: Annotated[int, Field(ge=1, le=POLICY_DAYS_MAX)] = 90


class SeenArguments(WireModel):
    """`number`: of the newest grant that the customer has read about."""

    number: Annotated[int, Field(ge=0, le=1 << 53)]


class PolicyVerbs:
    """`end_unattended`: ends a visit that nobody was asked about, if there is one; how many."""

    def __init__(
        self,
        policies: Policies,
        receipts: Receipts,
        kept: KeptValues,
        clocks: Clocks,
        *,
        end_unattended: Callable[[], int],
    ) -> None:
        self._end_unattended = end_unattended
        self._policies = policies
        self._receipts = receipts
        self._kept = kept
        self._clocks = clocks

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("policy-sign", SignArguments, self._sign, administrator=True, refused_to_sessions=True),
            Verb("policy-show", NoArguments, self._show),
            Verb("policy-withdraw", NoArguments, self._withdraw, administrator=True, refused_to_sessions=True),
            Verb("unattended-visits", NoArguments, self._visits),
            Verb("unattended-seen", SeenArguments, self._seen, refused_to_sessions=True),
        )

    async def _sign(self, arguments: SignArguments, peer: Peer) -> object:
        signed = self._policies.sign(
            serials=arguments.serials,
            minimum_tier=arguments.minimum_tier,
            scopes=arguments.scopes,
            minutes=arguments.minutes,
            from_minute_utc=arguments.from_minute_utc,
            to_minute_utc=arguments.to_minute_utc,
            days=arguments.days,
        )
        return self._value(signed)

    async def _show(self, arguments: NoArguments, peer: Peer) -> object:
        try:
            policy = self._policies.in_force()
        except (ProtocolError, Refusal) as error:
            return {"policy": None, "problem": str(error), "version": self._policies.version, "open_now": False}
        return {
            "policy": None if policy is None else self._value(policy),
            "problem": "",
            "version": self._policies.version,
            "open_now": self._policies.open_now(),
        }

    async def _withdraw(self, arguments: NoArguments, peer: Peer) -> object:
        """No more visits under it, and none that goes on."""
        withdrawn = self._policies.withdraw()
        return {"withdrawn": withdrawn, "version": self._policies.version, "ended": self._end_unattended()}

    async def _visits(self, arguments: NoArguments, peer: Peer) -> object:
        """Visits that nobody was asked about, and that the customer has not read of yet; newest first."""
        seen = self._kept.get_int(_SEEN)
        return {
            "visits": [
                {
                    "grant": kept.grant.hex(),
                    "number": kept.receipt.grant_number,
                    "technician": kept.receipt.technician,
                    "organisation": kept.receipt.organisation,
                    "granted_at": kept.receipt.granted_at,
                    "actions": len(kept.receipt.actions),
                }
                for kept in self._receipts.list()
                if kept.grant_body.consent.method is ConsentMethod.UNATTENDED_POLICY
                and kept.receipt.grant_number > seen
            ]
        }

    async def _seen(self, arguments: SeenArguments, peer: Peer) -> object:
        newest = max((kept.receipt.grant_number for kept in self._receipts.list()), default=0)
        self._kept.put(_SEEN, max(self._kept.get_int(_SEEN), min(arguments.number, newest)))
        return {"seen": self._kept.get_int(_SEEN)}

    def _value(self, policy: Verified[UnattendedPolicy]) -> dict[str, object]:
        body, now = policy.body, self._clocks.wall()
        return {
            "version": body.version,
            "hash": policy.hash.hex(),
            "signed_at": body.issued_at,
            "not_after": body.not_after,
            "serials": list(body.serials),
            "minimum_tier": body.minimum_tier,
            "scopes": [
                {"scope": scope.value, "risk": MEANINGS[scope].risk, "sentence": MEANINGS[scope].sentence}
                for scope in body.scopes
            ],
            "minutes": body.minutes,
            "from_minute_utc": body.from_minute_utc,
            "to_minute_utc": body.to_minute_utc,
            "expired": now >= body.not_after,
            "minutes_left_now": minutes_left(body, now),
        }
