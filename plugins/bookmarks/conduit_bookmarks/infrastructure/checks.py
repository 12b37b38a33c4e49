"""The consistency checks of bookmarks."""

from collections.abc import Sequence
from functools import partial

from conduit_bookmarks.infrastructure.tables import BookmarkRow
from modules.articles.contracts import ArticleDirectory
from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.infrastructure.consistency import ReferenceCheck
from modules.kernel.infrastructure.persistence.database import Database
from modules.profiles.contracts import ProfileReader


def consistency_checks(
    database: Database, articles: ArticleDirectory, profiles: ProfileReader
) -> Sequence[ConsistencyCheck]:
    """Return the checks of the articles and readers of bookmarks."""
    existing_users = partial(profiles.profiles, viewer=None)
    return [
        ReferenceCheck(database, BookmarkRow, "article_id", "article", articles.authors),
        ReferenceCheck(database, BookmarkRow, "user_id", "user", existing_users),
    ]
