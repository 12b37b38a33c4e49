"""The seeded violations: each is in one file, on the line marked `# seeded`.

`rules` are exactly the rules that must report it: first the intended one, then those that the same
code violates too (a declared table of another module has a wrong prefix and a foreign table's name).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from modules.articles.contracts import CONTRACT_VERSION


@dataclass(frozen=True)
class Violation:
    """Code that violates a rule."""

    name: str
    file: str
    code: str
    """Appended to the file, or replaces `replaced`."""

    rules: tuple[str, ...]
    replaced: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Text to append to other files, which is no violation by itself."""

    messages: tuple[str, ...] = ()
    """The messages of the findings of the first rule, if they matter."""

    reported_in: str = ""
    """The file of the finding, if it is not `file`."""

    def interferes(self, other: "Violation") -> bool:
        """Return whether this violation could change the findings of the other one."""
        if {"importable", "merge-conflict"} & {*self.rules}:
            return True
        if not {self.file, *self.extra} & {other.file, *other.extra}:
            return False
        # import-linter reports only one of several imports with the same importer and imported module.
        imports = all(violation.code.lstrip().startswith(("import ", "from ")) for violation in (self, other))
        return bool(imports or self.replaced or self.extra or {*self.rules} & {*other.rules})


def independent_groups(violations: Iterable[Violation]) -> Sequence[Sequence[Violation]]:
    """Return the violations in few groups, so that none interferes with another of its group."""
    groups: list[list[Violation]] = []
    for violation in violations:
        for group in groups:
            if not any(violation.interferes(other) or other.interferes(violation) for other in group):
                group.append(violation)
                break
        else:
            groups.append([violation])
    return groups


def imports(name: str, file: str, statement: str, rule: str) -> Violation:
    """Return a violation by one import."""
    return Violation(name, file, f"\n{statement}  # seeded\n", (rule,))


USERS = "modules/users"
CONTRACTS = f"{USERS}/contracts.py"
DOMAIN = f"{USERS}/domain/service.py"
INFRASTRUCTURE = f"{USERS}/infrastructure/directory.py"
API = f"{USERS}/api/router.py"
CONTAINER = f"{USERS}/container.py"
DEMO = f"{USERS}/demo/people.py"
OPENAPI_PART = "modules/articles/openapi.json"
REVISION = "modules/articles/infrastructure/migrations/0001_articles.py"
TABLES = "modules/articles/infrastructure/tables.py"
READER = "modules/articles/infrastructure/reader.py"
ARTICLES = "modules/articles/contracts.py"

LAYERS = [
    imports("contracts → domain", CONTRACTS, "from modules.users.domain.account import Account", "layers"),
    imports("contracts → infrastructure", CONTRACTS, "import modules.users.infrastructure.tables", "layers"),
    imports("contracts → api", CONTRACTS, "from modules.users.api import schemas", "layers"),
    imports(
        "contracts → container", CONTRACTS, "from modules.users.container import UsersContainer", "layers"
    ),
    imports("contracts → module", CONTRACTS, "from modules.users.module import MODULE", "layers"),
    imports("domain → infrastructure", DOMAIN, "from modules.users.infrastructure import tables", "layers"),
    imports("domain → api", DOMAIN, "from modules.users.api.schemas import UserResponse", "layers"),
    imports("domain → container", DOMAIN, "from modules.users.container import UsersContainer", "layers"),
    imports("domain → module", DOMAIN, "from modules.users.module import MODULE", "layers"),
    imports("infrastructure → api", INFRASTRUCTURE, "from modules.users.api import schemas", "layers"),
    imports("infrastructure → container", INFRASTRUCTURE, "import modules.users.container", "layers"),
    imports("infrastructure → module", INFRASTRUCTURE, "from modules.users.module import MODULE", "layers"),
    imports("api → infrastructure", API, "from modules.users.infrastructure import tables", "layers"),
    imports("api → container", API, "from modules.users.container import UsersContainer", "layers"),
    imports("api → module", API, "from modules.users.module import MODULE", "layers"),
    imports("container → module", CONTAINER, "from modules.users.module import MODULE", "layers"),
    imports("domain → demo", DOMAIN, "from modules.users.demo.people import people", "layers"),
    imports(
        "infrastructure → demo", INFRASTRUCTURE, "from modules.users.demo.people import people", "layers"
    ),
    imports("api → demo", API, "from modules.users.demo.people import people", "layers"),
    imports("container → demo", CONTAINER, "from modules.users.demo.people import people", "layers"),
    imports("demo → container", DEMO, "from modules.users.container import UsersContainer", "layers"),
    imports("demo → module", DEMO, "from modules.users.module import MODULE", "layers"),
    imports("demo → api", DEMO, "from modules.users.api.schemas import UserResponse", "kernel-layers"),
    imports(
        "an imported contract → its domain",
        ARTICLES,
        "from modules.articles.domain.article import Article",
        "layers",
    ),
    Violation("an unknown layer", f"{USERS}/utils.py", "def shout(text: str) -> str: ...\n", ("layers",)),
    Violation(
        "an unknown layer, as a folder", f"{USERS}/services/__init__.py", '"""Services."""\n', ("layers",)
    ),
    Violation("a module's folder without __init__.py", "modules/votes/rules.py", "LIMIT = 1\n", ("layers",)),
    Violation("a folder without __init__.py", f"{USERS}/domain/more/rules.py", "LIMIT = 1\n", ("layers",)),
    Violation(
        "a revision that import-linter ignores",
        f"{USERS}/infrastructure/migrations/2026.01.py",
        "from modules.articles.domain import article\n",
        ("layers",),
    ),
    Violation("a file beside the modules", "modules/shared.py", "LIMIT = 1\n", ("layers",)),
    Violation(
        "a module without a manifest",
        "modules/votes/__init__.py",
        '"""Votes."""\n',
        ("layers",),
        extra={"CODEOWNERS": "modules/votes/ @conduit/votes\n"},
    ),
]

