"""The container of notifications."""

from dependency_injector import providers

from conduit_notifications.domain.notifications import NotificationService
from conduit_notifications.infrastructure.notifications import SqlNotifications
from conduit_notifications.infrastructure.streams import SignalledStreams
from modules.articles.contracts import ArticleDirectory
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier
from modules.profiles.contracts import ProfileReader
from modules.users.contracts import UserDirectory


class NotificationsContainer(ModuleContainer):
    """Offers nothing; needs the user and article directories, the profile reader and a token verifier."""

    users = providers.Dependency(instance_of=UserDirectory)
    articles = providers.Dependency(instance_of=ArticleDirectory)
    profiles = providers.Dependency(instance_of=ProfileReader)
    tokens = providers.Dependency(instance_of=TokenVerifier)

    repository = providers.Singleton(SqlNotifications, ModuleContainer.database, ModuleContainer.signals)
    service = providers.Singleton(
        NotificationService,
        ModuleContainer.database,
        repository,
        users,
        articles,
        profiles,
        ModuleContainer.clock,
    )
    streams = providers.Singleton(
        SignalledStreams, repository, ModuleContainer.signals, ModuleContainer.settings
    )
