"""The article reader in the database: a fixed number of statements for any number of rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, select, union_all

from modules.articles.contracts import ArticleId, ArticlePreview
from modules.articles.domain.article import ArticleNotFound
from modules.articles.domain.reading import MAX_LISTED_TAGS, ArticleList, ArticleView, Criteria
from modules.articles.infrastructure import feed, listings
from modules.articles.infrastructure.listings import (
    PREVIEW,
    Pages,
    preview_fields,
    resolve_filters,
)
from modules.articles.infrastructure.tables import HAS_SLUG, articles, tag_stats
from modules.articles.infrastructure.visibility import (
    RestrictedScope,
    is_visible,
    scope_of,
    viewer_parameters,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.pagination import PageRequest, split_page
from modules.kernel.domain.visibility import Audiences
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.pagination import page_parameters
from modules.kernel.infrastructure.persistence.statements import PreparedStatement, prepare
from modules.profiles.contracts import Profile, ProfileReader

VISIBLE = select(*PREVIEW, articles.c.body).where(is_visible(articles.c.id))
BY_SLUG = prepare(VISIBLE.where(HAS_SLUG))
BY_ID = prepare(VISIBLE.where(articles.c.id == bindparam("id")))


def _most_used_tags() -> Select[*tuple[Any, ...]]:
    """Return the statement of the tags with the most articles; of equally many, the first by name.

    Of the fewest articles on the list, only the first tags are read: most tags have one article.
    """
    used = select(tag_stats.c.tag, tag_stats.c.articles).where(tag_stats.c.articles > 0)
    most = used.order_by(tag_stats.c.articles.desc()).limit(MAX_LISTED_TAGS).cte("most")
    fewest = select(func.min(most.c.articles)).scalar_subquery()
    with_fewest = used.where(tag_stats.c.articles == fewest).order_by(tag_stats.c.tag).limit(MAX_LISTED_TAGS)
    listed = union_all(select(most).where(most.c.articles > fewest), select(with_fewest.subquery())).subquery(
        "listed"
    )
    return select(listed.c.tag).order_by(listed.c.articles.desc(), listed.c.tag).limit(MAX_LISTED_TAGS)


TAGS = prepare(_most_used_tags())


class SqlArticleReader:
    """Reads articles, with one call of `ProfileReader` for all authors."""

    def __init__(self, database: Database, profiles: ProfileReader, audiences: Audiences) -> None:
        self._database = database
        self._profiles = profiles
        self._audiences = audiences

    async def article(self, slug: str, viewer: UserId | None) -> ArticleView:
        return await self._article(BY_SLUG, {"slug": slug}, viewer)

    async def article_by_id(self, article_id: ArticleId, viewer: UserId | None) -> ArticleView:
        return await self._article(BY_ID, {"id": article_id}, viewer)

    async def articles(self, criteria: Criteria, page: PageRequest, viewer: UserId | None) -> ArticleList:
        async with self._database.snapshot():
            filters = await resolve_filters(criteria, self._profiles)
            if filters is None:
                return ArticleList((), 0)
            names = frozenset(filters)
            parameters = {**filters, **await viewer_parameters(self._audiences, viewer)}
            scope = scope_of(parameters)
            rows = await self._rows(listings.counted_pages(names, scope), parameters, page)
            counts: Any = rows[0] if rows else await self._counts(names, scope, parameters)
            if counts.restricted > 0:
                rows = await self._rows(listings.visible_pages(names, scope), parameters, page)
            return await self._list(rows, page, counts.public + counts.restricted, viewer)

    async def feed(self, reader_id: UserId, page: PageRequest) -> ArticleList:
        async with self._database.snapshot():
            followees = (await self._profiles.followees({reader_id}))[reader_id]
            parameters = {"authors": followees, **await viewer_parameters(self._audiences, reader_id)}
            rows: Sequence[Any] = ()
            scope = scope_of(parameters)
            if scope is RestrictedScope.OWN and reader_id not in followees:
                scope = RestrictedScope.NONE
            statements = feed.feed_of(self._database.dialect, scope)
            if len(followees) > feed.MANY_FOLLOWED:
                rows = await self._rows(statements.of_newest, parameters, page)
            if len(rows) <= page.limit:
                rows = await self._rows(statements.pages, parameters, page)
            if not rows:
                return ArticleList((), await self._database.fetch_value(statements.count, parameters))
            return await self._list(rows, page, rows[0].articles_count, reader_id, followees)

    async def tags(self) -> Sequence[str]:
        return await self._database.fetch_values(TAGS)

    async def _article(
        self, statement: PreparedStatement, key: Mapping[str, object], viewer: UserId | None
    ) -> ArticleView:
        async with self._database.snapshot():
            parameters = {**key, **await viewer_parameters(self._audiences, viewer)}
            row = await self._database.fetch_one(statement, parameters)
            if row is None:
                raise ArticleNotFound
            authors = await self._authors([row], viewer)
            if not authors:
                raise ArticleNotFound
        return ArticleView(*preview_fields(row, authors), body=row.body)

    async def _rows(self, pages: Pages, parameters: Mapping[str, object], page: PageRequest) -> Sequence[Any]:
        """Return the rows of the page, and the next row if there is one."""
        statement = pages.page if page.after is None else pages.page_after
        return await self._database.fetch_all(statement, {**parameters, **page_parameters(page)})

    async def _counts(
        self, names: frozenset[str], scope: RestrictedScope, parameters: Mapping[str, object]
    ) -> Any:
        return await self._database.fetch_one(listings.count_of(names, scope), parameters)

    async def _list(
        self,
        rows: Sequence[Any],
        page: PageRequest,
        count: int,
        viewer: UserId | None,
        followees: Collection[UserId] | None = None,
    ) -> ArticleList:
        page_rows, next_page = split_page(rows, page)
        authors = await self._authors(page_rows, viewer, followees)
        # Omits articles whose author was deleted while this module was disabled.
        previews = [
            ArticlePreview(*preview_fields(row, authors)) for row in page_rows if row.author_id in authors
        ]
        return ArticleList(previews, count, next_page)

    async def _authors(
        self, rows: Sequence[Any], viewer: UserId | None, followees: Collection[UserId] | None = None
    ) -> Mapping[UserId, Profile]:
        ids = {UserId(row.author_id) for row in rows}
        return await self._profiles.profiles(ids, viewer, followees=followees)
