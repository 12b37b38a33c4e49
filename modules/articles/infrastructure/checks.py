"""The consistency checks of articles: counts, copies, and references to users."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from modules.articles.domain.service import ArticleService
from modules.articles.infrastructure.counts import ALL_AUTHORS, ArticleCounts
from modules.articles.infrastructure.tables import (
    IS_PUBLIC,
    ArticleRow,
    AuthorStatsRow,
    FavoriteRow,
    ReaderStatsRow,
    RestrictionRow,
    SlugRow,
    TagStatsRow,
    articles,
    favorites,
    restrictions,
    slugs,
    tags,
)
from modules.kernel.domain.consistency import ConsistencyCheck, Difference
from modules.kernel.domain.identity import UserId
from modules.kernel.infrastructure.consistency import (
    CounterCheck,
    ReferenceCheck,
    Values,
    retrying,
    scan,
)
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.dialect_sql import Columns, upsert
from modules.profiles.contracts import ProfileReader
from modules.users.contracts import UserDeleted


def consistency_checks(
    database: Database,
    profiles: ProfileReader,
    counts: ArticleCounts,
    service: ArticleService,
) -> Sequence[ConsistencyCheck]:
    """Return the checks: restrictions and then counts first, because the other repairs update counts."""

    async def delete_user(user_id: UserId) -> None:
        # As when the account was deleted: other modules delete their data about the articles.
        await service.on_user_deleted(UserDeleted(user_id))

    existing_users = partial(profiles.profiles, viewer=None)
    return [
        RestrictionCheck(database),
        CounterCheck(database, ArticleRow, "id", _favorites_of_article),
        CounterCheck(database, TagStatsRow, "tag", _articles_with_tag, [tags.c.tag]),
        CounterCheck(
            database,
            AuthorStatsRow,
            "author_id",
            _articles_of_author,
            [articles.c.author_id, literal(ALL_AUTHORS)],
        ),
        CounterCheck(database, ReaderStatsRow, "user_id", _favorites_of_user, [favorites.c.user_id]),
        TagCheck(database, counts),
        SlugCheck(database),
        *(
            ReferenceCheck(
                database, row, column, "user", existing_users, ignored={ALL_AUTHORS}, delete=delete_user
            )
            for row, column in (
                (ArticleRow, "author_id"),
                (FavoriteRow, "user_id"),
                (RestrictionRow, "author_id"),
                (AuthorStatsRow, "author_id"),
                (ReaderStatsRow, "user_id"),
            )
        ),
    ]


class ArticleCheck(ABC):
    """Compares articles with the rows about them, and repairs one article at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def differences(self) -> AsyncIterator[Difference]:
        async for ids in scan(self._database, [articles.c.id], self._differing):
            for article_id in ids:
                yield Difference(f"article {article_id}")

    async def repair(self) -> int:
        repaired = 0
        async for ids in scan(self._database, [articles.c.id], self._differing):
            for article_id in ids:
                await retrying(self._repair_one, article_id)
            repaired += len(ids)
        return repaired

    @abstractmethod
    async def _differing(self, ids: Sequence[int]) -> Sequence[int]:
        """Return those of the articles whose rows differ."""

    @abstractmethod
    async def _repair_one(self, article_id: int) -> None:
        """Make the rows of an article right, if it still exists."""


class SlugCheck(ArticleCheck):
    """Compares the slugs of articles with the rows of `articles_slug`, by which articles are found."""

    columns = ("articles_slug.slug", "articles_slug.article_id", "articles_article.slug")
    problem = "articles whose slug does not find them"

    async def _differing(self, ids: Sequence[int]) -> Sequence[int]:
        found = (slugs.c.slug == articles.c.slug) & (slugs.c.article_id == articles.c.id)
        statement = (
            select(articles.c.id)
            .outerjoin(slugs, found)
            .where(articles.c.id.in_(ids), slugs.c.slug.is_(None))
            .order_by(articles.c.id)
        )
        async with self._database.snapshot() as session:
            return (await session.scalars(statement)).all()

    async def _repair_one(self, article_id: int) -> None:
        article = select(articles.c.slug).where(articles.c.id == article_id).with_for_update()
        async with self._database.transaction() as session:
            slug = await session.scalar(article)
            if slug is not None:
                # The present slug of an article wins over an old one of another.
                row = {"slug": slug, "article_id": article_id}
                await self._database.execute(upsert(self._database.dialect, SlugRow, _replace_article), row)


