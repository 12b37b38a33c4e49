"""The dependency injection container of comments."""

from dependency_injector import providers

from modules.articles.contracts import ArticleDirectory
from modules.comments.domain.service import CommentService
from modules.comments.infrastructure.comments import SqlComments
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier
from modules.profiles.contracts import ProfileReader


class CommentsContainer(ModuleContainer):
    """Offers nothing; needs the article directory, the profile reader and a token verifier."""

    articles = providers.Dependency(instance_of=ArticleDirectory)
    profiles = providers.Dependency(instance_of=ProfileReader)
    tokens = providers.Dependency(instance_of=TokenVerifier)

    repository = providers.Singleton(SqlComments, ModuleContainer.database)
    service = providers.Singleton(
        CommentService,
        ModuleContainer.database,
        repository,
        articles,
        profiles,
        ModuleContainer.events,
        ModuleContainer.clock,
    )
