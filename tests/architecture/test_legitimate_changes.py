"""Changes that break no rule are not reported: each resembles a violation."""

from dataclasses import dataclass

import pytest

from tests.architecture.copied_tree import CopiedTree

pytestmark = pytest.mark.slow

DOMAIN = "modules/comments/domain"


@dataclass(frozen=True)
class Change:
    """Code that is appended to a file, or is a new one."""

    name: str
    file: str
    code: str


def in_domain(name: str, code: str) -> Change:
    """Return a new file of a domain."""
    return Change(name, f"{DOMAIN}/{name.replace(' ', '_')}.py", f'"""For a test."""\n\n{code}\n')


LEGITIMATE = [
    in_domain(
        "times that are computed",
        "from datetime import UTC, datetime, timedelta\n\n"
        "EPOCH = datetime(1970, 1, 1, tzinfo=UTC)\nPARSED = datetime.fromisoformat('2026-01-01')\n"
        "AGE = PARSED.replace(tzinfo=UTC) - EPOCH + timedelta(days=1)",
    ),
    in_domain(
        "the clock as a port",
        "from datetime import datetime\n\nfrom modules.kernel.domain.clock import Clock\n\n\n"
        "def now(clock: Clock) -> datetime:\n    return clock.now()",
    ),
    in_domain(
        "a name like that of a function",
        "class Shop:\n    open = True\n\n    def print(self) -> bool:\n        return self.open",
    ),
    in_domain(
        "hashes", "import hashlib\nimport hmac\n\nEMPTY = hmac.new(b'', b'', hashlib.sha256).hexdigest()"
    ),
    in_domain("URLs that are parsed", "from urllib.parse import urlsplit\n\nPATH = urlsplit('/tags').path"),
    in_domain(
        "identifiers that are parsed", "import uuid\n\nKEY = uuid.UUID(int=0)\nNAMED = uuid.uuid5(KEY, 'x')"
    ),
    in_domain(
        "limits on concurrency", "import asyncio\n\nSLOTS = asyncio.Semaphore(2)\nWORK = asyncio.to_thread"
    ),
    in_domain(
        "an exception with a reason",
        "import random  # conduit: allow pure-domain: a game of chance, whose rule is the randomness\n\n"
        "DIE = random.randint",
    ),
    Change(
        "a contract of immutable types",
        "modules/profiles/contracts.py",
        "\n\n@view_class\nclass Badge:\n    holder_id: UserId\n    names: tuple[str, ...]\n    points: int\n"
        "    max_length: int\n\n    def __eq__(self, other: object) -> bool:\n        return self is other\n"
        "\n\nclass BadgeReader(Protocol):\n"
        "    async def badges(self, ids: Collection[UserId]) -> Mapping[UserId, Badge]: ...\n"
        "    async def points(self, ids: Collection[UserId]) -> Mapping[UserId, int]: ...\n",
    ),
    Change(
        "classes of a contract without fields",
        "modules/users/contracts.py",
        "\nfrom enum import Enum\n\n\nclass UserBusy(Exception):\n    subject: str\n\n\n"
        'class Role(Enum):\n    AUTHOR = "author"\n\n\nROLES = frozenset({Role.AUTHOR})\nMOST = min(1, 2)\n',
    ),
    in_domain(
        "a slot that is used by its contract",
        "from typing import Any, cast\n\nfrom modules.articles.contracts import ArticleDirectory\n\n\n"
        "class Reader:\n    def __init__(self, articles: ArticleDirectory, rows: Any) -> None:\n"
        "        self._articles = articles\n        self._rows = rows\n\n"
        "    async def first(self, slug: str) -> object:\n        directory = self._articles\n"
        "        await directory.lock({slug})\n        rows = getattr(self._rows, 'rows', None)\n"
        "        return cast(Any, rows) or await self._articles.ids({slug})",
    ),
    in_domain(
        "a port that is a part of a contract",
        "from collections.abc import Collection, Mapping\nfrom typing import Protocol\n\n"
        "from modules.articles.contracts import ArticleDirectory, ArticleId\n\n\n"
        "class Ids(Protocol):\n"
        "    async def ids(self, slugs: Collection[str]) -> Mapping[str, ArticleId]: ...\n"
        "\n\nclass Finder:\n    def __init__(self, ids: Ids) -> None:\n        self.rows = ids\n\n\n"
        "def finder(articles: ArticleDirectory) -> Finder:\n    return Finder(articles)",
    ),
    in_domain(
        "an own class that is changed",
        "class Limits:\n    most = 1\n\n\nLimits.most = 2\nsetattr(Limits, 'least', 1)\n"
        "TABLE = dict(a=1)\nTABLE['b'] = 2",
    ),
    Change(
        "messages and keys that name a table",
        "modules/articles/infrastructure/messages.py",
        '"""For a test."""\n\nimport structlog\n\nlogger = structlog.get_logger()\n'
        'logger.info("rows missing from users_account", table="users_account")\n'
        'ROWS = {"users_account": 1}\nCOUNT = ROWS["users_account"]\n'
        'HINT = "the table users_account is written by users only"\n'
        'UPDATED = "update of users_account is delayed"\n'
        'ERROR = RuntimeError("select another row: users_account has none")\n',
    ),
    Change("a comment in SQL", "modules/articles/infrastructure/rows.sql", "SELECT 1 -- not users_account\n"),
    Change(
        "an optional filter of a contract",
        "modules/comments/contracts.py",
        "\nfrom typing import Protocol\n\nfrom modules.kernel.domain.identity import UserId\n\n\n"
        "class CommentCounter(Protocol):\n"
        "    async def count(self, author_id: UserId | None = None) -> int: ...\n"
        "    async def newest(self, *, author_id: UserId | None = None) -> int: ...\n",
    ),
    Change(
        "time and files in infrastructure",
        "modules/comments/infrastructure/comments.py",
        "\nimport time\nfrom pathlib import Path\n\nLOADED = time.time()\nWORDS = Path\n",
    ),
]


def test_legitimate_changes_are_not_reported(tree: CopiedTree) -> None:
    for change in LEGITIMATE:
        tree.append(change.file, change.code)
    assert tree.check() == []
