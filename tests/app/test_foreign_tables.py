"""The database refuses a module's statement on a table of another module, however its SQL was made."""
# ruff: noqa: S608 - SQL put together at run time is what is tested

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import bindparam, column, literal_column, make_url, select, table, text

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.migrations.errors import MigrationFailedError, SchemaBehindError
from conduit_app.migrations.runner import migrate
from conduit_app.migrations.schema_state import require_compatible
from modules.kernel.container import ModuleContainer
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.postgresql_roles import role_of
from modules.kernel.infrastructure.persistence.schema import Schema, module_metadata
from modules.kernel.infrastructure.persistence.statements import prepare
from modules.kernel.infrastructure.persistence.table_owners import ForeignTable
from modules.kernel.module import Module
from modules.users.infrastructure.tables import AccountRow
from tests import postgresql
from tests.client import Api
from tests.conftest import composed, settings_on

# Of articles: what its author would see in the source is OWN, and a name that is put together at run time.
OWN, FOREIGN = "articles_slug", "_".join(["users", "account"])
ROW = f"(SELECT max(username) FROM {FOREIGN})"
REFUSED = [
    f"SELECT id FROM {FOREIGN}",
    f'SELECT "id" FROM "{FOREIGN}"',
    f"SELECT id FROM {FOREIGN.upper()}",
    f"SELECT id FROM /* {OWN} */ {FOREIGN} -- {OWN}",
    f"SELECT a.id FROM {FOREIGN} AS a",
    f"SELECT count(*) FROM {FOREIGN}",
    f"SELECT 1 WHERE EXISTS (SELECT 1 FROM {FOREIGN})",
    f"SELECT slug, {ROW} FROM {OWN}",
    f"SELECT slug FROM {OWN} WHERE slug = {ROW}",
    f"SELECT slug FROM {OWN} WHERE slug IN (SELECT username FROM {FOREIGN})",
    f"SELECT slug FROM {OWN} ORDER BY {ROW}",
    f"SELECT slug FROM {OWN} GROUP BY slug HAVING slug < {ROW}",
    f"SELECT slug FROM {OWN} LIMIT (SELECT max(id) FROM {FOREIGN})",
    f"SELECT slug FROM {OWN} JOIN {FOREIGN} ON slug = username",
    f"SELECT slug FROM {OWN} LEFT JOIN {FOREIGN} ON slug = username",
    f"SELECT slug FROM {OWN}, {FOREIGN}",
    f"SELECT slug FROM {OWN} UNION SELECT username FROM {FOREIGN}",
    f"SELECT slug FROM {OWN} EXCEPT SELECT username FROM {FOREIGN}",
    f"SELECT name FROM (SELECT username AS name FROM {FOREIGN}) AS names",
    f"SELECT row_number() OVER (ORDER BY id) FROM {FOREIGN}",
    f"WITH names AS (SELECT username FROM {FOREIGN}) SELECT * FROM names",
    f"WITH RECURSIVE n AS (SELECT min(id) AS id FROM {FOREIGN} UNION SELECT id + 1 FROM n) SELECT id FROM n",
    f"INSERT INTO {FOREIGN} (username) VALUES ('x')",
    f"INSERT INTO {OWN} (slug, article_id) SELECT username, id FROM {FOREIGN}",
    f"INSERT INTO {OWN} (slug, article_id) VALUES ({ROW}, 1)",
    f"UPDATE {FOREIGN} SET username = 'x'",
    f"UPDATE {OWN} SET slug = {ROW}",
    f"UPDATE {OWN} SET slug = username FROM {FOREIGN} WHERE article_id = id",
    f"DELETE FROM {FOREIGN}",
    f"DELETE FROM {OWN} WHERE slug IN (SELECT username FROM {FOREIGN})",
    f"DELETE FROM {OWN} WHERE article_id = 1 RETURNING {ROW}",
    f"DROP TABLE {FOREIGN}",
    f"ALTER TABLE {FOREIGN} RENAME TO articles_account",
    f"CREATE INDEX articles_index ON {FOREIGN} (username)",
]
MESSAGE = "articles uses users_account, a table of users"


@pytest.fixture
def articles(composition: Composition) -> Database:
    """Return the database of the module articles."""
    database: Database = composition.containers["articles"].database()
    return database


@pytest.mark.parametrize("sql", REFUSED)
async def test_statement_on_a_table_of_another_module_is_refused(articles: Database, sql: str) -> None:
    with pytest.raises(ForeignTable) as refused:
        async with articles.transaction() as session:
            await session.execute(text(sql))
    assert str(refused.value) == MESSAGE


async def read_in_snapshot(database: Database) -> None:
    async with database.snapshot() as session:
        await session.execute(text(f"SELECT id FROM {FOREIGN}"))


async def read_alone(database: Database) -> None:
    await database.fetch_all(prepare(select(column("id")).select_from(table(FOREIGN))))


async def write_many(database: Database) -> None:
    insert = prepare(table(FOREIGN, column("username")).insert())
    await database.execute_many(insert, [{"username": "a"}, {"username": "b"}])