KERNEL = [
    imports(
        "kernel → a contract",
        "modules/kernel/domain/clock.py",
        "from modules.users.contracts import PublicUser",
        "kernel",
    ),
    imports(
        "kernel → internals",
        "modules/kernel/infrastructure/messaging/event_bus.py",
        "from modules.users.infrastructure.tables import AccountRow",
        "kernel",
    ),
    imports(
        "the kernel's domain → its infrastructure",
        "modules/kernel/domain/clock.py",
        "from modules.kernel.infrastructure.persistence.database import Database",
        "layers",
    ),
    imports(
        "domain → the kernel's infrastructure",
        DOMAIN,
        "from modules.kernel.infrastructure.persistence.database import Database",
        "kernel-layers",
    ),
    imports(
        "contracts → the kernel's manifest",
        CONTRACTS,
        "from modules.kernel.module import Module",
        "kernel-layers",
    ),
    imports(
        "api → the kernel's infrastructure",
        API,
        "from modules.kernel.infrastructure.persistence.database import Database",
        "kernel-layers",
    ),
    imports(
        "infrastructure → the kernel's api",
        INFRASTRUCTURE,
        "from modules.kernel.api.router import ModuleRouter",
        "kernel-layers",
    ),
    imports(
        "demo → the kernel's api",
        DEMO,
        "from modules.kernel.api.router import ModuleRouter",
        "kernel-layers",
    ),
    imports(
        "domain → the kernel's demo",
        DOMAIN,
        "from modules.kernel.demo.demo_random import DemoRandom",
        "kernel-layers",
    ),
    imports(
        "container → the kernel's demo",
        CONTAINER,
        "from modules.kernel.demo.demo_random import DemoRandom",
        "kernel-layers",
    ),
]

APPLICATION = [
    imports("module → application", DOMAIN, "from conduit_app.settings import Settings", "direction"),
    imports("manifest → application", f"{USERS}/module.py", "import conduit_app.discovery", "direction"),
    imports("kernel → application", "modules/kernel/module.py", "import conduit_app", "direction"),
    imports("module → developer tools", READER, "import conduit_devtools.testkit", "direction"),
    imports(
        "application → developer tools",
        "conduit_app/observability/probe.py",
        "from conduit_devtools.checks.source import Checkout",
        "direction",
    ),
    imports(
        "developer tools → domain",
        "conduit_devtools/testkit.py",
        "from modules.users.domain.account import Account",
        "manifest-only",
    ),
    Violation(
        "developer tools → a table, as a string",
        "conduit_devtools/commands.py",
        '\nSTATEMENT = "SELECT count(*) FROM users_account"  # seeded\n',
        ("raw-sql",),
    ),
    imports(
        "application → domain",
        "conduit_app/observability/health.py",
        "from modules.users.domain.account import Account",
        "manifest-only",
    ),
    imports(
        "application → infrastructure",
        "conduit_app/migrations/environment/env.py",
        "from modules.users.infrastructure.tables import SCHEMA",
        "manifest-only",
    ),
    imports(
        "application → demo",
        "conduit_app/observability/health.py",
        "from modules.users.demo.people import people",
        "manifest-only",
    ),
    imports(
        "application → contracts",
        "conduit_app/observability/health.py",
        "from modules.users.contracts import UserDirectory",
        "manifest-only",
    ),
    imports(
        "application → a package root",
        "conduit_app/observability/health.py",
        "import modules.users",
        "package-root",
    ),
    Violation(
        "application → internals, as a string",
        "conduit_app/observability/health.py",
        '\nACCOUNTS = "modules.users.domain.service"  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → internals, as an f-string",
        "conduit_app/observability/health.py",
        '\n\ndef tables(name: str) -> str:\n    return f"modules.{name}.infrastructure.tables"  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → internals, as a sum of strings",
        "conduit_app/observability/health.py",
        '\n\ndef tables(name: str) -> str:\n    return "modules." + name + ".infrastructure"  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → demo, as a string",
        "conduit_app/observability/health.py",
        '\nPEOPLE = "modules.users.demo.people"  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → a table, as a string",
        "conduit_app/observability/health.py",
        '\nSTATEMENT = "SELECT count(*) FROM users_account"  # seeded\n',
        ("raw-sql",),
    ),
]

