"""The kept counts are what counting gives, whatever was done."""

from collections import Counter

from sqlalchemy import select

from modules.articles.container import ArticlesContainer
from modules.articles.domain.article import ArticleChanges, ImportedArticle
from modules.articles.infrastructure.counts import EVERYBODY
from modules.articles.infrastructure.tables import (
    ArticleRow,
    AuthorRow,
    FavoriteRow,
    ReaderRow,
    TagRow,
    TagUseRow,
)
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON
from tests.articles.drafts import draft, tags

JAKE, ANNA = UserId(1), UserId(2)


async def kept_and_counted(articles: ArticlesContainer) -> tuple[Counter[object], Counter[object]]:
    """Return the counts that are kept, and those that counting gives now."""
    kept: Counter[object] = Counter()
    counted: Counter[object] = Counter()
    async with articles.database().snapshot() as session:
        for author in await session.scalars(select(AuthorRow)):
            kept["author", author.author_id] = author.articles
        for tag in await session.scalars(select(TagUseRow)):
            kept["tag", tag.tag] = tag.articles
        for reader in await session.scalars(select(ReaderRow)):
            kept["reader", reader.user_id] = reader.articles
        for article in await session.scalars(select(ArticleRow)):
            counted.update([("author", article.author_id), ("author", EVERYBODY)])
        counted.update([("tag", tag.tag) for tag in await session.scalars(select(TagRow))])
        counted.update([("reader", row.user_id) for row in await session.scalars(select(FavoriteRow))])
    return +kept, +counted


async def test_the_counts_are_exact_after_everything_that_changes_them(articles: ArticlesContainer) -> None:
    repository, database = articles.repository(), articles.database()
    await repository.add(draft("Dragons", author=JAKE, tag_list=tags("fire", "wings")))
    await repository.add(draft("Knights", author=ANNA, tag_list=tags("fire")))
    await repository.add_all([ImportedArticle(draft("Zebras", author=JAKE, tag_list=tags("hoofs")), {ANNA})])
    for user in (JAKE, ANNA, JAKE):
        await repository.add_favorite("dragons", user)
        await repository.add_favorite("knights", user)
    for user in (JAKE, JAKE):
        await repository.remove_favorite("knights", user)
    async with database.transaction():
        knights = await repository.held("knights")
        await repository.save(knights.edited(ArticleChanges(tags=tags("iron", "fire")), NOON), None)
    kept, counted = await kept_and_counted(articles)
    assert kept == counted
    async with database.transaction():
        await repository.remove(await repository.held("dragons"))
    kept, counted = await kept_and_counted(articles)
    assert kept == counted
    assert kept["author", EVERYBODY] == 2


async def test_an_authors_latest_is_that_of_what_is_left(articles: ArticlesContainer) -> None:
    repository, database = articles.repository(), articles.database()
    await repository.add(draft("Dragons", author=JAKE))
    async with database.transaction():
        await repository.remove(await repository.held("dragons"))
    async with database.snapshot() as session:
        latest = await session.scalar(select(AuthorRow.latest_at).where(AuthorRow.author_id == JAKE))
    assert latest is None
    await repository.add(draft("Knights", author=JAKE))
    async with database.snapshot() as session:
        latest = await session.scalar(select(AuthorRow.latest_at).where(AuthorRow.author_id == JAKE))
    assert latest == NOON
