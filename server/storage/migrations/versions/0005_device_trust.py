"""What each device trusts, as it said when it last fetched documents; and which device it was before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_trust",
        sa.Column("device", sa.String(length=28), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=True),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device_trust")),
    )
    op.add_column("devices", sa.Column("replaces", sa.String(length=28), nullable=True))
    op.create_index(op.f("ix_devices_replaces"), "devices", ["replaces"])
