"""The consistency checks of notifications."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from conduit_notifications.infrastructure.tables import CounterRow, NotificationRow
from modules.articles.contracts import ArticleDirectory
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.infrastructure.consistency import CounterCheck, ReferenceCheck, Values
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader

notifications = NotificationRow.__table__


def consistency_checks(
    database: Database, articles: ArticleDirectory, profiles: ProfileReader
) -> Sequence[ConsistencyCheck]:
    """Return the checks of the numbers of notifications, and of the users and articles in them."""
    existing_users = partial(profiles.profiles, viewer=None)
    return [
        CounterCheck(database, CounterRow, "recipient_id", _latest, [notifications.c.recipient_id]),
        ReferenceCheck(database, NotificationRow, "article_id", "article", articles.authors),
        ReferenceCheck(database, NotificationRow, "actor_id", "user", existing_users),
        ReferenceCheck(database, NotificationRow, "recipient_id", "user", existing_users),
        ReferenceCheck(database, CounterRow, "recipient_id", "user", existing_users),
    ]


def _latest(recipient_id: ColumnElement[Any], stored: Values) -> Values:
    numbers = select(func.coalesce(func.max(notifications.c.number), 0))
    greatest = numbers.where(notifications.c.recipient_id == recipient_id).scalar_subquery()
    # May be greater: the latest notification may have been deleted.
    return {"latest": case((stored["latest"] >= greatest, stored["latest"]), else_=greatest)}
