"""What happened to tickets, and who has them.

Tickets that are there already get the part of their history that can still be known: how they stand since they were
changed last, how they ended, when they were first answered, and when the customer wrote again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ENDED = ("solved", "closed")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("owner", sa.String(length=40), nullable=True))
    op.create_index(op.f("ix_tickets_received_at"), "tickets", ["received_at"], unique=False)
    op.create_table(
        "ticket_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("before", sa.String(length=40), nullable=True),
        sa.Column("after", sa.String(length=40), nullable=True),
        sa.Column("by_kind", sa.String(length=12), nullable=False),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.ticket"], name=op.f("fk_ticket_events_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_events")),
    )
    op.create_index(op.f("ix_ticket_events_at"), "ticket_events", ["at"], unique=False)
    op.create_index(op.f("ix_ticket_events_ticket"), "ticket_events", ["ticket"], unique=False)
    _tell_what_is_known()


def _tell_what_is_known() -> None:
    names = ("ticket", "at", "kind", "before", "after", "by_kind", "by_name")
    events = sa.table("ticket_events", *(sa.column(name) for name in names))
    tickets = sa.table("tickets", *(sa.column(name) for name in ("ticket", "state", "outcome", "updated_at")))
    messages = sa.table("messages", *(sa.column(name) for name in ("id", "ticket", "at", "source")))
    nothing, device, server = sa.cast(sa.null(), sa.String(40)), sa.literal("device"), sa.literal("server")
    ticket, at, state = tickets.c.ticket, tickets.c.updated_at, tickets.c.state

    op.execute(tickets.update().where(state.in_(_ENDED), tickets.c.outcome.is_(None)).values(outcome="by-person"))
    moved = sa.select(ticket, at, sa.literal("state"), sa.literal("new"), state, server, sa.literal(""))
    op.execute(events.insert().from_select(names, moved.where(state != "new")))
    ended = sa.select(ticket, at, sa.literal("outcome"), nothing, tickets.c.outcome, server, sa.literal(""))
    op.execute(events.insert().from_select(names, ended.where(tickets.c.outcome.is_not(None))))
    first = sa.func.min(messages.c.at)
    answered = sa.select(messages.c.ticket, first, sa.literal("answered"), nothing, nothing, server, sa.literal(""))
    answered = answered.where(messages.c.source != "customer").group_by(messages.c.ticket)
    op.execute(events.insert().from_select(names, answered))
    wrote = sa.select(messages.c.ticket, messages.c.at, sa.literal("wrote"), nothing, nothing, device, sa.literal(""))
    op.execute(events.insert().from_select(names, wrote.where(messages.c.source == "customer")))