IMPORT_FORMS = [
    imports("an import with an alias", READER, "import modules.users.domain.account as mine", "boundary"),
    imports("a whole package", READER, "from modules.users import domain", "boundary"),
    imports("a wildcard import", READER, "from modules.users.infrastructure.tables import *", "boundary"),
    imports("a relative import", READER, "from ...users.domain import account", "boundary"),
    imports("fakes outside tests", READER, "from modules.users import fakes", "boundary"),
    Violation(
        "an import in a function",
        READER,
        "\n\ndef late() -> object:\n    from modules.users.domain import account  # seeded\n",
        ("boundary",),
    ),
    Violation(
        "an import for types only",
        READER,
        "\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"
        "    from modules.users.domain.account import Account  # seeded\n",
        ("boundary",),
    ),
    Violation(
        "an import in a try statement",
        READER,
        "\ntry:\n    from modules.users.domain.account import Account  # seeded\n"
        "except ImportError:\n    Account = None\n",
        ("boundary",),
    ),
    Violation(
        "a package root that re-exports",
        READER,
        "\nfrom modules.users import Account  # seeded\n",
        ("package-root",),
        extra={f"{USERS}/__init__.py": "\nfrom modules.users.domain.account import Account\n"},
    ),
    imports("a wildcard import of a package root", READER, "from modules.users import *", "package-root"),
    imports("a package root from its parent", READER, "from modules import users", "package-root"),
    imports("the root of all modules", READER, "import modules", "package-root"),
    Violation(
        "internals as attributes of an imported package",
        "modules/profiles/infrastructure/follows.py",
        "\nimport modules.users.contracts\n\nAccount = modules.users.domain.account.Account  # seeded\n",
        ("boundary",),
    ),
    Violation(
        "a revision",
        REVISION,
        "\nfrom modules.users.infrastructure.tables import AccountRow  # seeded\n",
        ("boundary",),
    ),
    Violation(
        "a new module",
        "modules/votes/domain/vote.py",
        '"""A vote."""\n\nfrom modules.articles.domain.article import Article  # seeded\n',
        ("boundary",),
        extra={
            "CODEOWNERS": "modules/votes/ @conduit/votes\n",
            "modules/votes/__init__.py": '"""Votes."""\n',
            "modules/votes/module.py": '"""The manifest of votes."""\n',
            "modules/votes/domain/__init__.py": '"""The rules of votes."""\n',
        },
    ),
    imports(
        "a cycle of contracts",
        CONTRACTS,
        "from modules.articles.contracts import ArticleId",
        "no-cycles",
    ),
]

FRAMEWORKS = [
    imports("SQLAlchemy in domain", DOMAIN, "from sqlalchemy import select", "framework-free"),
    imports("FastAPI in domain", DOMAIN, "from fastapi import HTTPException", "framework-free"),
    imports("Pydantic in contracts", CONTRACTS, "from pydantic import BaseModel", "framework-free"),
    imports(
        "dependency-injector in domain", DOMAIN, "from dependency_injector import providers", "framework-free"
    ),
    imports("sqlite3 in domain", DOMAIN, "import sqlite3", "framework-free"),
    imports(
        "SQLAlchemy in the kernel's domain",
        "modules/kernel/domain/clock.py",
        "import sqlalchemy",
        "framework-free",
    ),
    imports("SQLAlchemy in demo", DEMO, "from sqlalchemy import insert", "framework-free"),
    imports("SQLAlchemy in api", API, "from sqlalchemy import select", "sqlalchemy-in-infrastructure"),
    imports(
        "SQLAlchemy in the container",
        CONTAINER,
        "from sqlalchemy import select",
        "sqlalchemy-in-infrastructure",
    ),
    imports("a driver in api", API, "import psycopg", "sqlalchemy-in-infrastructure"),
    imports(
        "SQLAlchemy in the application",
        "conduit_app/observability/health.py",
        "import sqlalchemy",
        "sqlalchemy-in-infrastructure",
    ),
    imports(
        "SQLAlchemy in the developer tools",
        "conduit_devtools/architecture/page.py",
        "import sqlalchemy",
        "sqlalchemy-in-infrastructure",
    ),
    imports("FastAPI in infrastructure", INFRASTRUCTURE, "from fastapi import Request", "fastapi-in-api"),
]

