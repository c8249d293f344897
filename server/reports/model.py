"""The table of fleet health: what was present each day. All other figures are computed from other rooms' rows."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from server.storage.schema import METADATA

#: One row a day, customer and severity; the last count of the day stands. `day`: whole days since 1970, UTC.
#: `findings`: present with this severity. `devices`: whose gravest present finding it is. Severity `none`: healthy.
health_days = Table(
    "health_days",
    METADATA,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("customer", String(120), primary_key=True),
    Column("severity", String(8), primary_key=True),
    Column("findings", BigInteger, nullable=False),
    Column("devices", BigInteger, nullable=False),
)
