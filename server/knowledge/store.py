"""Keeps articles with all their versions, finds the public ones in people's own words, counts what readers did.

The search is our own index (diagnostics/knowledge/search.py) over what is public, built when that changes: the same
hits on SQLite and PostgreSQL.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.checks.catalogue import code_rules
from diagnostics.knowledge.issue import own_issues
from diagnostics.knowledge.search import Index
from diagnostics.knowledge.search import Text as Searched
from diagnostics.knowledge.symptoms import text_of
from protocol.audit import AuditEntry, AuditWord
from protocol.fields import sha256
from server.audit.waiting import ask_for_entry
from server.clock import Clock
from server.knowledge.model import article_versions, articles, knowledge_counts
from server.knowledge.rules import ARTICLES_MAX, SLUG, Text, may_publish
from server.refusal import Refusal, not_found
from server.storage.engine import Database


class Counted(StrEnum):
    """Numbers for reports. Nobody's address and nobody's words are kept."""

    VIEWED = "viewed"
    HELPED = "helped"
    NOT_HELPED = "not-helped"
    SEARCHED = "searched"
    FOUND_NOTHING = "found-nothing"


@dataclass(frozen=True)
class Article:
    """With one of its versions: the latest for the desk, the published one for readers."""

    id: int
    slug: str
    issue: str
    latest: int
    offered: int | None
    published: int | None
    version: int
    text: Text
    at: int
    by: str


class KnowledgeStore:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now
        self._index: Index | None = None

    async def all(self) -> tuple[Article, ...]:
        query = _joined(articles.c.latest).order_by(articles.c.changed_at.desc(), articles.c.id)
        async with self._database.read() as connection:
            return tuple(_article(row) for row in await connection.execute(query))

    async def get(self, article: int) -> Article:
        return await self._one(_joined(articles.c.latest).where(articles.c.id == article))

    async def public(self, slug: str) -> Article:
        return await self._one(_joined(articles.c.published).where(articles.c.slug == slug))

    async def public_ones(self) -> tuple[Article, ...]:
        query = _joined(articles.c.published).order_by(articles.c.changed_at.desc(), articles.c.id)
        async with self._database.read() as connection:
            return tuple(_article(row) for row in await connection.execute(query))

    async def write(self, slug: str, issue: str, text: Text, *, by: str) -> int:
        """A new article, not public yet. Its id."""
        if SLUG.fullmatch(slug) is None or len(slug) > 80:
            raise Refusal(422, "an article has an address", expected="at most 80 of a-z, 0-9 and single hyphens")
        if issue and issue not in {known.id for known in own_issues()}:
            raise Refusal(422, "there is no such known issue", got=issue[:80])
        text, now = text.checked(), self._now()
        async with self._database.write() as connection:
            if await connection.scalar(select(articles.c.id).where(articles.c.slug == slug)) is not None:
                raise Refusal(409, "another article has this address", got=slug)
            if int(await connection.scalar(select(func.count()).select_from(articles)) or 0) >= ARTICLES_MAX:
                raise Refusal(409, "there are too many articles", expected=f"at most {ARTICLES_MAX}")
            made = await connection.execute(
                articles.insert().values(slug=slug, issue=issue, latest=1, changed_at=now).returning(articles.c.id)
            )
            article = int(made.scalar_one())
            await self._keep(connection, article, 1, text, by)
        return article

    async def save(self, article: int, text: Text, *, by: str) -> int:
        """Another version; what is public stays. Its number."""
        text = text.checked()
        async with self._database.write() as connection:
            version = await self._latest(connection, article) + 1
            await self._keep(connection, article, version, text, by)
            await self._change(connection, article, latest=version, offered=None)
        return version

    async def offer(self, article: int) -> None:
        async with self._database.write() as connection:
            await self._change(connection, article, offered=await self._latest(connection, article))

    async def publish(self, article: int, *, by: str) -> None:
        """The version that was offered, in the audit log with it."""
        held = await self.get(article)
        if held.offered is None or held.offered != held.version:
            raise Refusal(409, "no version of this waits for a review", hint="Offer it for review first.")
        may_publish(author=held.by, by=by)
        async with self._database.write() as connection:
            if await self._latest(connection, article) != held.version:
                raise Refusal(409, "it was changed meanwhile", hint="Read the new version first.")
            await self._change(connection, article, published=held.version, offered=None)
            await self._note(connection, AuditWord.ARTICLE_PUBLISHED, held)
        self._index = None

    async def withdraw(self, article: int) -> None:
        held = await self.get(article)
        if held.published is None:
            raise Refusal(409, "it is not public")
        async with self._database.write() as connection:
            await self._change(connection, article, published=None)
            await self._note(connection, AuditWord.ARTICLE_WITHDRAWN, held)
        self._index = None

    async def search(self, words: str) -> tuple[Article, ...]:
        """Public ones, the best first; counted, without the words."""
        public = {str(each.id): each for each in await self.public_ones()}
        if self._index is None:
            self._index = _index_of(public.values())
        hits = tuple(public[hit.id] for hit in self._index.search(words) if hit.id in public)
        await self.count(Counted.SEARCHED if hits else Counted.FOUND_NOTHING)
        return hits

    async def count(self, kind: Counted, article: int = 0) -> None:
        day = int(datetime.fromtimestamp(self._now(), UTC).strftime("%Y%m%d"))
        key = {"day": day, "kind": kind.value, "article": article}
        async with self._database.write() as connection:
            matches = [knowledge_counts.c[name] == value for name, value in key.items()]
            raised = update(knowledge_counts).where(*matches).values(count=knowledge_counts.c.count + 1)
            if (await connection.execute(raised)).rowcount == 0:
                await connection.execute(knowledge_counts.insert().values(**key, count=1))

    async def counts(self, article: int | None = None) -> dict[str, int]:
        """Kind → how often, of one article or of all."""
        query = select(knowledge_counts.c.kind, func.sum(knowledge_counts.c.count)).group_by(knowledge_counts.c.kind)
        if article is not None:
            query = query.where(knowledge_counts.c.article == article)
        async with self._database.read() as connection:
            return {str(kind): int(total) for kind, total in await connection.execute(query)}

    async def _one(self, query: Select[Any]) -> Article:
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise not_found("article")
        return _article(row)

    async def _latest(self, connection: AsyncConnection, article: int) -> int:
        found = await connection.scalar(select(articles.c.latest).where(articles.c.id == article))
        if found is None:
            raise not_found("article")
        return int(found)

    async def _change(self, connection: AsyncConnection, article: int, **values: int | None) -> None:
        await connection.execute(
            update(articles).where(articles.c.id == article).values(changed_at=self._now(), **values)
        )

    async def _keep(self, connection: AsyncConnection, article: int, version: int, text: Text, by: str) -> None:
        row = {"article": article, "version": version, "at": self._now(), "by_name": by}
        await connection.execute(article_versions.insert().values(**row, **vars(text)))

    async def _note(self, connection: AsyncConnection, word: AuditWord, held: Article) -> None:
        """What the entry speaks of is a hash of what was public: its address and its texts."""
        said = "\0".join([held.slug, *vars(held.text).values()])
        entry = AuditEntry(word=word, author="server", at=self._now(), subject=sha256(said.encode()))
        await ask_for_entry(connection, entry)


def _joined(version: Any) -> Select[Any]:
    return select(articles, article_versions).join(
        article_versions, (article_versions.c.article == articles.c.id) & (article_versions.c.version == version)
    )


def _article(row: Any) -> Article:
    text = Text(row.title_en, row.body_en, row.title_ru, row.body_ru, row.words)
    return Article(
        row.id, row.slug, row.issue, row.latest, row.offered, row.published, row.version, text, row.at, row.by_name
    )


def _index_of(public: Any) -> Index:
    """Titles, texts, search words, and all that the linked known issue is found by: its codes, its lines of logs."""
    public = tuple(public)
    linked = {each.issue for each in public if each.issue}
    codes = dict(code_rules()) if linked else {}
    known = {issue.id: text_of(issue, codes).fields for issue in own_issues() if issue.id in linked} if linked else {}
    return Index(
        Searched(
            str(each.id),
            (
                (3.0, f"{each.text.title_en} {each.text.title_ru}"),
                (3.0, each.text.words),
                (1.5, f"{each.text.body_en} {each.text.body_ru}"),
                *known.get(each.issue, ()),
            ),
        )
        for each in public
    )