DYNAMIC_IMPORTS = [
    Violation(
        "importlib",
        READER,
        '\nimport importlib\n\naccounts = importlib.import_module("modules.users.domain")  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "importlib with an alias",
        READER,
        "\nfrom importlib import import_module as load  # seeded\n",
        ("dynamic-import",),
    ),
    Violation(
        "__import__",
        READER,
        '\naccounts = __import__("modules.users.domain", fromlist=["accounts"])  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "entry points",
        READER,
        '\nfrom importlib.metadata import entry_points\n\n[users] = entry_points(name="users")  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "sys.modules",
        READER,
        '\nimport sys\n\naccounts = sys.modules["modules." + "users.domain.accounts"]  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "sys.modules, imported from sys",
        READER,
        "\nfrom sys import modules as loaded  # seeded\n",
        ("dynamic-import",),
    ),
    Violation(
        "exec",
        READER,
        '\nexec("from modules.users" + ".domain import accounts")  # seeded\n',
        ("dynamic-import",),
    ),
    Violation(
        "subclasses of a base",
        READER,
        "\nfrom sqlalchemy.orm import DeclarativeBase\n\n"
        "bases = DeclarativeBase.__subclasses__()  # seeded\n",
        ("dynamic-import",),
    ),
    Violation(
        "importlib in the kernel",
        "modules/kernel/module.py",
        '\nimport importlib\n\nusers = importlib.import_module("users")  # seeded\n',
        ("dynamic-import",),
    ),
]

STORAGE = [
    Violation(
        "a table without prefix in models",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "vote"  # seeded\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n",
        ("table-prefix",),
    ),
    Violation(
        "a computed table name",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "_".join(["users", "vote"])  # seeded\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n",
        ("table-prefix",),
    ),
    Violation(
        "a table without prefix in a revision",
        REVISION,
        '\n\ndef votes() -> None:\n    op.create_table("vote", sa.Column("id", Identifier))  # seeded\n',
        ("table-prefix",),
    ),
    Violation(
        "a table renamed to a name without prefix",
        REVISION,
        '\n\ndef rename() -> None:\n    op.rename_table("articles_tag", "tag")  # seeded\n',
        ("table-prefix",),
    ),
    Violation(
        "another module's table, declared",
        READER,
        '\nfrom sqlalchemy import Table\n\naccounts = Table("users_account", META)  # seeded\n',
        ("table-prefix", "raw-sql"),
    ),
    Violation(
        "another module's table, as a lightweight table",
        READER,
        '\nfrom sqlalchemy import table\n\naccounts = table("users_account")  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "every table of the database",
        READER,
        "\nfrom sqlalchemy.ext.automap import automap_base\n\nEverything = automap_base()  # seeded\n",
        ("raw-sql",),
    ),
    Violation(
        "a foreign key to another module",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "articles_vote"\n'
        '    user: Mapped[int] = mapped_column(ForeignKey("users_account.id"), primary_key=True)  # seeded\n',
        ("foreign-key",),
    ),
    Violation(
        "a computed foreign key",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "articles_vote"\n'
        '    user: Mapped[int] = mapped_column(ForeignKey(f"{OTHER}.id"), primary_key=True)  # seeded\n',
        ("foreign-key",),
    ),
    Violation(
        "a foreign key constraint to another module",
        REVISION,
        '\nKEY = sa.ForeignKeyConstraint(("author_id",), ("users_account.id",))  # seeded\n',
        ("foreign-key",),
    ),
    Violation(
        "a foreign key added by a revision",
        REVISION,
        "\n\ndef bind() -> None:\n"
        '    op.create_foreign_key("", "articles_article", "users_account", ["author"], ["id"])  # seeded\n',
        ("foreign-key",),
    ),
    Violation(
        "a relationship to another module's row",
        TABLES,
        '\nfrom sqlalchemy.orm import relationship\n\nauthor = relationship("AccountRow")  # seeded\n',
        ("relationship",),
    ),
    Violation(
        "a relationship by its annotation",
        TABLES,
        "\nfrom sqlalchemy.orm import relationship\n\n\nclass VoteRow(Base):\n"
        '    __tablename__ = "articles_vote"\n'
        '    author: Mapped["AccountRow | None"] = relationship(viewonly=True)  # seeded\n',
        ("relationship",),
    ),
    Violation(
        "raw SQL in text()",
        READER,
        "\nfrom sqlalchemy import text\n\n"
        'NAMES = text("SELECT username FROM users_account WHERE id = :id")  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in capitals",
        READER,
        '\nNAMES = "SELECT USERNAME FROM USERS_ACCOUNT"  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in an f-string",
        READER,
        "\n\ndef name(user: int) -> str:\n"
        '    return f"SELECT username FROM users_account WHERE id = {user}"  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL as a sum of strings",
        READER,
        '\nNAMES = "SELECT username FROM users" + "_account"  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in a file",
        "modules/articles/infrastructure/names.sql",
        "SELECT username\nFROM users_account -- # seeded\n",
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in a revision",
        REVISION,
        '\n\ndef fill() -> None:\n    op.execute("UPDATE profiles_follow SET follower_id = 1")  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in the kernel",
        "modules/kernel/infrastructure/persistence/schema.py",
        '\nNAMES = "SELECT username FROM users_account"  # seeded\n',
        ("raw-sql",),
    ),
    Violation(
        "a repository that commits",
        READER,
        "\n\nasync def store(session: AsyncSession) -> None:\n    await session.commit()  # seeded\n",
        ("unit-of-work",),
        messages=("articles ends the transaction of its caller: session.commit()",),
    ),
    Violation(
        "a repository that rolls back in SQL",
        INFRASTRUCTURE,
        '\nUNDO = text("ROLLBACK;")  # seeded\n',
        ("unit-of-work",),
    ),
    Violation(
        "another module's migration table",
        READER,
        '\nREVISION = "SELECT version_num FROM users_alembic_version"  # seeded\n',
        ("raw-sql",),
    ),
]

