"""The breaches that are planted: each in one file, on the line that says `# breach`.

`rules` are all that must be found, and nothing else: first the rule that is broken, then those that
are broken with it because one mistake is two (a table of another module's that is named by hand is
neither one's own by name nor one's own to read).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Violation:
    """One mistake that somebody could make."""

    name: str
    file: str
    code: str
    """Added to the file, or put in the place of `instead_of`."""

    rules: tuple[str, ...]
    instead_of: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    """What else is added to files, and is no breach by itself."""

    told: tuple[str, ...] = ()
    """What the findings of the first rule say, where it matters."""

    found_in: str = ""
    """Where the breach is found when that is not where it is made."""

    def hides(self, other: "Violation") -> bool:
        """Return whether it could change what is found of the other one."""
        if "importable" in self.rules:
            return True
        if not {self.file, *self.beside} & {other.file, *other.beside}:
            return False
        # import-linter shows one way into what is closed, whichever of two imports opens it.
        imports = all(one.code.lstrip().startswith(("import ", "from ")) for one in (self, other))
        return bool(imports or self.instead_of or self.beside or {*self.rules} & {*other.rules})


def apart(breaches: Iterable[Violation]) -> Sequence[Sequence[Violation]]:
    """Return the breaches in as few groups as it takes for none to hide another of its group.

    Those of one file break different rules, and are added to it; what makes a file unreadable hides all.
    """
    groups: list[list[Violation]] = []
    for breach in breaches:
        for group in groups:
            if not any(breach.hides(other) or other.hides(breach) for other in group):
                group.append(breach)
                break
        else:
            groups.append([breach])
    return groups


def imports(name: str, file: str, statement: str, rule: str) -> Violation:
    """Return the breach that is one import."""
    return Violation(name, file, f"\n{statement}  # breach\n", (rule,))


USERS = "modules/users"
CONTRACTS = f"{USERS}/contracts.py"
DOMAIN = f"{USERS}/domain/accounts.py"
INFRASTRUCTURE = f"{USERS}/infrastructure/directory.py"
API = f"{USERS}/api/router.py"
CONTAINER = f"{USERS}/container.py"
DEMO = f"{USERS}/demo/people.py"
REVISION = "modules/articles/infrastructure/migrations/0001_articles.py"
TABLES = "modules/articles/infrastructure/tables.py"
READER = "modules/articles/infrastructure/reader.py"
ARTICLES = "modules/articles/contracts.py"

ROOMS = [
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
        "a contract that others import → its domain",
        ARTICLES,
        "from modules.articles.domain.article import Article",
        "layers",
    ),
    Violation("a room that is none", f"{USERS}/utils.py", "def shout(text: str) -> str: ...\n", ("layers",)),
    Violation(
        "a room that is none, as a folder", f"{USERS}/services/__init__.py", '"""Services."""\n', ("layers",)
    ),
    Violation("a module's folder without __init__.py", "modules/votes/rules.py", "LIMIT = 1\n", ("layers",)),
    Violation("a folder without __init__.py", f"{USERS}/domain/more/rules.py", "LIMIT = 1\n", ("layers",)),
    Violation(
        "a revision that import-linter passes over",
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
        beside={"CODEOWNERS": "/modules/votes/ @conduit/votes\n"},
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
        "from modules.kernel.api.routing import ModuleRouter",
        "kernel-layers",
    ),
    imports(
        "domain → the kernel's demo",
        DOMAIN,
        "from modules.kernel.demo.demo_random import Chance",
        "kernel-layers",
    ),
    imports(
        "container → the kernel's demo",
        CONTAINER,
        "from modules.kernel.demo.demo_random import Chance",
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
        "developer tools → a table, as text",
        "conduit_devtools/commands.py",
        '\nSTATEMENT = "SELECT count(*) FROM users_account"  # breach\n',
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
        "application → internals, as text",
        "conduit_app/observability/health.py",
        '\nACCOUNTS = "modules.users.domain.service"  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → internals, as text with a hole",
        "conduit_app/observability/health.py",
        '\n\ndef tables(name: str) -> str:\n    return f"modules.{name}.infrastructure.tables"  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → internals, as text in parts",
        "conduit_app/observability/health.py",
        '\n\ndef tables(name: str) -> str:\n    return "modules." + name + ".infrastructure"  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "application → a table, as text",
        "conduit_app/observability/health.py",
        '\nSTATEMENT = "SELECT count(*) FROM users_account"  # breach\n',
        ("raw-sql",),
    ),
]

WAYS_IN = [
    imports(
        "an import under another name", READER, "import modules.users.domain.account as mine", "boundary"
    ),
    imports("a whole package", READER, "from modules.users import domain", "boundary"),
    imports("a star", READER, "from modules.users.infrastructure.tables import *", "boundary"),
    imports("a relative import", READER, "from ...users.domain import account", "boundary"),
    imports("fakes outside of tests", READER, "from modules.users import fakes", "boundary"),
    Violation(
        "an import in a function",
        READER,
        "\n\ndef late() -> object:\n    from modules.users.domain import account  # breach\n",
        ("boundary",),
    ),
    Violation(
        "an import for types only",
        READER,
        "\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"
        "    from modules.users.domain.account import Account  # breach\n",
        ("boundary",),
    ),
    Violation(
        "an import that may fail",
        READER,
        "\ntry:\n    from modules.users.domain.account import Account  # breach\n"
        "except ImportError:\n    Account = None\n",
        ("boundary",),
    ),
    Violation(
        "a package root that re-exports",
        READER,
        "\nfrom modules.users import Account  # breach\n",
        ("package-root",),
        beside={f"{USERS}/__init__.py": "\nfrom modules.users.domain.account import Account\n"},
    ),
    imports("a star of a package root", READER, "from modules.users import *", "package-root"),
    imports("a package root from its parent", READER, "from modules import users", "package-root"),
    imports("the root of all modules", READER, "import modules", "package-root"),
    Violation(
        "internals read off an imported package",
        "modules/profiles/infrastructure/follows.py",
        "\nimport modules.users.contracts\n\nAccount = modules.users.domain.account.Account  # breach\n",
        ("boundary",),
    ),
    Violation(
        "a revision",
        REVISION,
        "\nfrom modules.users.infrastructure.tables import AccountRow  # breach\n",
        ("boundary",),
    ),
    Violation(
        "a new module, of which no contract has heard",
        "modules/votes/domain/vote.py",
        '"""A vote."""\n\nfrom modules.articles.domain.article import Article  # breach\n',
        ("boundary",),
        beside={
            "CODEOWNERS": "/modules/votes/ @conduit/votes\n",
            "modules/votes/__init__.py": '"""Votes."""\n',
            "modules/votes/module.py": '"""The manifest of votes."""\n',
            "modules/votes/domain/__init__.py": '"""The rules of votes."""\n',
        },
    ),
    imports(
        "a circle through contracts",
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

BY_NAME = [
    Violation(
        "importlib",
        READER,
        '\nimport importlib\n\naccounts = importlib.import_module("modules.users.domain")  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "importlib under another name",
        READER,
        "\nfrom importlib import import_module as load  # breach\n",
        ("dynamic-import",),
    ),
    Violation(
        "__import__",
        READER,
        '\naccounts = __import__("modules.users.domain", fromlist=["accounts"])  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "entry points",
        READER,
        '\nfrom importlib.metadata import entry_points\n\n[users] = entry_points(name="users")  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "sys.modules",
        READER,
        '\nimport sys\n\naccounts = sys.modules["modules." + "users.domain.accounts"]  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "sys.modules, taken out of sys",
        READER,
        "\nfrom sys import modules as loaded  # breach\n",
        ("dynamic-import",),
    ),
    Violation(
        "exec",
        READER,
        '\nexec("from modules.users" + ".domain import accounts")  # breach\n',
        ("dynamic-import",),
    ),
    Violation(
        "whatever inherits from a base",
        READER,
        "\nfrom sqlalchemy.orm import DeclarativeBase\n\n"
        "bases = DeclarativeBase.__subclasses__()  # breach\n",
        ("dynamic-import",),
    ),
    Violation(
        "importlib in the kernel",
        "modules/kernel/module.py",
        '\nimport importlib\n\nusers = importlib.import_module("users")  # breach\n',
        ("dynamic-import",),
    ),
]

STORAGE = [
    Violation(
        "a table without prefix in models",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "vote"  # breach\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n",
        ("table-prefix",),
    ),
    Violation(
        "a table named by an expression",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "_".join(["users", "vote"])  # breach\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n",
        ("table-prefix",),
    ),
    Violation(
        "a table without prefix in a revision",
        REVISION,
        '\n\ndef votes() -> None:\n    op.create_table("vote", sa.Column("id", Identifier))  # breach\n',
        ("table-prefix",),
    ),
    Violation(
        "a table renamed to one without prefix",
        REVISION,
        '\n\ndef rename() -> None:\n    op.rename_table("articles_tag", "tag")  # breach\n',
        ("table-prefix",),
    ),
    Violation(
        "another module's table as one's own",
        READER,
        '\nfrom sqlalchemy import Table\n\naccounts = Table("users_account", META)  # breach\n',
        ("table-prefix", "raw-sql"),
    ),
    Violation(
        "another module's table, lightly",
        READER,
        '\nfrom sqlalchemy import table\n\naccounts = table("users_account")  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "every table there is",
        READER,
        "\nfrom sqlalchemy.ext.automap import automap_base\n\nEverything = automap_base()  # breach\n",
        ("raw-sql",),
    ),
    Violation(
        "a foreign key to another module",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "articles_vote"\n'
        '    user: Mapped[int] = mapped_column(ForeignKey("users_account.id"), primary_key=True)  # breach\n',
        ("foreign-key",),
    ),
    Violation(
        "a foreign key by an expression",
        TABLES,
        '\n\nclass VoteRow(Base):\n    __tablename__ = "articles_vote"\n'
        '    user: Mapped[int] = mapped_column(ForeignKey(f"{OTHER}.id"), primary_key=True)  # breach\n',
        ("foreign-key",),
    ),
    Violation(
        "a foreign key constraint to another module",
        REVISION,
        '\nKEY = sa.ForeignKeyConstraint(("author_id",), ("users_account.id",))  # breach\n',
        ("foreign-key",),
    ),
    Violation(
        "a foreign key added by a revision",
        REVISION,
        "\n\ndef bind() -> None:\n"
        '    op.create_foreign_key("", "articles_article", "users_account", ["author"], ["id"])  # breach\n',
        ("foreign-key",),
    ),
    Violation(
        "a relationship to another module's row",
        TABLES,
        '\nfrom sqlalchemy.orm import relationship\n\nauthor = relationship("AccountRow")  # breach\n',
        ("relationship",),
    ),
    Violation(
        "a relationship by its annotation",
        TABLES,
        "\nfrom sqlalchemy.orm import relationship\n\n\nclass VoteRow(Base):\n"
        '    __tablename__ = "articles_vote"\n'
        '    author: Mapped["AccountRow | None"] = relationship(viewonly=True)  # breach\n',
        ("relationship",),
    ),
    Violation(
        "raw SQL in text()",
        READER,
        "\nfrom sqlalchemy import text\n\n"
        'NAMES = text("SELECT username FROM users_account WHERE id = :id")  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in capitals",
        READER,
        '\nNAMES = "SELECT USERNAME FROM USERS_ACCOUNT"  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in an f-string",
        READER,
        "\n\ndef name(user: int) -> str:\n"
        '    return f"SELECT username FROM users_account WHERE id = {user}"  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in parts",
        READER,
        '\nNAMES = "SELECT username FROM users" + "_account"  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in a file of its own",
        "modules/articles/infrastructure/names.sql",
        "SELECT username\nFROM users_account -- # breach\n",
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in a revision",
        REVISION,
        '\n\ndef fill() -> None:\n    op.execute("UPDATE profiles_follow SET follower_id = 1")  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "raw SQL in the kernel",
        "modules/kernel/infrastructure/persistence/schema.py",
        '\nNAMES = "SELECT username FROM users_account"  # breach\n',
        ("raw-sql",),
    ),
    Violation(
        "another module's migrations",
        READER,
        '\nREVISION = "SELECT version_num FROM users_alembic_version"  # breach\n',
        ("raw-sql",),
    ),
]

# A new event of articles, published and in the snapshot, but for what is wrong with it.
EVENT = "\n\n@dataclass(frozen=True, slots=True)\nclass ArticleMoved(Event):  # breach\n    article_id: int\n"
DELETED = (
    "class ArticleDeleted(Event):\n"
    '    """An article is gone; whoever keeps something about it lets go of it."""\n\n    article_id: int\n'
)
PUBLISHED = {"modules/articles/module.py": "\nModule(publishes=[ArticleMoved])\n"}

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
        "from modules.kernel.demo.demo_random import Chance",
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
        '\nSLUGS = "SELECT slug FROM articles_article"  # breach\n',
        ("raw-sql",),
    ),
]

FAKES = [
    imports(
        "fakes → domain", f"{USERS}/fakes.py", "from modules.users.domain.account import Account", "fakes"
    ),
    imports("domain → the kernel's fakes", DOMAIN, "from modules.kernel import fakes", "fakes"),
]

PROMISES = [
    Violation(
        "an event that is not frozen",
        ARTICLES,
        EVENT.replace("frozen=True, ", ""),
        ("event-shape", "event-schema"),
        beside=PUBLISHED,
    ),
    Violation(
        "an event with a moment",
        ARTICLES,
        EVENT.replace("  # breach", "") + "    at: datetime  # breach\n",
        ("event-shape", "event-schema"),
        beside=PUBLISHED,
    ),
    Violation(
        "an event with a moment in quotes",
        ARTICLES,
        EVENT.replace("  # breach", "") + '    at: "datetime"  # breach\n',
        ("event-shape", "event-schema"),
        beside=PUBLISHED,
    ),
    Violation(
        "an event outside of contracts",
        "modules/articles/domain/service.py",
        "\nfrom modules.kernel.domain.events import Event\n" + EVENT,
        ("event-shape",),
        beside=PUBLISHED,
    ),
    Violation(
        "an event by another name of Event",
        "modules/articles/domain/service.py",
        "\nfrom modules.kernel.domain.events import Event as Fact\n" + EVENT.replace("(Event)", "(Fact)"),
        ("event-shape",),
        beside=PUBLISHED,
    ),
    Violation(
        "an event that the manifest hides",
        ARTICLES,
        EVENT.replace("ArticleMoved", "ArticleHidden"),
        ("event-shape", "event-schema"),
    ),
    Violation("an event without a snapshot", ARTICLES, EVENT, ("event-schema",), beside=PUBLISHED),
    Violation(
        "an event with a new field",
        ARTICLES,
        "class ArticleDeleted(Event):  # breach\n    slug: str\n",
        ("event-schema",),
        instead_of="class ArticleDeleted(Event):\n",
    ),
    Violation(
        "an event with a field of another type",
        ARTICLES,
        DELETED.replace("Event):", "Event):  # breach").replace("int", "str"),
        ("event-schema",),
        instead_of=DELETED,
    ),
    Violation(
        "a contract that takes one id",
        CONTRACTS,
        "\n\nclass Finder(Protocol):\n    async def user(self, id: UserId) -> PublicUser: ...  # breach\n",
        ("contract-takes-collections",),
    ),
    Violation(
        "a contract that takes one id or none",
        CONTRACTS,
        "\n\nclass Finder(Protocol):\n    async def user(self, who: UserId | None) -> None: ...  # breach\n",
        ("contract-takes-collections",),
    ),
    Violation(
        "a contract that takes one username",
        CONTRACTS,
        "\n\nclass Finder(Protocol):\n    async def named(self, username: str) -> None: ...  # breach\n",
        ("contract-takes-collections",),
    ),
    Violation(
        "an abstract class that takes one id",
        CONTRACTS,
        "\nfrom abc import ABC\n\n\nclass Finder(ABC):\n"
        '    async def user(self, *, who: "UserId") -> PublicUser: ...  # breach\n',
        ("contract-takes-collections",),
    ),
]

EVERY_SOURCE_BREACH = [
    *ROOMS,
    *KERNEL,
    *APPLICATION,
    *WAYS_IN,
    *FRAMEWORKS,
    *BY_NAME,
    *STORAGE,
    *FAKES,
    *PLUGINS,
    *PROMISES,
    Violation(
        "a module without an owner",
        "CODEOWNERS",
        "/modules/comments/  # breach\n",
        ("codeowners",),
        instead_of="/modules/comments/  @conduit/comments\n",
    ),
    Violation("a file that is no Python", DOMAIN, "\ndef broken(:  # breach\n", ("importable",)),
]


ROUTER = "modules/articles/api/router.py"
SCHEMAS = "modules/articles/api/schemas.py"
DOCUMENT = "docs/openapi.json"

EVERY_RUNNING_BREACH = [
    Violation(
        "a column without a migration",
        "modules/comments/infrastructure/tables.py",
        "    body: Mapped[str]\n    mood: Mapped[str]  # breach\n",
        ("models-and-migrations",),
        instead_of="    body: Mapped[str]\n",
        told=("no migration of comments does this: add column comments_comment mood",),
    ),
    Violation(
        "a table that a revision names by an expression",
        REVISION,
        '    vote = sa.Column("id", sa.Integer(), primary_key=True)\n'
        '    op.create_table("_".join(["vote", "count"]), vote)  # breach\n'
        '    _create_of_article("tag",',
        ("table-prefix",),
        instead_of='    _create_of_article("tag",',
        told=("table vote_count of articles is not named articles_…",),
    ),
    Violation(
        "a relationship by another name of relationship",
        TABLES,
        "\n\nfrom sqlalchemy.orm import relationship as related\n\n"
        'ArticleRow.author = related("AccountRow")\n',
        ("importable",),
        found_in="modules/articles/module.py",
    ),
    Violation(
        "a revision that fails",
        REVISION,
        '    op.drop_table("articles_elsewhere")  # breach\n    _create_of_article("tag",',
        ("importable",),
        instead_of='    _create_of_article("tag",',
    ),
    Violation(
        "a path that moved",
        ROUTER,
        '@router.get("/labels",',
        ("openapi", "architecture-docs"),
        instead_of='@router.get("/tags",',
        told=("breaking: /api/tags: path removed", "addition: /api/labels: path added"),
        found_in=DOCUMENT,
    ),
    Violation(
        "a route that is new",
        ROUTER,
        '@router.get("/labels", operation_id="GetLabels")\n    @router.get("/tags",',
        ("openapi", "architecture-docs"),
        instead_of='@router.get("/tags",',
        told=("addition: /api/labels: path added",),
        found_in=DOCUMENT,
    ),
    Violation(
        "a field that is gone from an answer",
        SCHEMAS,
        '    """A page of articles, newest first, and how many there are on all pages."""\n',
        ("openapi",),
        instead_of='    """A page of articles, newest first, and how many there are on all pages."""\n\n'
        "    articles: list[ArticlePreview]\n",
        told=(
            "breaking: GET /api/articles answer 200.articles: field removed",
            "breaking: GET /api/articles/feed answer 200.articles: field removed",
        ),
        found_in=DOCUMENT,
    ),
    Violation(
        "a narrower type of what is sent",
        "modules/comments/api/schemas.py",
        "    body: int\n",
        ("openapi",),
        instead_of="    body: Annotated[Text, ValueObject(Text)]\n",
        told=("breaking: POST /api/articles/{slug}/comments body.comment.body: type changed",),
        found_in=DOCUMENT,
    ),
    Violation(
        "a plugin that renames a schema of others",
        "plugins/bookmarks/conduit_bookmarks/api/schemas.py",
        "class MultipleArticlesResponse(ResponseModel):  # breach\n",
        ("plugin-openapi",),
        instead_of="class BookmarkArticlesResponse(ResponseModel):\n",
        beside={
            "plugins/bookmarks/conduit_bookmarks/api/schemas.py": (
                "\n\nBookmarkArticlesResponse = MultipleArticlesResponse\n"
            )
        },
    ),
    Violation(
        "a picture that is out of date",
        "docs/architecture.md",
        "    comments[comments, votes]  # breach\n",
        ("architecture-docs",),
        instead_of="    comments\n",
    ),
    Violation(
        "a module that cannot be imported",
        "modules/profiles/domain/service.py",
        "\nRATIO = 1 / 0  # breach\n",
        ("importable",),
    ),
    Violation(
        "a contract that nobody offers",
        "modules/profiles/module.py",
        "",
        ("importable",),
        instead_of='    offers={ProfileReader: "reader"},\n',
        told=("CompositionError: articles needs ProfileReader, which no module offers",),
        found_in="modules/articles/module.py",
    ),
]
