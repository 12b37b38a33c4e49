"""A plugin that wants to be told of deleted articles after the commit, and cannot do anything about it."""

from modules.articles.contracts import ArticleDeleted
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.module import Module, Subscription


async def ring(event: ArticleDeleted) -> None:
    """Fail."""
    raise LookupError(f"the alarm is broken, article {event.article_id}")


MODULE = Module(
    name="alarm",
    container=ModuleContainer,
    subscriptions=[Subscription(ArticleDeleted, lambda _container: ring, DeliveryMode.AFTER_COMMIT)],
)
