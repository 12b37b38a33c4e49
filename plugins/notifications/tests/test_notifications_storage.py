"""The notification repository, on a migrated SQLite file."""

import asyncio
from datetime import timedelta

from notifications_context import Context
from sqlalchemy import Connection, inspect, update

from conduit_app.migrations.runner import check_models, downgrade, migrate
from conduit_notifications.domain.notifications import Kind, NotificationId, Trigger
from conduit_notifications.infrastructure.checks import consistency_checks
from conduit_notifications.infrastructure.notifications import SqlNotifications
from conduit_notifications.infrastructure.tables import CounterRow
from conduit_notifications.module import MODULE
from modules.articles.contracts import ArticleId
from modules.kernel.domain.identity import UserId
from modules.kernel.fakes import NOON


def favorite(article: ArticleId, actor: int) -> Trigger:
    return Trigger(Kind.FAVORITE, article, article, UserId(actor))


def create_repository(context: Context) -> SqlNotifications:
    return SqlNotifications(context.module.database, context.module.messaging.signals)


async def test_migrations_match_models_and_are_reversible(dedicated_context: Context) -> None:
    database = dedicated_context.module.database
    await check_models(database, MODULE)
    await downgrade(database, MODULE)
    async with database.connection() as connection:
        tables = await connection.run_sync(_tables)
    assert {table for table in tables if table.startswith("notifications_")} == {
        "notifications_alembic_version"
    }
    await migrate(database, [MODULE])
    await check_models(database, MODULE)


async def test_concurrently_added_notifications_are_numbered_without_gaps(context: Context) -> None:
    repository, dragons, jake = create_repository(context), context.article("dragons"), context.user("jake")
    await asyncio.gather(*(repository.add(jake, favorite(dragons, actor), NOON) for actor in range(10)))
    notifications = await repository.after(jake, NotificationId(0), 100)
    assert [notification.id for notification in notifications] == list(range(1, 11))
    assert await repository.latest({jake, context.user("anna")}) == {jake: 10}


async def test_notifications_after_an_id_come_oldest_first_up_to_the_limit(context: Context) -> None:
    repository, dragons, jake = create_repository(context), context.article("dragons"), context.user("jake")
    for actor in range(5):
        await repository.add(jake, favorite(dragons, actor), NOON)
    notifications = await repository.after(jake, NotificationId(2), 2)
    assert [notification.id for notification in notifications] == [3, 4]


async def test_old_notifications_are_deleted(dedicated_context: Context) -> None:
    context, repository = dedicated_context, create_repository(dedicated_context)
    dragons, jake = context.article("dragons"), context.user("jake")
    for actor, days in enumerate((400, 366, 364, 0)):
        await repository.add(jake, favorite(dragons, actor), context.clock.now() - timedelta(days=days))
    [job] = MODULE.jobs
    assert not await job.run(context.module.container)
    notifications = await repository.after(jake, NotificationId(0), 10)
    assert [notification.id for notification in notifications] == [3, 4]


async def test_wrong_counters_and_missing_references_are_found_and_repaired(
    dedicated_context: Context,
) -> None:
    context, repository = dedicated_context, create_repository(dedicated_context)
    dragons, jake, anna = context.article("dragons"), context.user("jake"), context.user("anna")
    for recipient, trigger in (
        (jake, favorite(dragons, anna)),
        (jake, favorite(ArticleId(404), anna)),
        (jake, favorite(dragons, 404)),
        (UserId(404), favorite(dragons, jake)),
    ):
        await repository.add(recipient, trigger, NOON)
    async with context.module.database.transaction() as session:
        await session.execute(update(CounterRow).where(CounterRow.recipient_id == jake).values(latest=1))

    checks = consistency_checks(context.module.database, context.articles, context.profiles)
    found = [difference.text for check in checks async for difference in check.differences()]
    assert found == [
        f"recipient_id {jake} has latest 1 instead of 3",
        "article 404: 1",
        "user 404: 1",
        "user 404: 1",
        "user 404: 1",
    ]
    assert [await check.repair() for check in checks] == [1, 1, 1, 1, 1]
    assert [difference for check in checks async for difference in check.differences()] == []
    # The numbers of deleted notifications are not used again.
    assert await repository.latest({jake, UserId(404)}) == {jake: 3}
    assert [notification.id for notification in await repository.after(jake, NotificationId(0), 100)] == [1]


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())
