"""A plugin whose after-commit handler of deleted articles fails."""

from modules.articles.contracts import ArticleDeleted
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.module import Module, Subscription


async def handle(event: ArticleDeleted) -> None:
    """Raise `LookupError`."""
    raise LookupError(f"handler failed, article {event.article_id}")


MODULE = Module(
    name="failing",
    container=ModuleContainer,
    subscriptions=[Subscription(ArticleDeleted, lambda _container: handle, DeliveryMode.AFTER_COMMIT)],
)
