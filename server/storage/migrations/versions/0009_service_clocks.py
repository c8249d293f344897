"""Service hours, and priority and clocks of tickets. Open tickets that are there get theirs at the first sweep."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_rules")),
    )
    op.create_table(
        "ticket_service",
        sa.Column("ticket", sa.String(length=36), nullable=False),
        sa.Column("impact", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("answer_due", sa.BigInteger(), nullable=True),
        sa.Column("solve_due", sa.BigInteger(), nullable=True),
        sa.Column("answer_broken_at", sa.BigInteger(), nullable=True),
        sa.Column("solve_broken_at", sa.BigInteger(), nullable=True),
        sa.Column("solve_left_s", sa.BigInteger(), nullable=False),
        sa.Column("answer_told", sa.Boolean(), nullable=False),
        sa.Column("solve_told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.ticket"], name=op.f("fk_ticket_service_ticket")),
        sa.PrimaryKeyConstraint("ticket", name=op.f("pk_ticket_service")),
    )
    op.create_index(op.f("ix_ticket_service_answer_due"), "ticket_service", ["answer_due"], unique=False)
    op.create_index(op.f("ix_ticket_service_solve_due"), "ticket_service", ["solve_due"], unique=False)
