"""What customers say of solved tickets: whether it helped, and a mark."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.ticket"], name=op.f("fk_ticket_verdicts_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_verdicts")),
    )
    op.create_index(op.f("ix_ticket_verdicts_at"), "ticket_verdicts", ["at"], unique=False)
    op.create_index(op.f("ix_ticket_verdicts_ticket"), "ticket_verdicts", ["ticket"], unique=False)
