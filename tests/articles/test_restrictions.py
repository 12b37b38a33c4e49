"""Restrictions of articles, by one policy or several."""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select

from conduit_app.composition import Composition
from modules.articles.container import ArticlesContainer
from modules.articles.contracts import (
    MAX_RESTRICTED_ARTICLES,
    ArticleId,
    ArticleRestrictions,
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.articles.domain.article import ArticleNotFound
from modules.articles.infrastructure.checks import consistency_checks
from modules.articles.infrastructure.counts import ALL_AUTHORS
from modules.articles.infrastructure.tables import AuthorStatsRow
from modules.kernel.domain.events import Event
from modules.kernel.fakes import NOON
from modules.profiles.fakes import FakeProfileReader
from tests.articles.factories import ANNA, JAKE, draft, tags

# Many times the duration of a change that no lock blocks.
TIMEOUT_SECONDS = 0.1


@pytest.fixture
def restrictions(articles: ArticlesContainer) -> ArticleRestrictions:
    return articles.restrictions()


@pytest.fixture
def published(articles: ArticlesContainer, monkeypatch: pytest.MonkeyPatch) -> Sequence[Event]:
    """Return the list of the events that are published."""
    events: list[Event] = []

    async def publish(event: Event) -> None:
        events.append(event)

    monkeypatch.setattr(articles.events(), "publish", publish)
    return events


async def add(articles: ArticlesContainer, *titles: str) -> Sequence[ArticleId]:
    return [await articles.repository().add(draft(title, tag_list=tags("fire"))) for title in titles]


async def test_events_are_about_articles_that_were_or_are_public(
    articles: ArticlesContainer, restrictions: ArticleRestrictions, published: Sequence[Event]
) -> None:
    dragons, knights = await add(articles, "Dragons", "Knights")
    await restrictions.restrict([dragons], "moderation", "staff")
    await restrictions.restrict([dragons, knights], "club", "members")
    await restrictions.lift([dragons, knights], "moderation")
    await restrictions.lift([dragons, knights], "club")
    await restrictions.lift([dragons, knights], "club")
    [restricted_first, restricted_second, public] = published
    assert restricted_first == ArticlesRestricted(dragons, (dragons,))
    assert restricted_second == ArticlesRestricted(knights, (knights,))
    assert isinstance(public, ArticlesMadePublic)
    assert set(public.article_ids) == {dragons, knights}


async def test_many_articles_are_in_several_events(
    articles: ArticlesContainer, restrictions: ArticleRestrictions, published: Sequence[Event]
) -> None:
    ids = await add(articles, *(f"Article {number}" for number in range(MAX_RESTRICTED_ARTICLES + 1)))
    await restrictions.restrict(ids, "moderation", "staff")
    assert [len(cast("ArticlesRestricted", event).article_ids) for event in published] == [500, 1]


async def test_favorite_that_waits_for_a_restriction_is_not_found_and_not_counted(
    articles: ArticlesContainer, restrictions: ArticleRestrictions, composition: Composition
) -> None:
    [dragons] = await add(articles, "Dragons")
    async with composition.database.transaction():
        await restrictions.restrict([dragons], "moderation", "staff")
        # A new context, as another request has: this transaction is not open in it.
        favorite = asyncio.create_task(articles.repository().add_favorite("dragons", ANNA), context=Context())
        assert await waits(favorite)
    with pytest.raises(ArticleNotFound):
        await favorite
    assert await differences(articles) == []


@pytest.mark.parametrize("restricted_first", ["Third", None])
async def test_latest_time_of_an_author_is_exact_after_concurrent_changes(
    articles: ArticlesContainer,
    restrictions: ArticleRestrictions,
    composition: Composition,
    restricted_first: str | None,
) -> None:
    ids = {
        title: await publish(articles, title, minute)
        for minute, title in enumerate(("First", "Second", "Third"))
    }
    async with composition.database.transaction() as session:
        if restricted_first is None:
            await publish(articles, "Fourth", 3)
        else:
            await restrictions.restrict([ids[restricted_first]], "moderation", "staff")
        # PostgreSQL executes the last statements with the next one.
        await session.execute(select(1))
        change = asyncio.create_task(
            restrictions.restrict([ids["Second"]], "moderation", "staff"),
            context=Context(),
        )
        assert await waits(change)
    await change
    assert await differences(articles) == []


async def test_restriction_of_a_deleted_article_is_deleted_and_not_counted(
    articles: ArticlesContainer, restrictions: ArticleRestrictions, composition: Composition
) -> None:
    dragons, knights = await add(articles, "Dragons", "Knights")
    await restrictions.restrict([dragons], "moderation", "staff")
    await articles.repository().delete_by_user(JAKE)
    assert await restrictions.restricted([dragons, knights], "moderation") == {}
    async with composition.database.snapshot() as session:
        total = await session.get(AuthorStatsRow, ALL_AUTHORS)
        assert total is not None
        assert total.articles == 0
    assert await differences(articles) == []


async def publish(articles: ArticlesContainer, title: str, minute: int) -> ArticleId:
    return await articles.repository().add(draft(title, created_at=NOON + timedelta(minutes=minute)))


async def waits(change: asyncio.Task[Any]) -> bool:
    """Return whether a change waits for the open transaction."""
    await asyncio.wait({change}, timeout=TIMEOUT_SECONDS)
    return not change.done()


async def differences(articles: ArticlesContainer) -> Sequence[str]:
    """Return the wrong counts: all users exist."""
    profiles = FakeProfileReader()
    for name in ("jake", "anna"):
        profiles.add(name)
    checks = consistency_checks(articles.database(), profiles, articles.counts(), articles.service())
    return [difference.text for check in checks async for difference in check.differences()]