# A new event of articles; `PUBLISHED` adds it to the manifest.
EVENT = "\n\n@dataclass(frozen=True, slots=True)\nclass ArticleMoved(Event):  # seeded\n    article_id: int\n"
PUBLISHED = {"modules/articles/module.py": "\nModule(publishes=[ArticleMoved])\n"}

FEEDS = "plugins/feeds/conduit_feeds/module.py"
FEEDS_VERSIONS = '    built_with={"articles": "1.0", "profiles": "1.0"},\n'

FEEDS_OUTDATED = f"feeds was built with contract 0.9 of articles, which is {CONTRACT_VERSION} here"

PLUGINS = [
    imports(
        "plugin → another module's domain",
        "plugins/bookmarks/conduit_bookmarks/domain/reading_list.py",
        "from modules.articles.domain.article import Article",
        "boundary",
    ),
    imports(
        "plugin → application",
        "plugins/bookmarks/conduit_bookmarks/infrastructure/bookmarks.py",
        "from conduit_app.settings import Settings",
        "direction",
    ),
    imports(
        "a plugin's domain → the kernel's demo",
        "plugins/bookmarks/conduit_bookmarks/domain/reading_list.py",
        "from modules.kernel.demo.demo_random import DemoRandom",
        "kernel-layers",
    ),
    imports(
        "plugin → developer tools",
        "plugins/bookmarks/conduit_bookmarks/infrastructure/tables.py",
        "import conduit_devtools.testkit",
        "direction",
    ),
    imports("module → plugin", DOMAIN, "import conduit_bookmarks.domain.reading_list", "boundary"),
    imports("module → a plugin's contracts", DOMAIN, "import conduit_bookmarks.contracts", "boundary"),
    Violation(
        "a plugin's SQL on another module's table",
        "plugins/bookmarks/conduit_bookmarks/infrastructure/bookmarks.py",
        '\nSLUGS = "SELECT slug FROM articles_article"  # seeded\n',
        ("raw-sql",),
    ),
]

FAKES = [
    imports(
        "fakes → domain", f"{USERS}/fakes.py", "from modules.users.domain.account import Account", "fakes"
    ),
    imports("domain → the kernel's fakes", DOMAIN, "from modules.kernel import fakes", "fakes"),
]

