"""The dependency injection container of articles."""

from dependency_injector import providers

from modules.articles.domain.restriction import RestrictionService
from modules.articles.domain.service import ArticleService
from modules.articles.infrastructure.articles import SqlArticles
from modules.articles.infrastructure.counts import ArticleCounts
from modules.articles.infrastructure.directory import SqlArticleDirectory
from modules.articles.infrastructure.reader import SqlArticleReader
from modules.articles.infrastructure.restrictions import SqlRestrictions
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier
from modules.profiles.contracts import ProfileReader


class ArticlesContainer(ModuleContainer):
    """Offers the article directory and restrictions; needs the profile reader and a token verifier."""

    profiles = providers.Dependency(instance_of=ProfileReader)
    tokens = providers.Dependency(instance_of=TokenVerifier)

    counts = providers.Singleton(ArticleCounts, ModuleContainer.database)
    repository = providers.Singleton(SqlArticles, ModuleContainer.database, counts, ModuleContainer.audiences)
    directory = providers.Singleton(
        SqlArticleDirectory, ModuleContainer.database, profiles, ModuleContainer.audiences
    )
    reader = providers.Singleton(
        SqlArticleReader, ModuleContainer.database, profiles, ModuleContainer.audiences
    )
    restrictions = providers.Singleton(
        RestrictionService,
        ModuleContainer.database,
        providers.Singleton(SqlRestrictions, ModuleContainer.database, counts),
        ModuleContainer.events,
    )
    service = providers.Singleton(
        ArticleService,
        ModuleContainer.database,
        repository,
        reader,
        ModuleContainer.events,
        ModuleContainer.clock,
    )
