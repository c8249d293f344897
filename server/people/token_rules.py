"""Pure: API tokens for programs of the desk. They read; what changes something is done by people.

    Authorization: Bearer bpt_…     scopes ∩ what the maker's role may now · customers ∩ whom the maker sees now

A token is never above its maker, at any moment: a role or a certificate that shrinks shrinks the tokens made under it,
and an account that goes takes them along. Each names its customers: there is none for all of them, present and to come.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server.people.rules import Role

#: So that one that leaked is recognised, by people and by scanners.
PREFIX: Final = "bpt_"
DAYS_DEFAULT: Final = 90
DAYS_MAX: Final = 365
TOKENS_MAX: Final = 50
NAME_MAX_CHARS: Final = 60
CUSTOMERS_MAX: Final = 100
#: `last_used_at` is written at most this often.
USED_EVERY_S: Final = 60
#: How long one that ended is still shown.
SHOWN_AFTER_END_S: Final = 30 * 86_400


class TokenScope(StrEnum):
    TICKETS = "tickets:read"
    DEVICES = "devices:read"
    SESSIONS = "sessions:read"
    AUDIT = "audit:read"


_SIGNED_IN: Final = frozenset(Role)

#: Scope → which roles may have it, and what it opens, in words.
SCOPES: Final[dict[TokenScope, tuple[frozenset[Role], str]]] = {
    TokenScope.TICKETS: (_SIGNED_IN, "tickets with their messages and facts; what is sealed stays sealed"),
    TokenScope.DEVICES: (_SIGNED_IN, "devices, their findings and numbers"),
    TokenScope.SESSIONS: (_SIGNED_IN, "sessions: who, when, for how long"),
    TokenScope.AUDIT: (frozenset({Role.ADMIN, Role.AUDITOR}), "the whole audit log, of all customers"),
}


@dataclass(frozen=True)
class TokenHolder:
    """A program that asks with a token: what it may at this moment."""

    id: str
    account: str
    scopes: frozenset[TokenScope]
    customers: frozenset[str]


def scopes_of(role: Role) -> frozenset[TokenScope]:
    """The most a token of somebody in `role` may have."""
    return frozenset(scope for scope, (roles, _) in SCOPES.items() if role in roles)


def holder(
    id: str,
    account: str,
    *,
    made: frozenset[TokenScope],
    named: frozenset[str],
    role: Role,
    reach: frozenset[str] | None,
    lacks_factor: bool,
) -> TokenHolder:
    """What is left of a token made with `made` and `named`. `reach`: whom the maker sees now, none for all.
    `lacks_factor`: the maker could not open a page now either."""
    scopes = frozenset[TokenScope]() if lacks_factor else made & scopes_of(role)
    return TokenHolder(id, account, scopes, named if reach is None else named & reach)