CONTRACT_RULES = [
    Violation(
        "an event that is not frozen",
        ARTICLES,
        EVENT.replace("frozen=True, ", ""),
        ("event-shape",),
        extra=PUBLISHED,
    ),
    Violation(
        "an event with a datetime",
        ARTICLES,
        EVENT.replace("  # seeded", "") + "    at: datetime  # seeded\n",
        ("event-shape",),
        extra=PUBLISHED,
    ),
    Violation(
        "an event with a quoted datetime",
        ARTICLES,
        EVENT.replace("  # seeded", "") + '    at: "datetime"  # seeded\n',
        ("event-shape",),
        extra=PUBLISHED,
    ),
    Violation(
        "an event whose aggregate is a collection",
        ARTICLES,
        EVENT.replace("  # seeded", "").replace("article_id: int", "article_ids: tuple[int, ...]  # seeded"),
        ("event-shape",),
        extra=PUBLISHED,
    ),
    Violation(
        "an event outside contracts",
        "modules/articles/domain/service.py",
        "\nfrom modules.kernel.domain.events import Event\n" + EVENT,
        ("event-shape",),
        extra=PUBLISHED,
    ),
    Violation(
        "an event derived from an alias of Event",
        "modules/articles/domain/service.py",
        "\nfrom modules.kernel.domain.events import Event as Fact\n" + EVENT.replace("(Event)", "(Fact)"),
        ("event-shape",),
        extra=PUBLISHED,
    ),
    Violation(
        "an event that the manifest does not publish",
        ARTICLES,
        EVENT.replace("ArticleMoved", "ArticleHidden"),
        ("event-shape",),
    ),
    Violation(
        "a contract without a version",
        CONTRACTS,
        "",
        ("contract-version",),
        replaced='CONTRACT_VERSION = "1.0"\n',
    ),
    Violation(
        "a plugin without the version of a contract",
        FEEDS,
        '    built_with={"articles": "1.0"},  # seeded\n',
        ("built-with",),
        replaced=FEEDS_VERSIONS,
        messages=("feeds imports the contract of profiles, but built_with has no version of it",),
    ),
    Violation(
        "a plugin with the version of a contract that it does not import",
        FEEDS,
        '    built_with={"articles": "1.0", "profiles": "1.0", "users": "1.0"},  # seeded\n',
        ("built-with",),
        replaced=FEEDS_VERSIONS,
        messages=("built_with names users, but feeds does not import its contract",),
    ),
    Violation(
        "a contract that takes a single id",
        CONTRACTS,
        "\n\nclass Finder(Protocol):\n    async def user(self, id: UserId) -> PublicUser: ...  # seeded\n",
        ("contract-takes-collections",),
    ),
    Violation(
        "a contract that takes an optional id",
        CONTRACTS,
        "\n\nclass Finder(Protocol):\n    async def user(self, who: UserId | None) -> None: ...  # seeded\n",
        ("contract-takes-collections",),
    ),
    Violation(
        "a contract that takes a single username",
        CONTRACTS,
        "\n\nclass Finder(Protocol):\n    async def named(self, username: str) -> None: ...  # seeded\n",
        ("contract-takes-collections",),
    ),
    Violation(
        "an abstract class that takes a single id",
        CONTRACTS,
        "\nfrom abc import ABC\n\n\nclass Finder(ABC):\n"
        '    async def user(self, *, who: "UserId") -> PublicUser: ...  # seeded\n',
        ("contract-takes-collections",),
    ),
]

THIRD_OF_COMMENTS = "modules/comments/infrastructure/migrations/0003_7f2a_seeded.py"


def revision(upgrade: str, downgrade: str = "pass", revision: str = "0003_7f2a") -> str:
    """Return the source of a third revision."""
    return (
        f'from alembic import op\n\nrevision, down_revision = "{revision}", "0002"\n\n\n'
        'def _name(*parts: str) -> str:\n    return "_".join(parts)\n\n\n'
        f"def upgrade() -> None:\n    {upgrade}\n\n\ndef downgrade() -> None:\n    {downgrade}\n"
    )


STATIC_VIOLATIONS = [
    *LAYERS,
    *KERNEL,
    *APPLICATION,
    *IMPORT_FORMS,
    *FRAMEWORKS,
    *DYNAMIC_IMPORTS,
    *STORAGE,
    *FAKES,
    *PLUGINS,
    *CONTRACT_RULES,
    Violation(
        "a module without an owner",
        "CODEOWNERS",
        "/modules/comments/  # seeded\n",
        ("codeowners",),
        replaced="/modules/comments/  @conduit/comments\n",
    ),
    Violation(
        "an owner that is not sorted",
        "CODEOWNERS",
        "/deploy/ @conduit/architecture  # seeded\n",
        ("codeowners-order",),
    ),
    Violation(
        "an owner that is listed twice",
        "CODEOWNERS",
        "/modules/users/     @conduit/users\n/modules/users/     @conduit/articles  # seeded\n",
        ("codeowners-order", "codeowners"),
        replaced="/modules/users/     @conduit/users\n",
    ),
    Violation(
        "conflict markers in the list of owners",
        "CODEOWNERS",
        "<<<<<<< HEAD  # seeded\n/deploy/ @conduit/articles\n=======\n>>>>>>> topic\n",
        ("merge-conflict",),
    ),
    Violation(
        "conflict markers in the import contracts",
        "importlinter.ini",
        "<<<<<<< HEAD  # seeded\n=======\n>>>>>>> topic\n",
        ("merge-conflict",),
    ),
    Violation(
        "conflict markers in the part of an OpenAPI document",
        OPENAPI_PART,
        '<<<<<<< HEAD # seeded\n  "paths": {\n=======\n  "paths": {\n>>>>>>> topic\n',
        ("merge-conflict",),
        replaced='  "paths": {\n',
    ),
    Violation(
        "two revisions with one id",
        THIRD_OF_COMMENTS,
        revision("pass"),
        ("conflicting-revisions",),
        extra={THIRD_OF_COMMENTS.replace("seeded", "other"): revision("pass")},
    ),
    Violation("a syntax error", DOMAIN, "\ndef broken(:  # seeded\n", ("importable",)),
]


