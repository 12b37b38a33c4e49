"""The container of search."""

from dependency_injector import providers

from conduit_search.domain.searching import Indexer, Search
from conduit_search.infrastructure.engine import word_index
from conduit_search.infrastructure.index import SqlSearchIndex
from modules.articles.contracts import ArticleDirectory
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier


class SearchContainer(ModuleContainer):
    """Offers nothing; needs the article directory and a token verifier."""

    articles = providers.Dependency(instance_of=ArticleDirectory)
    tokens = providers.Dependency(instance_of=TokenVerifier)

    index = providers.Singleton(
        SqlSearchIndex, ModuleContainer.database, providers.Singleton(word_index, ModuleContainer.database)
    )
    search = providers.Singleton(Search, ModuleContainer.database, index, articles)
    indexer = providers.Singleton(Indexer, ModuleContainer.database, index, articles, ModuleContainer.events)