async def read_in_savepoint(database: Database) -> None:
    async with database.translating_violations({}):
        await read_alone(database)


async def read_after_a_rolled_back_savepoint(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(ForeignTable):
            async with session.begin_nested():
                await session.execute(text(f"SELECT id FROM {FOREIGN}"))
        await session.execute(text(f"SELECT slug FROM {OWN}"))
        await session.execute(text(f"SELECT id FROM {FOREIGN}"))


def account() -> AccountRow:
    fields = ("username", "username_key", "email", "email_key", "password_hash", "session_epoch")
    return AccountRow(**dict.fromkeys(fields, "anna"))


async def add_to_session(database: Database) -> None:
    async with database.transaction() as session:
        session.add(account())


async def read_by_orm(database: Database) -> None:
    async with database.snapshot() as session:
        await session.execute(
            select(AccountRow.id).where(AccountRow.username == bindparam("name")), {"name": "x"}
        )


@pytest.mark.parametrize(
    "run",
    [
        read_in_snapshot,
        read_alone,
        write_many,
        read_in_savepoint,
        read_after_a_rolled_back_savepoint,
        add_to_session,
        read_by_orm,
    ],
)
async def test_every_way_to_execute_a_statement_is_refused(
    articles: Database, run: Callable[[Database], Awaitable[None]]
) -> None:
    with pytest.raises(ForeignTable, match=MESSAGE):
        await run(articles)


async def test_statement_that_its_owner_has_prepared_is_refused_to_others(
    articles: Database, composition: Composition
) -> None:
    read = prepare(select(column("id")).select_from(table(FOREIGN)))
    users: Database = composition.containers["users"].database()
    for _ in range(3):
        async with articles.snapshot():
            # A call of users, which joins the unit of work.
            assert await users.fetch_all(read) == []
            with pytest.raises(ForeignTable):
                await articles.fetch_all(read)


async def test_rows_of_two_modules_in_one_session_are_flushed_as_their_own(composition: Composition) -> None:
    names = ("users", "articles")
    users, articles = (composition.containers[name].database() for name in names)
    async with users.transaction() as session:
        session.add(account())
        async with articles.transaction():
            await articles.fetch_all(prepare(select(column("slug")).select_from(table(OWN))))
    assert len(await users.fetch_all(prepare(select(column("id")).select_from(table(FOREIGN))))) == 1


async def test_what_belongs_to_no_module_may_use_every_table(composition: Composition) -> None:
    async with composition.database.snapshot() as session:
        for name in (OWN, FOREIGN):
            assert (await session.execute(text(f"SELECT 1 FROM {name}"))).all() == []


async def move_to_schema(composition: Composition, module: str, database: str) -> None:
    """Move the tables of a module to a schema of its name, as docs/scale.md does."""
    [schema] = [each.schema for each in composition.modules if each.name == module]
    assert schema is not None
    async with composition.database.transaction() as session:
        await session.execute(text(f"CREATE SCHEMA {module}"))
        await session.execute(text(f"GRANT USAGE ON SCHEMA {module} TO PUBLIC"))
        for name in (*schema.metadata.tables, f"{module}_alembic_version"):
            await session.execute(text(f"ALTER TABLE {name} SET SCHEMA {module}"))
        await session.execute(text(f"ALTER DATABASE {database} SET search_path = public, {module}"))


@pytest.mark.slow
async def test_tables_of_a_module_may_be_in_a_schema_of_their_own_on_postgresql() -> None:
    with postgresql.new_database() as url:
        settings = settings_on(url)
        async with composed(settings) as composition:
            await migrate(composition.database, composition.migratable)
            await move_to_schema(composition, "articles", str(make_url(url).database))
        async with composed(settings) as composition:
            await require_compatible(composition.database, composition.migratable)
            assert await migrate(composition.database, composition.migratable) == []
            api = Api(create_application(settings, composition))
            await api.as_user("jake").publish("Dragons")
            articles = (await api.get("/articles")).json()["articles"]
            assert [article["slug"] for article in articles] == ["dragons"]
            with pytest.raises(ForeignTable):
                await read_alone(composition.containers["articles"].database())


@pytest.fixture
def roleless(tmp_path: Path) -> Module:
    """Return a module without a role on the server, which other processes share."""
    (tmp_path / "0001.py").write_text("revision, down_revision = '0001', None\ndef upgrade(): pass\n")
    return Module(
        name=f"roleless{os.getpid()}", container=ModuleContainer, schema=Schema(module_metadata(), tmp_path)
    )


@pytest.mark.slow
async def test_user_who_may_not_create_roles_is_told_so_on_postgresql(roleless: Module) -> None:
    with postgresql.new_database() as url:
        owner, user = Database(url, isolates_modules=False), f"plain_{make_url(url).database}"
        try:
            async with owner.transaction() as session:
                await session.execute(text(f"CREATE ROLE {user} NOLOGIN"))
                await session.execute(text(f"GRANT ALL ON SCHEMA public TO {user}"))
            database = Database(f"{url}&options=-c%20role%3D{user}")
            with pytest.raises(MigrationFailedError, match=r"^cannot create the roles of modules"):
                await migrate(database, [roleless])
            await database.dispose()
        finally:
            async with owner.transaction() as session:
                await session.execute(text(f"DROP OWNED BY {user}"))
                await session.execute(text(f"DROP ROLE {user}"))
            await owner.dispose()


@pytest.mark.slow
async def test_isolated_modules_need_usable_roles_on_postgresql(roleless: Module) -> None:
    with postgresql.new_database() as url:
        shared, isolated = Database(url, isolates_modules=False), Database(url)
        await migrate(shared, [roleless])
        await require_compatible(shared, [roleless])
        with pytest.raises(SchemaBehindError, match=f"role {role_of(roleless.name)} cannot be used; run: "):
            await require_compatible(isolated, [roleless])
        try:
            async with shared.transaction() as session:
                # As for another database of the server.
                await session.execute(text(f"CREATE ROLE {role_of(roleless.name)} NOLOGIN"))
            with pytest.raises(SchemaBehindError):
                await require_compatible(isolated, [roleless])
            await migrate(isolated, [roleless])
            await require_compatible(isolated, [roleless])
        finally:
            async with shared.transaction() as session:
                await session.execute(text(f"DROP OWNED BY {role_of(roleless.name)}"))
                await session.execute(text(f"DROP ROLE {role_of(roleless.name)}"))
        for database in (shared, isolated):
            await database.dispose()


@pytest.mark.slow
async def test_user_who_creates_the_roles_may_take_them_on_postgresql(roleless: Module) -> None:
    without_tables = Module(name=f"tableless{os.getpid()}", container=ModuleContainer)
    modules = [roleless, without_tables]
    with postgresql.new_database() as url:
        owner, user = Database(url, isolates_modules=False), f"creator_{make_url(url).database}"
        database = Database(make_url(url).set(username=user).render_as_string())
        try:
            async with owner.transaction() as session:
                await session.execute(text(f"CREATE ROLE {user} LOGIN CREATEROLE"))
                await session.execute(text(f"GRANT ALL ON SCHEMA public TO {user}"))
            await migrate(database, modules)
            await migrate(database, modules)
            await require_compatible(database, modules)
            for module in modules:
                one = prepare(select(literal_column("1")))
                assert await database.of(module.name).fetch_value(one) == 1
        finally:
            await database.dispose()
            async with owner.transaction() as session:
                for role in (*(role_of(module.name) for module in modules), user):
                    await session.execute(text(f"DROP OWNED BY {role}"))
                    await session.execute(text(f"DROP ROLE {role}"))
            await owner.dispose()


@pytest.fixture
async def in_memory() -> AsyncIterator[Database]:
    """Return a database with a table of two modules each, one of them a full-text index."""
    database = Database("sqlite+aiosqlite://")
    async with database.transaction() as session:
        await session.execute(text("CREATE VIRTUAL TABLE search_words USING fts5(word)"))
        await session.execute(text("CREATE TABLE articles_title (title TEXT)"))
    yield database
    await database.dispose()


async def test_full_text_index_may_be_written_when_another_module_begins_a_savepoint(
    in_memory: Database,
) -> None:
    search, articles = in_memory.of("search"), in_memory.of("articles")
    async with search.transaction() as session:
        await session.execute(text("INSERT INTO search_words VALUES ('one')"))
        async with articles.translating_violations({}), search.transaction():
            await session.execute(text("INSERT INTO search_words VALUES ('two')"))
        async with articles.transaction(), session.begin_nested():
            await session.execute(text("INSERT INTO articles_title VALUES ('three')"))
    async with in_memory.snapshot() as session:
        assert await session.scalar(text("SELECT count(*) FROM search_words WHERE word MATCH 'two'")) == 1


async def test_database_of_a_module_has_units_of_work_only(in_memory: Database) -> None:
    articles = in_memory.of("articles")
    assert (
        await articles.fetch_values(prepare(select(column("title")).select_from(table("articles_title"))))
        == []
    )
    for opened in (articles.connection(), articles.migration_connection()):
        with pytest.raises(RuntimeError, match="the database of articles has units of work only"):
            async with opened:
                pass
    with pytest.raises(RuntimeError, match="the database of articles cannot be that of users"):
        articles.of("users")
    # On the same connection, which has acted for articles.
    async with in_memory.migration_connection() as connection:
        await connection.execute(text("CREATE TABLE search_more (word TEXT)"))


async def test_row_that_was_added_before_a_caught_error_is_flushed_as_its_modules(
    composition: Composition,
) -> None:
    users, articles = (composition.containers[name].database() for name in ("users", "articles"))
    async with articles.transaction():
        with pytest.raises(LookupError):  # noqa: PT012 - what precedes the error is tested
            async with users.transaction() as session:
                session.add(account())
                raise LookupError
    assert len(await users.fetch_all(prepare(select(column("id")).select_from(table(FOREIGN))))) == 1
