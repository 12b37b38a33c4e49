"""The consistency checks of comments."""

from collections.abc import Sequence
from functools import partial

from modules.articles.contracts import ArticleDirectory
from modules.comments.infrastructure.tables import CommentRow
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.infrastructure.consistency import ReferenceCheck
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader


def consistency_checks(
    database: Database, articles: ArticleDirectory, profiles: ProfileReader
) -> Sequence[ConsistencyCheck]:
    """Return the checks of the articles and authors of comments."""
    existing_users = partial(profiles.profiles, viewer=None)
    return [
        ReferenceCheck(database, CommentRow, "article_id", "article", articles.authors),
        ReferenceCheck(database, CommentRow, "author_id", "user", existing_users),
    ]