class RestrictionCheck(ArticleCheck):
    """Compares restrictions with the authors of articles, and with `restricted` in three tables."""

    columns = (
        "articles_restriction.author_id",
        "articles_article.restricted",
        "articles_tag.restricted",
        "articles_favorite.restricted",
    )
    problem = "articles that differ from their restrictions"

    async def _differing(self, ids: Sequence[int]) -> Sequence[int]:
        with_another_author = select(restrictions.c.article_id).where(
            restrictions.c.article_id == articles.c.id, restrictions.c.author_id != articles.c.author_id
        )
        copies = (
            select(table.c.article_id)
            .where(table.c.article_id == articles.c.id, table.c.restricted != articles.c.restricted)
            .exists()
            for table in (tags, favorites)
        )
        is_wrong = articles.c.restricted != _is_restricted(articles.c.id)
        differs = or_(is_wrong, with_another_author.exists(), *copies)
        statement = select(articles.c.id).where(articles.c.id.in_(ids), differs).order_by(articles.c.id)
        async with self._database.snapshot() as session:
            return (await session.scalars(statement)).all()

    async def _repair_one(self, article_id: int) -> None:
        article = select(articles.c.author_id).where(articles.c.id == article_id).with_for_update()
        async with self._database.transaction() as session:
            author_id = await session.scalar(article)
            is_restricted = await session.scalar(select(_is_restricted(literal(article_id))))
            for table, key in (
                (articles, articles.c.id),
                *((copy, copy.c.article_id) for copy in (tags, favorites)),
            ):
                await session.execute(update(table).where(key == article_id).values(restricted=is_restricted))
            repeated = update(restrictions).where(restrictions.c.article_id == article_id)
            await session.execute(repeated.values(author_id=author_id))


class TagCheck(ArticleCheck):
    """Compares the rows of `articles_tag` with the tags in the articles."""

    columns = ("articles_tag.tag", "articles_article.tag_list")
    problem = "articles with other tags in articles_tag"

    def __init__(self, database: Database, counts: ArticleCounts) -> None:
        super().__init__(database)
        self._counts = counts

    async def _differing(self, ids: Sequence[int]) -> Sequence[int]:
        async with self._database.snapshot() as session:
            listed = await session.execute(
                select(articles.c.id, articles.c.tag_list).where(articles.c.id.in_(ids))
            )
            rows = await session.execute(
                select(tags.c.article_id, tags.c.tag).where(tags.c.article_id.in_(ids))
            )
        stored: dict[int, set[str]] = {}
        for article_id, tag in rows:
            stored.setdefault(article_id, set()).add(tag)
        return sorted(
            article_id for article_id, tag_list in listed if stored.get(article_id, set()) != set(tag_list)
        )

    async def _repair_one(self, article_id: int) -> None:
        """Insert and delete the tags of an article that differ, and count them."""
        article = (
            select(articles.c.tag_list, articles.c.created_at, articles.c.restricted)
            .where(articles.c.id == article_id)
            .with_for_update()
        )
        async with self._database.transaction() as session:
            row = (await session.execute(article)).one_or_none()
            if row is None:
                return
            stored = set(await session.scalars(select(tags.c.tag).where(tags.c.article_id == article_id)))
            missing, extra = set(row.tag_list) - stored, stored - set(row.tag_list)
            if missing:
                new = {"article_id": article_id, "created_at": row.created_at, "restricted": row.restricted}
                await session.execute(insert(tags), [{**new, "tag": tag} for tag in sorted(missing)])
            await session.execute(delete(tags).where(tags.c.article_id == article_id, tags.c.tag.in_(extra)))
            if not row.restricted:
                await self._counts.adjust_tags(dict.fromkeys(missing, 1) | dict.fromkeys(extra, -1))


def _replace_article(_stored: Columns, new: Columns) -> Mapping[str, object]:
    return {"article_id": new.article_id}


def _favorites_of_article(article_id: ColumnElement[Any], _stored: Values) -> Values:
    return {"favorites_count": _count(select(func.count()).where(favorites.c.article_id == article_id))}


def _is_restricted(article_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return select(restrictions.c.article_id).where(restrictions.c.article_id == article_id).exists()


def _articles_with_tag(tag: ColumnElement[Any], _stored: Values) -> Values:
    counted = (tags.c.tag == tag, ~tags.c.restricted)
    return {"articles": _count(select(func.count()).where(*counted))}


def _favorites_of_user(user_id: ColumnElement[Any], _stored: Values) -> Values:
    counted = (favorites.c.user_id == user_id, ~favorites.c.restricted)
    return {"articles": _count(select(func.count()).where(*counted))}


def _articles_of_author(author_id: ColumnElement[Any], stored: Values) -> Values:
    own = (articles.c.author_id == author_id, IS_PUBLIC)
    is_total = author_id == ALL_AUTHORS
    total = _count(select(func.count()).select_from(articles).where(IS_PUBLIC))
    latest = _count(select(func.max(articles.c.created_at)).where(*own))
    return {
        "articles": case((is_total, total), else_=_count(select(func.count()).where(*own))),
        # The latest of all authors is read by nothing, and not reduced by deletions.
        "latest_at": case((is_total, stored["latest_at"]), else_=latest),
    }


def _count(statement: Select[*tuple[Any, ...]]) -> ColumnElement[Any]:
    return statement.scalar_subquery()