ROUTER = "modules/articles/api/router.py"
SCHEMAS = "modules/articles/api/schemas.py"
# A statement of the revision's upgrade.
FIRST_INDEX = '    op.create_index("ix_articles_article_created_at_id"'

RUNTIME_VIOLATIONS = [
    Violation(
        "a column without a migration",
        "modules/comments/infrastructure/tables.py",
        "    body: Mapped[str]\n    mood: Mapped[str]  # seeded\n",
        ("models-and-migrations",),
        replaced="    body: Mapped[str]\n",
        messages=("missing migration of comments: add column comments_comment mood",),
    ),
    Violation(
        "a stored count without a check",
        "modules/comments/infrastructure/tables.py",
        "    body: Mapped[str]\n    replies: Mapped[int]  # seeded\n",
        ("unchecked-column", "models-and-migrations"),
        replaced="    body: Mapped[str]\n",
        messages=("comments_comment.replies of comments is in no consistency check",),
    ),
    Violation(
        "an id in a primary key without a check",
        "modules/profiles/infrastructure/tables.py",
        "    group_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # seeded\n"
        "    follower_id: Mapped[int]",
        ("unchecked-column", "models-and-migrations"),
        replaced="    follower_id: Mapped[int]",
        messages=("profiles_follow.group_id of profiles is in no consistency check",),
    ),
    Violation(
        "a computed table name in a revision",
        REVISION,
        '    vote = sa.Column("id", sa.Integer(), primary_key=True)\n'
        f'    op.create_table("_".join(["vote", "count"]), vote)  # seeded\n{FIRST_INDEX}',
        # Its downgrade leaves the table, so that it cannot run again.
        ("table-prefix", "reversible-migration"),
        replaced=FIRST_INDEX,
        messages=("table vote_count of articles is not named articles_…",),
    ),
    Violation(
        "a revision that drops another module's table by a computed name",
        THIRD_OF_COMMENTS,
        revision("op.execute(f\"DROP TABLE {_name('articles', 'article')}\")  # seeded"),
        ("migration-boundary", "models-and-migrations"),
        messages=("comments changes articles_article, a table of articles",),
    ),
    Violation(
        "a revision with a trigger on another module's rows",
        THIRD_OF_COMMENTS,
        revision(
            'op.execute(f"CREATE TRIGGER comments_gone AFTER DELETE ON comments_comment "  # seeded\n'
            "               f\"BEGIN DELETE FROM {_name('users', 'account')}; END\")",
            'op.execute("DROP TRIGGER comments_gone")',
        ),
        ("migration-boundary",),
        messages=("comments changes users_account, a table of users, in comments_gone",),
    ),
    Violation(
        "a revision with a view of another module's rows",
        THIRD_OF_COMMENTS,
        revision(
            "op.execute(f\"CREATE VIEW comments_of AS SELECT * FROM {_name('users', 'account')}\")  # seeded",
            'op.execute("DROP VIEW comments_of")',
        ),
        ("migration-boundary",),
        messages=("comments reads users_account, a table of users, in comments_of",),
    ),
    Violation(
        "a downgrade that does nothing",
        "modules/comments/infrastructure/migrations/0002_authors.py",
        "def downgrade() -> None:  # seeded\n    pass\n\n\ndef _unused() -> None:\n",
        ("reversible-migration",),
        replaced="def downgrade() -> None:\n",
    ),
    Violation(
        "a relationship through an alias",
        TABLES,
        "\n\nfrom sqlalchemy.orm import relationship as related\n\n"
        'ArticleRow.author = related("AccountRow")\n',
        ("importable",),
        reported_in="modules/articles/module.py",
    ),
    Violation(
        "a revision that fails",
        REVISION,
        f'    op.drop_table("articles_unknown")  # seeded\n{FIRST_INDEX}',
        ("importable",),
        replaced=FIRST_INDEX,
    ),
    Violation(
        "a renamed path",
        ROUTER,
        '@router.get("/labels",',
        ("openapi", "architecture-docs"),
        replaced='@router.get("/tags",',
        messages=("breaking: /api/tags: path removed", "addition: /api/labels: path added"),
        reported_in=OPENAPI_PART,
    ),
    Violation(
        "a new route",
        ROUTER,
        '@router.get("/labels", operation_id="GetLabels")\n    @router.get("/tags",',
        ("openapi", "architecture-docs"),
        replaced='@router.get("/tags",',
        messages=("addition: /api/labels: path added",),
        reported_in=OPENAPI_PART,
    ),
    Violation(
        "a removed field of a response",
        SCHEMAS,
        "",
        ("openapi",),
        replaced="    articles: list[ArticlePreview]\n",
        messages=(
            "breaking: GET /api/articles response 200.articles: field removed",
            "breaking: GET /api/articles/feed response 200.articles: field removed",
        ),
        reported_in=OPENAPI_PART,
    ),
    Violation(
        "a narrower type in a request",
        "modules/comments/api/schemas.py",
        "    body: int\n",
        ("openapi",),
        replaced="    body: Annotated[CommentBody, ValueObject(CommentBody)]\n",
        messages=("breaking: POST /api/articles/{slug}/comments body.comment.body: type changed",),
        reported_in="modules/comments/openapi.json",
    ),
    Violation(
        "a list without a limit in a request",
        SCHEMAS,
        "    mentions: list[Annotated[Tag, ValueObject(Tag)]] = Field(default_factory=list)  # seeded\n\n"
        "    def changes(",
        ("request-bounds", "openapi"),
        replaced="    def changes(",
        messages=("UpdateArticle.mentions has no maxItems",),
    ),
    Violation(
        "an operation that writes without authentication",
        "modules/comments/api/router.py",
        """        operation_id="DeleteArticleComment",  # seeded
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 404, 422),
    )
    async def delete(slug: PathText, id: Identifier, editor_id: Viewer) -> None:""",
        ("authentication", "openapi"),
        replaced="""        operation_id="DeleteArticleComment",
        status_code=HTTPStatus.NO_CONTENT,
        responses=error_responses(401, 403, 404, 422),
    )
    async def delete(slug: PathText, id: Identifier, editor_id: CurrentUser) -> None:""",
        messages=("DELETE /api/articles/{slug}/comments/{id} requires no authentication",),
    ),
    Violation(
        "an exception for an operation that requires authentication",
        "modules/users/module.py",
        '    unauthenticated={"PUT /api/user": "none",  # seeded\n',
        ("authentication",),
        replaced="    unauthenticated={",
        messages=("PUT /api/user is named as unauthenticated, but there is no such operation",),
    ),
    Violation(
        "an operation without its exception",
        "modules/users/module.py",
        "    unauthenticated={",
        ("authentication",),
        replaced='    unauthenticated={"POST /api/users": "registration", ',
        messages=("POST /api/users requires no authentication",),
        reported_in="modules/users/api/router.py",
    ),
    Violation(
        "a plugin that was built with another version of a contract",
        FEEDS,
        '    built_with={"articles": "0.9", "profiles": "1.0"},\n',
        ("importable",),
        replaced=FEEDS_VERSIONS,
        messages=(f"CompositionError: {FEEDS_OUTDATED}",),
        reported_in="modules/articles/module.py",
    ),
    Violation(
        "a plugin that replaces a schema",
        "plugins/bookmarks/conduit_bookmarks/api/schemas.py",
        "class MultipleArticlesResponse(ResponseModel):  # seeded\n",
        ("plugin-openapi",),
        replaced="class BookmarkArticlesResponse(ResponseModel):\n",
        extra={
            "plugins/bookmarks/conduit_bookmarks/api/schemas.py": (
                "\n\nBookmarkArticlesResponse = MultipleArticlesResponse\n"
            )
        },
    ),
    Violation(
        "an outdated diagram",
        "docs/architecture.md",
        "    comments[comments, votes]  # seeded\n",
        ("architecture-docs",),
        replaced="    comments\n",
    ),
    Violation(
        "a module that cannot be imported",
        "modules/profiles/domain/service.py",
        "\nRATIO = 1 / 0  # seeded\n",
        ("importable",),
    ),
    Violation(
        "a contract without a provider",
        "modules/profiles/module.py",
        "",
        ("importable",),
        replaced='    offers={ProfileReader: "reader"},\n',
        messages=("CompositionError: articles needs ProfileReader, which no module offers",),
        reported_in="modules/articles/module.py",
    ),
]
