"""Fleet health by day, for reports; sessions and findings by what reports ask for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "health_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer", sa.String(length=120), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "customer", "severity", name=op.f("pk_health_days")),
    )
