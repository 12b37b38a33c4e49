"""No N+1: what a list costs in SQL does not depend on how much is in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import pytest
from sqlalchemy import update

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.settings import Settings
from modules.articles.container import ArticlesContainer
from modules.articles.contracts import ArticleId
from modules.comments.container import CommentsContainer
from modules.comments.domain.comment import CommentBody
from modules.kernel.fakes import NOON
from modules.profiles.container import ProfilesContainer
from modules.users.container import UsersContainer
from modules.users.infrastructure.tables import AccountRow
from tests.articles.factories import draft, tags
from tests.client import Api
from tests.sql_recorder import StatementRecorder
from tests.users.accounts import insert_account

FIRST = ArticleId(1)


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation costs in statements: asked by nobody, and with a token."""

    path: str
    anonymous: int | None
    with_token: int


# With a token that was seen before: one more for whom the reader follows. With a name to filter by: one
# more to look the name up. A list is a page, a count and the authors.
COSTS = [
    Cost("/articles", 3, 4),
    Cost("/articles?tag=fire", 3, 4),
    Cost("/articles?author=author0", 4, 5),
    Cost("/articles?favorited=fan", 4, 5),
    Cost("/articles?tag=fire&author=author0&favorited=fan", 4, 5),
    Cost("/articles?author=nobody", 1, 1),
    Cost("/articles/feed", None, 4),
    Cost("/articles/dragons", 2, 3),
    Cost("/articles/dragons/comments", 3, 4),
]
# What it costs to believe a token: on SQLite a look-up that is no statement of SQLAlchemy's.
VERIFYING = {"sqlite": 0, "postgresql": 1}


@pytest.fixture
def statements(composition: Composition) -> Iterator[StatementRecorder]:
    statements = StatementRecorder(composition.database)
    yield statements
    statements.stop()


@pytest.fixture
def api(settings: Settings, composition: Composition) -> Api:
    """Return Conduit without answers that it keeps: those cost nothing."""
    return Api(create_application(settings.model_copy(update={"response_cache_size": 0}), composition))


async def gather(composition: Composition, authors: int, articles_each: int) -> str:
    """Let there be authors with articles, all alike, and one reader, and return the reader's token.

    The reader follows everybody, the fan favorites everything, and everybody comments on the first
    article as often as they have written.
    """
    users = cast("UsersContainer", composition.containers["users"])
    profiles = cast("ProfilesContainer", composition.containers["profiles"])
    articles = cast("ArticlesContainer", composition.containers["articles"])
    comments = cast("CommentsContainer", composition.containers["comments"])
    async with composition.database.transaction():
        reader, fan = await insert_account(users, "reader"), await insert_account(users, "fan")
        for number in range(authors):
            author = await insert_account(users, f"author{number}")
            await profiles.follows().add(reader.id, author.id)
            for _ in range(articles_each):
                key = await articles.repository().add(draft(author=author.id, tag_list=tags("fire", "wings")))
                await comments.repository().add(FIRST, author.id, CommentBody("Nice"), NOON)
                [slug] = [
                    preview.slug for preview in (await articles.directory().previews({key}, None)).values()
                ]
                await articles.repository().add_favorite(slug, fan.id)
    return users.tokens().issue(reader)


async def cost(
    api: Api, composition: Composition, statements: StatementRecorder, path: str, token: str | None = None
) -> int:
    """Return how many statements it takes to answer, after something in the database has changed."""
    headers = {} if token is None else {"Authorization": f"Token {token}"}
    async with composition.database.transaction() as session:
        await session.execute(update(AccountRow).values(bio=uuid4().hex))
    statements.statements.clear()
    answer = await api.get(path, headers=headers)
    assert answer.status_code == 200
    return len(statements.statements)


@pytest.mark.parametrize(("authors", "articles_each"), [(1, 1), (20, 1), (1, 20)])
async def test_one_row_takes_as_many_statements_as_twenty_by_one_author_or_by_as_many(
    api: Api, composition: Composition, statements: StatementRecorder, authors: int, articles_each: int
) -> None:
    token = await gather(composition, authors, articles_each)
    verifying = VERIFYING[composition.database.dialect]
    found = [
        Cost(
            path=expected.path,
            anonymous=expected.anonymous and await cost(api, composition, statements, expected.path),
            with_token=await cost(api, composition, statements, expected.path, token) - verifying,
        )
        for expected in COSTS
    ]
    assert found == COSTS
    rows = authors * articles_each
    assert len((await api.get("/articles")).json()["articles"]) == rows
    assert len((await api.get("/articles?favorited=fan")).json()["articles"]) == rows
    assert len((await api.get("/articles?author=author0")).json()["articles"]) == articles_each
    assert len((await api.get("/articles/dragons/comments")).json()["comments"]) == rows


def test_no_list_is_dearer_than_it_may_be() -> None:
    lists = [cost for cost in COSTS if not cost.path.startswith("/articles/dragons")]
    assert max(cost.anonymous or 0 for cost in lists) <= 4
    assert max(cost.with_token for cost in lists) + max(VERIFYING.values()) <= 6
