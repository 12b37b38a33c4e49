"""Articles in the database, for those who read: a fixed number of statements for any number of rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from modules.articles.contracts import ArticleId, ArticlePreview
from modules.articles.domain.article import ArticleNotFound
from modules.articles.domain.reading import ArticleList, ArticleView, Criteria
from modules.articles.infrastructure.listings import (
    FEED,
    FEED_AFTER,
    FEED_COUNT,
    PREVIEW,
    AnyRow,
    AnySelect,
    Listing,
    article,
    facts,
    meeting,
    resolve_filters,
    tag_use,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, split_page
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from modules.profiles.contracts import Profile, ProfileReader

BY_SLUG = select(*PREVIEW, article.c.body).where(article.c.slug == bindparam("slug"))
BY_ID = select(*PREVIEW, article.c.body).where(article.c.id == bindparam("id"))
TAGS = select(tag_use.c.tag).where(tag_use.c.articles > 0).order_by(tag_use.c.articles.desc(), tag_use.c.tag)


class SqlArticleReader:
    """Reads articles, and asks `ProfileReader` for all their authors at once."""

    def __init__(self, database: Database, profiles: ProfileReader) -> None:
        self._database = database
        self._profiles = profiles

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if no article has this slug."""
        return await self._article(BY_SLUG, {"slug": slug, "viewer": viewer})

    async def article_by_id(self, article: ArticleId, viewer: UserId | None) -> ArticleView:
        """Return the article; raise `ArticleNotFound` if there is none."""
        return await self._article(BY_ID, {"id": article, "viewer": viewer})

    async def articles(self, criteria: Criteria, page: PageRequest, viewer: UserId | None) -> ArticleList:
        """Return a page of the articles that meet the criteria; a name that nobody has meets none."""
        async with self._database.snapshot():
            asked = await resolve_filters(criteria, self._profiles)
            if asked is None:
                return ArticleList((), 0)
            return await self._page(meeting(frozenset(asked)), asked, page, viewer)

    async def feed(self, reader: UserId, page: PageRequest) -> ArticleList:
        """Return a page of the articles by those whom the reader follows."""
        async with self._database.snapshot() as session:
            followed = (await self._profiles.followees({reader}))[reader]
            asked = {"authors": followed, "last": page.offset + page.limit}
            statement = FEED if page.after is None else FEED_AFTER
            rows = await self._rows(statement, asked, page, reader)
            if not rows:
                return ArticleList((), await session.scalar(FEED_COUNT, {"authors": followed}) or 0)
            return await self._list(rows, page, rows[0].articles_count, reader)

    async def tags(self) -> Sequence[str]:
        """Return the tags in use, the most used first."""
        async with self._database.snapshot() as session:
            return list(await session.scalars(TAGS))

    async def _article(self, statement: AnySelect, bound: Mapping[str, Any]) -> ArticleView:
        async with self._database.snapshot() as session:
            row = (await session.execute(statement, bound)).one_or_none()
            if row is None:
                raise ArticleNotFound
            authors = await self._authors([row], bound["viewer"])
            if not authors:
                raise ArticleNotFound
        return ArticleView(*facts(row, authors), body=row.body)

    async def _page(
        self, listing: Listing, asked: Mapping[str, object], page: PageRequest, viewer: UserId | None
    ) -> ArticleList:
        async with self._database.snapshot() as session:
            statement = listing.page if page.after is None else listing.page_after
            rows = await self._rows(statement, asked, page, viewer)
            count = await session.scalar(listing.count, asked)
            return await self._list(rows, page, count or 0, viewer)

    async def _rows(
        self, statement: AnySelect, asked: Mapping[str, object], page: PageRequest, viewer: UserId | None
    ) -> Sequence[AnyRow]:
        """Return the rows of the page, and the one behind them if there is any."""
        async with self._database.snapshot() as session:
            return (
                await session.execute(statement, {**asked, **page_parameters(page), "viewer": viewer})
            ).all()

    async def _list(
        self, rows: Sequence[AnyRow], page: PageRequest, count: int, viewer: UserId | None
    ) -> ArticleList:
        shown, following = split_page(rows, page)
        authors = await self._authors(shown, viewer)
        # One whose author was deleted while this module was switched off is not shown.
        previews = [ArticlePreview(*facts(row, authors)) for row in shown if row.author_id in authors]
        return ArticleList(previews, count, following)

    async def _authors(self, rows: Sequence[AnyRow], viewer: UserId | None) -> Mapping[UserId, Profile]:
        return await self._profiles.profiles({UserId(row.author_id) for row in rows}, viewer)
