"""`conduit doctor` finds and repairs every kind of difference, on both engines."""

import asyncio
from dataclasses import dataclass

import anyio.to_thread
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from conduit_app.cli import main
from conduit_app.commands.doctor import find_differences
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.kernel.infrastructure import consistency
from tests.client import Api
from tests.conftest import SECRET

READERS = ("anna", "bert", "carl", "dora", "emil")


@dataclass(frozen=True)
class Damage:
    """A statement that makes the data inconsistent, and the line that reports it."""

    statement: str
    line: str


# The users are jake and anna, with the ids 1 and 2; the articles By jake and By anna, the same. 999 is no id.
DAMAGES = {
    "favorites of an article": Damage(
        "UPDATE articles_article SET favorites_count = 7 WHERE id = 1",
        "articles_article.favorites_count: wrong counts: 1 (id 1 has favorites_count 7 instead of 2)",
    ),
    "articles of an author": Damage(
        "UPDATE articles_author_stats SET articles = 0 WHERE author_id = 2",
        "articles_author_stats.articles, articles_author_stats.latest_at: wrong counts: 1"
        " (author_id 2 has articles 0 instead of 1)",
    ),
    "all articles": Damage(
        "DELETE FROM articles_author_stats WHERE author_id = 0",
        "articles_author_stats.articles, articles_author_stats.latest_at: wrong counts: 1"
        " (author_id 0 has articles 0 instead of 2)",
    ),
    "articles with a tag": Damage(
        "DELETE FROM articles_tag_stats WHERE tag = 'shared'",
        "articles_tag_stats.articles: wrong counts: 1 (tag shared has articles 0 instead of 2)",
    ),
    "favorites of a user": Damage(
        "UPDATE articles_reader_stats SET articles = articles + 1",
        "articles_reader_stats.articles: wrong counts: 2 (user_id 1 has articles 3 instead of 2,"
        " user_id 2 has articles 3 instead of 2)",
    ),
    "tags of an article": Damage(
        'UPDATE articles_article SET tag_list = \'["dragons", "shared"]\' WHERE id = 1',
        "articles_tag.tag, articles_article.tag_list: articles with other tags in articles_tag: 1"
        " (article 1)",
    ),
    "slug of an article": Damage(
        "DELETE FROM articles_slug WHERE article_id = 1",
        "articles_slug.slug, articles_slug.article_id, articles_article.slug: articles whose slug does not"
        " find them: 1 (article 1)",
    ),
    "follower": Damage(
        "INSERT INTO profiles_follow (follower_id, followed_id) VALUES (999, 1), (999, 2)",
        "profiles_follow.follower_id: rows of a missing user: 2 (user 999: 2)",
    ),
    "followed user": Damage(
        "INSERT INTO profiles_follow (follower_id, followed_id) VALUES (1, 999)",
        "profiles_follow.followed_id: rows of a missing user: 1 (user 999: 1)",
    ),
    "article of a comment": Damage(
        "UPDATE comments_comment SET article_id = 999 WHERE author_id = 1",
        "comments_comment.article_id: rows of a missing article: 1 (article 999: 1)",
    ),
    "author of a comment": Damage(
        "UPDATE comments_comment SET author_id = 999 WHERE article_id = 1",
        "comments_comment.author_id: rows of a missing user: 1 (user 999: 1)",
    ),
    "caller of an idempotency key": Damage(
        "UPDATE kernel_idempotency_key SET user_id = 999",
        "kernel_idempotency_key.user_id: rows of a missing user: 1 (user 999: 1)",
    ),
    "counts of a deleted author": Damage(
        "INSERT INTO articles_author_stats (author_id, articles) VALUES (999, 0)",
        "articles_author_stats.author_id: rows of a missing user: 1 (user 999: 1)",
    ),
    "counts of a deleted reader": Damage(
        "INSERT INTO articles_reader_stats (user_id, articles) VALUES (999, 0)",
        "articles_reader_stats.user_id: rows of a missing user: 1 (user 999: 1)",
    ),
}


@pytest.fixture
def settings(core_settings: Settings) -> Settings:
    """Enable only the modules whose data is damaged below."""
    return core_settings


@pytest.fixture
async def populated(api: Api) -> Api:
    """Return a client after jake and anna have used every feature, on each other's content."""
    for name in ("jake", "anna"):
        await api.as_user(name).token()
        await api.as_user(name).publish(f"By {name}", tags=["shared", name])
    for name, other in (("jake", "anna"), ("anna", "jake")):
        user = api.as_user(name)
        await user.favorite({"slug": "by-jake"})
        await user.favorite({"slug": "by-anna"})
        await user.comment({"slug": f"by-{other}"})
        await user.follow(other)
    article = {"title": "Twice", "description": "About retries", "body": "Text"}
    await api.as_user("jake").post("/articles", {"article": article}, headers={"Idempotency-Key": "1"})
    await api.as_user("jake").delete("/articles/twice")
    return api


async def call(settings: Settings, *arguments: str) -> Result:
    """Run `conduit doctor`."""
    environment = {
        "CONDUIT_DATABASE_URL": settings.database_url,
        "CONDUIT_SECRET_KEY": SECRET,
        "CONDUIT_DISABLED_MODULES": ",".join(settings.disabled_modules),
    }
    run = CliRunner().invoke
    # In a thread: the command runs its own event loop.
    return await anyio.to_thread.run_sync(lambda: run(main, ["doctor", *arguments], env=environment))


