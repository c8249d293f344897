"""Tables of knowledge: articles, every version of their text, and what readers did with them (numbers only)."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from server.storage.schema import METADATA

#: `published`: the version that is public, none while it is not. `offered`: the version that waits for a review.
articles = Table(
    "articles",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("slug", String(80), nullable=False, unique=True),
    Column("issue", String(80), nullable=False),
    Column("latest", Integer, nullable=False),
    Column("offered", Integer),
    Column("published", Integer),
    Column("changed_at", BigInteger, nullable=False),
)

article_versions = Table(
    "article_versions",
    METADATA,
    Column("article", Integer, ForeignKey("articles.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("title_en", String(160), nullable=False),
    Column("title_ru", String(160), nullable=False),
    Column("body_en", Text, nullable=False),
    Column("body_ru", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by_name", String(40), nullable=False),
)

#: `article` 0: of no article. Nothing of who it was.
knowledge_counts = Table(
    "knowledge_counts",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("article", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
)
