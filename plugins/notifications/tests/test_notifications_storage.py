"""How notifications are kept: in a real SQLite file, made by the migrations."""

import asyncio

from notifications_scene import Scene
from sqlalchemy import Connection, event, inspect

from conduit_app.migrations.runner import check_models, downgrade, migrate
from conduit_notifications.domain.notifications import Kind, NotificationId, Trigger
from conduit_notifications.infrastructure.notifications import SqlNotifications
from conduit_notifications.module import MODULE
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON


def favorite(article: ArticleId, actor: int) -> Trigger:
    return Trigger(Kind.FAVORITE, article, article, UserId(actor))


def kept(scene: Scene) -> SqlNotifications:
    return SqlNotifications(scene.alone.database, scene.alone.messaging.signals)


async def test_the_migrations_make_what_the_models_say_and_can_be_undone(scene_of_its_own: Scene) -> None:
    database = scene_of_its_own.alone.database
    await check_models(database, MODULE)
    await downgrade(database, MODULE)
    async with database.connection() as connection:
        tables = await connection.run_sync(_tables)
    assert {table for table in tables if table.startswith("notifications_")} == {
        "notifications_alembic_version"
    }
    await migrate(database, [MODULE])
    await check_models(database, MODULE)


async def test_those_that_come_at_once_are_all_kept_and_numbered_in_their_order(scene: Scene) -> None:
    notifications, dragons, jake = kept(scene), scene.article("dragons"), scene.user("jake")
    await asyncio.gather(*(notifications.add(jake, favorite(dragons, actor), NOON) for actor in range(10)))
    found = await notifications.after(jake, NotificationId(0), 100)
    assert [notification.id for notification in found] == list(range(1, 11))
    assert await notifications.latest({jake, scene.user("anna")}) == {jake: 10}


async def test_what_comes_after_one_is_the_oldest_first_and_so_many_at_most(scene: Scene) -> None:
    notifications, dragons, jake = kept(scene), scene.article("dragons"), scene.user("jake")
    for actor in range(5):
        await notifications.add(jake, favorite(dragons, actor), NOON)
    found = await notifications.after(jake, NotificationId(2), 2)
    assert [notification.id for notification in found] == [3, 4]


async def test_a_page_takes_as_many_statements_for_twenty_notifications_as_for_one(scene: Scene) -> None:
    statements: list[str] = []
    for engine in scene.alone.database.engines:
        event.listen(
            engine.sync_engine, "before_cursor_execute", lambda *published: statements.append(published[2])
        )
    counts = []
    for number in range(20):
        await scene.favorite(scene.article(f"article-{number}"), "anna")
        statements.clear()
        assert len((await scene.inbox("jake"))["notifications"]) == number + 1
        counts.append(len(statements))
    # The counts and the page; of articles and profiles there are fakes.
    assert set(counts) == {2}


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())
