"""The container of bookmarks."""

from dependency_injector import providers

from conduit_bookmarks.domain.reading_list import ReadingList
from conduit_bookmarks.infrastructure.bookmarks import SqlBookmarks
from modules.articles.contracts import ArticleDirectory
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier
from modules.profiles.contracts import ProfileReader


class BookmarksContainer(ModuleContainer):
    """Offers nothing; needs the article directory, the profile reader and a token verifier."""

    articles = providers.Dependency(instance_of=ArticleDirectory)
    profiles = providers.Dependency(instance_of=ProfileReader)
    tokens = providers.Dependency(instance_of=TokenVerifier)

    repository = providers.Singleton(SqlBookmarks, ModuleContainer.database)
    reading_list = providers.Singleton(
        ReadingList, ModuleContainer.database, repository, articles, ModuleContainer.clock
    )
