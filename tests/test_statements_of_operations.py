"""Operations send the same number of statements on both engines, except to verify a token."""

from uuid import uuid4

from sqlalchemy import update

from modules.users.infrastructure.tables import AccountRow
from tests.client import PASSWORD, Api
from tests.conftest import AppInstance
from tests.sql_recorder import StatementRecorder

ARTICLE = {"description": "On dragons", "body": "They fly.", "tagList": ["fire", "wings"]}
# Each depends on the ones before it.
OPERATIONS = [
    ("POST", "/users", {"user": {"username": "carl", "email": "carl@example.com", "password": PASSWORD}}),
    ("POST", "/users/login", {"user": {"email": "anna@example.com", "password": PASSWORD}}),
    ("GET", "/user", None),
    ("PUT", "/user", {"user": {"bio": "I read."}}),
    ("POST", "/articles", {"article": {"title": "Unicorns", **ARTICLE}}),
    ("GET", "/articles", None),
    ("GET", "/articles?tag=fire&author=jake&favorited=anna", None),
    ("GET", "/articles/unicorns", None),
    ("PUT", "/articles/unicorns", {"article": {"title": "Griffins", "tagList": ["wings", "claws"]}}),
    ("POST", "/articles/dragons/favorite", None),
    ("POST", "/articles/dragons/comments", {"comment": {"body": "Nice"}}),
    ("GET", "/articles/dragons/comments", None),
    ("DELETE", "/articles/dragons/comments/1", None),
    ("DELETE", "/articles/dragons/favorite", None),
    ("POST", "/profiles/jake/follow", None),
    ("GET", "/profiles/jake", None),
    ("GET", "/articles/feed", None),
    ("DELETE", "/profiles/jake/follow", None),
    ("DELETE", "/articles/griffins", None),
    ("GET", "/tags", None),
]

# A token is verified by one statement, which on SQLite bypasses the events that the recorder listens to.


async def costs(app_instance: AppInstance) -> dict[str, tuple[int, int]]:
    """Return the status of each operation as anna, and the number of its statements."""
    app_instance.empty()
    api = Api(app_instance.application)
    await api.as_user("jake").publish("Dragons", tags=["fire"])
    await api.as_user("anna").token()
    database = app_instance.composition.database
    recorder = StatementRecorder(database)
    results = {}
    for method, path, body in OPERATIONS:
        # Invalidates the response cache.
        async with database.transaction() as session:
            await session.execute(update(AccountRow).values(image=f"https://example.com/{uuid4()}"))
        recorder.statements.clear()
        response = await api.as_user("anna").request(method, path, json=body)
        results[f"{method} {path}"] = (response.status_code, len(recorder.statements))
    recorder.stop()
    return results


async def test_operations_send_as_many_statements_on_postgresql_as_on_sqlite(
    sqlite_app: AppInstance, postgresql_app: AppInstance
) -> None:
    on_sqlite, on_postgresql = await costs(sqlite_app), await costs(postgresql_app)
    assert on_postgresql == on_sqlite
    assert {status for status, _ in on_sqlite.values()} <= {200, 201, 204}