async def execute(composition: Composition, *statements: str) -> None:
    async with composition.database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def found(composition: Composition) -> list[str]:
    return [str(finding) async for finding in find_differences(composition)]


@pytest.mark.usefixtures("populated")
async def test_consistent_data_gets_no_line_and_exit_code_0(settings: Settings) -> None:
    result = await call(settings)
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.usefixtures("populated")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_damage_is_reported_and_repaired(composition: Composition, damage: Damage) -> None:
    await execute(composition, damage.statement)
    for _ in range(2):
        # Reporting changes nothing.
        assert damage.line in await found(composition)
    async for finding in find_differences(composition):
        assert await finding.check.repair() == finding.rows
    assert await found(composition) == []


@pytest.mark.usefixtures("populated")
async def test_differences_are_printed_with_exit_code_1_until_they_are_repaired(
    settings: Settings, composition: Composition
) -> None:
    chosen = [DAMAGES["followed user"], DAMAGES["favorites of an article"], DAMAGES["author of a comment"]]
    await execute(composition, *(damage.statement for damage in chosen))
    lines = [damage.line for damage in chosen]
    result = await call(settings)
    assert (result.exit_code, result.stdout.splitlines()) == (1, lines)
    result = await call(settings, "--repair")
    repaired = [line for report in lines for line in (report, "  repaired: 1")]
    assert (result.exit_code, result.stdout.splitlines()) == (0, repaired)
    result = await call(settings)
    assert (result.exit_code, result.stdout) == (0, "")


async def test_repair_of_a_missing_author_deletes_the_articles_with_the_data_about_them(
    populated: Api, composition: Composition
) -> None:
    # As if the account had been deleted without an event.
    await execute(composition, "DELETE FROM users_account WHERE id = 1")
    lines = await found(composition)
    assert "articles_article.author_id: rows of a missing user: 1 (user 1: 1)" in lines
    assert "articles_favorite.user_id: rows of a missing user: 2 (user 1: 2)" in lines
    async for finding in find_differences(composition):
        await finding.check.repair()
    assert await found(composition) == []
    listed = (await populated.get("/articles")).json()
    [article] = listed["articles"]
    assert (article["slug"], article["favoritesCount"], listed["articlesCount"]) == ("by-anna", 1, 1)
    assert (await populated.get("/articles/by-anna/comments")).json() == {"comments": []}
    assert (await populated.get("/tags")).json() == {"tags": ["anna", "shared"]}


@pytest.mark.usefixtures("populated")
async def test_pages_and_batches_cover_all_rows(
    composition: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "PAGE_SIZE", 2)
    monkeypatch.setattr(consistency, "DELETE_BATCH_SIZE", 2)
    values = ", ".join(f"({1_000 + number % 7}, {number})" for number in range(20))
    await execute(
        composition,
        f"INSERT INTO profiles_follow (follower_id, followed_id) VALUES {values}",  # noqa: S608 - numbers
        "INSERT INTO articles_tag_stats (tag, articles) VALUES ('a', 1), ('b', 2), ('c', 3), ('zz', 4)",
        "UPDATE articles_tag_stats SET articles = 9 WHERE tag = 'jake'",
        "DELETE FROM articles_tag_stats WHERE tag = 'shared'",
    )
    [followers, followed, tags] = await found(composition)
    assert followers == (
        "profiles_follow.follower_id: rows of a missing user: 20"
        " (user 1000: 3, user 1001: 3, user 1002: 3, …)"
    )
    assert followed.startswith("profiles_follow.followed_id: rows of a missing user: 18 (user 0: 1,")
    assert tags.startswith("articles_tag_stats.articles: wrong counts: 6 (tag a has articles 1 instead of 0,")
    async for finding in find_differences(composition):
        await finding.check.repair()
    assert await found(composition) == []


async def test_repair_during_writes_leaves_exact_counts(populated: Api, composition: Composition) -> None:
    for reader in READERS:
        await populated.as_user(reader).token()
    path = "/articles/by-jake/favorite"

    async def write(reader: str) -> None:
        for method in ("POST", "DELETE", "POST"):
            response = await populated.as_user(reader).request(method, path)
            assert response.status_code == 200, response.text

    async def repair() -> None:
        for damage in range(5):
            await execute(
                composition,
                f"UPDATE articles_article SET favorites_count = favorites_count + {20 + damage}",  # noqa: S608
                f"UPDATE articles_reader_stats SET articles = articles + {20 + damage}",  # noqa: S608
            )
            async for finding in find_differences(composition):
                await finding.check.repair()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(repair())
        for reader in READERS:
            tasks.create_task(write(reader))
    assert await found(composition) == []
    article = (await populated.get("/articles/by-jake")).json()["article"]
    assert article["favoritesCount"] == 2 + len({*READERS} - {"anna"})


async def test_database_that_is_not_migrated_is_reported_on_one_line(settings: Settings) -> None:
    empty = settings.model_copy(update={"database_url": "sqlite+aiosqlite:///empty.db"})
    result = await call(empty)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "conduit: the tables of kernel are not migrated; run: conduit migrate\n"
