"""The conditions under which a viewer sees an article, for every statement that reads articles.

An article without restrictions is public. A restricted one is visible to its author, and to a viewer who
is in the audience of each of its restrictions.

Lists read the public articles from an index of those, and merge the restricted ones that the viewer sees,
which are found by the author and the audiences: what is hidden from a viewer costs the viewer nothing.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, literal_column, select, union_all

from modules.articles.infrastructure.tables import articles, restrictions
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.visibility import Audiences
from modules.kernel.infrastructure.persistence.dialect_sql import in_selected, in_texts

VIEWER = bindparam("viewer", type_=BigInteger)
IN_AUDIENCE = in_texts(restrictions.c.audience, "audiences")
HIDES = and_(restrictions.c.author_id.is_distinct_from(VIEWER), ~IN_AUDIENCE)
"""The condition that a restriction hides its article from the viewer bound by `viewer_parameters`."""


def is_visible(article_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that the viewer sees an article.

    Not EXISTS, which PostgreSQL may join in another order.
    """
    hiding = select(restrictions.c.article_id).where(restrictions.c.article_id == article_id, HIDES).limit(1)
    return hiding.correlate(article_id.table).scalar_subquery().is_(None)


class RestrictedScope(Enum):
    """The restricted articles that a viewer may see: none, their own, also those of their audiences.

    None for an anonymous viewer, and in the feed of a reader who does not follow themselves.
    """

    NONE = "none"
    OWN = "own"
    OF_AUDIENCES = "of audiences"


# Sorted, so that PostgreSQL reads it from the index, even if most restricted articles are by one author.
OWN = (
    select(restrictions.c.article_id)
    .where(restrictions.c.author_id == VIEWER)
    .order_by(restrictions.c.article_id)
    .limit(literal_column(str(2**62)))
    .subquery()
)
IS_SEEN: Mapping[RestrictedScope, Sequence[ColumnElement[bool]]] = {
    RestrictedScope.OWN: (in_selected(articles.c.id, select(OWN.c.article_id)),),
    RestrictedScope.OF_AUDIENCES: (
        in_selected(
            articles.c.id,
            union_all(select(OWN.c.article_id), select(restrictions.c.article_id).where(IN_AUDIENCE)),
        ),
        # There may be another restriction.
        is_visible(articles.c.id),
    ),
}
"""The conditions of the restricted articles that a viewer sees."""


async def viewer_parameters(audiences: Audiences, viewer: UserId | None) -> Mapping[str, object]:
    """Return the parameters of these conditions: the viewer, who is None if anonymous, and the audiences."""
    return {"viewer": viewer, "audiences": await audiences.of(viewer)}


def scope_of(parameters: Mapping[str, object]) -> RestrictedScope:
    """Return which restricted articles the viewer with these parameters may see."""
    if parameters["audiences"]:
        return RestrictedScope.OF_AUDIENCES
    return RestrictedScope.NONE if parameters["viewer"] is None else RestrictedScope.OWN
