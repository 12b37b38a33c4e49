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
        "time and files in infrastructure",
        "modules/comments/infrastructure/comments.py",
        "\nimport time\nfrom pathlib import Path\n\nLOADED = time.time()\nWORDS = Path\n",
    ),
]


def test_legitimate_changes_are_not_reported(tree: CopiedTree) -> None:
    for change in LEGITIMATE:
        tree.append(change.file, change.code)
    assert tree.check() == []
