"""The container of feeds."""

from dependency_injector import providers

from conduit_feeds.domain.syndication import Syndication
from conduit_feeds.infrastructure.markdown import SafeMarkdown
from modules.articles.contracts import ArticleDirectory
from modules.kernel.container import ModuleContainer
from modules.profiles.contracts import ProfileReader


class FeedsContainer(ModuleContainer):
    """Offers nothing; needs the article directory and the profile reader."""

    articles = providers.Dependency(instance_of=ArticleDirectory)
    profiles = providers.Dependency(instance_of=ProfileReader)

    syndication = providers.Singleton(
        Syndication,
        ModuleContainer.database,
        articles,
        profiles,
        providers.Singleton(SafeMarkdown),
        ModuleContainer.settings.provided.site.call(),
    )
