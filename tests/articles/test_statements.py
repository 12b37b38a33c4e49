"""No N+1 queries: the number of statements of a list does not depend on its length."""

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
    """The number of statements of an operation: anonymous, and with a token."""

    path: str
    anonymous: int | None
    with_token: int


# A list takes a page with its count, and the authors. A token adds which of them the reader follows, and a
# username in a filter its look-up. The feed reads the followees first.
COSTS = [
    Cost("/articles", 2, 3),
    Cost("/articles?tag=fire", 2, 3),
    Cost("/articles?author=author0", 3, 4),
    Cost("/articles?favorited=fan", 3, 4),
    Cost("/articles?tag=fire&author=author0&favorited=fan", 3, 4),
    Cost("/articles?author=nobody", 1, 1),
    Cost("/articles/feed", None, 3),
    Cost("/articles/dragons", 2, 3),
    Cost("/articles/dragons/comments", 3, 4),
]
# The statement that verifies a token.
VERIFYING = 1


@pytest.fixture
def statements(composition: Composition) -> Iterator[StatementRecorder]:
    statements = StatementRecorder(composition.database)
    yield statements
    statements.stop()


@pytest.fixture
def api(settings: Settings, composition: Composition) -> Api:
    """Return the API of Conduit without its response cache."""
    return Api(create_application(settings.model_copy(update={"response_cache_size": 0}), composition))


async def fill(composition: Composition, authors: int, articles_each: int) -> str:
    """Add authors with articles, a reader and a fan, and return the reader's token.

    The reader follows all authors, the fan favorites all articles, and each author adds as many comments
    to the first article as they have articles.
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
                article_id = await articles.repository().add(
                    draft(author_id=author.id, tag_list=tags("fire", "wings"))
                )
                await comments.repository().add(FIRST, author.id, CommentBody("Nice"), NOON)
                [slug] = [
                    preview.slug
                    for preview in (await articles.directory().previews({article_id}, None)).values()
                ]
                await articles.repository().add_favorite(slug, fan.id)
    return users.tokens().issue(reader)


async def cost(
    api: Api, composition: Composition, statements: StatementRecorder, path: str, token: str | None = None
) -> int:
    """Return the number of statements of a request after a change of the database."""
    headers = {} if token is None else {"Authorization": f"Token {token}"}
    async with composition.database.transaction() as session:
        await session.execute(update(AccountRow).values(bio=uuid4().hex))
    statements.statements.clear()
    response = await api.get(path, headers=headers)
    assert response.status_code == 200
    return len(statements.statements)


@pytest.mark.parametrize(("authors", "articles_each"), [(1, 1), (20, 1), (1, 20)])
async def test_statement_count_does_not_depend_on_the_number_of_rows_or_authors(
    api: Api, composition: Composition, statements: StatementRecorder, authors: int, articles_each: int
) -> None:
    token = await fill(composition, authors, articles_each)
    costs = [
        Cost(
            path=expected.path,
            anonymous=expected.anonymous and await cost(api, composition, statements, expected.path),
            with_token=await cost(api, composition, statements, expected.path, token) - VERIFYING,
        )
        for expected in COSTS
    ]
    assert costs == COSTS
    rows = authors * articles_each
    assert len((await api.get("/articles")).json()["articles"]) == rows
    assert len((await api.get("/articles?favorited=fan")).json()["articles"]) == rows
    assert len((await api.get("/articles?author=author0")).json()["articles"]) == articles_each
    assert len((await api.get("/articles/dragons/comments")).json()["comments"]) == rows


def test_lists_stay_within_their_statement_budget() -> None:
    lists = [expected for expected in COSTS if not expected.path.startswith("/articles/dragons")]
    assert max(expected.anonymous or 0 for expected in lists) <= 4
    assert max(expected.with_token for expected in lists) + VERIFYING <= 6
