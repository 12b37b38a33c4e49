"""A plugin whose after-commit handler of deleted articles fails."""

from modules.articles.contracts import ArticlesDeleted
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import DeliveryMode
from modules.kernel.module import Module, Subscription


async def handle(event: ArticlesDeleted) -> None:
    """Raise `LookupError`."""
    raise LookupError(f"handler failed, articles {event.article_ids}")


MODULE = Module(
    name="failing",
    container=ModuleContainer,
    subscriptions=[Subscription(ArticlesDeleted, lambda _container: handle, DeliveryMode.AFTER_COMMIT)],
)
