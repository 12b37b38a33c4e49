"""The seeded violations of pure domains and contracts, and of suppressions."""

import re

from tests.architecture.violations import Violation

CONTRACTS = "modules/users/contracts.py"
DOMAIN = "modules/users/domain"
KERNEL = "modules/kernel/domain"
PLUGIN = "plugins/bookmarks/conduit_bookmarks/domain"


def seeded(name: str, place: str, code: str, rule: str = "pure-domain", message: str = "") -> Violation:
    """Return a violation in an existing file, or in a new one of a folder: those do not interfere."""
    file = place if place.endswith(".py") else f"{place}/{'_'.join(re.findall('[a-z]+', name))}.py"
    return Violation(name, file, f"\n{code}  # seeded\n", (rule,), messages=(message,) if message else ())


IMPURE_IMPORTS = [
    seeded("an HTTP client in domain", DOMAIN, "import httpx2"),
    seeded("an HTTP client in contracts", CONTRACTS, "import httpx2"),
    seeded("an HTTP client in a plugin's domain", PLUGIN, "import httpx2"),
    seeded("the environment", DOMAIN, "from os import environ"),
    seeded("the environment, imported in full", DOMAIN, "import os"),
    seeded("the clock of time", DOMAIN, "from time import time as now"),
    seeded("randomness", DOMAIN, "import random"),
    seeded("secrets", DOMAIN, "from secrets import token_hex"),
    seeded("random identifiers", DOMAIN, "from uuid import uuid4"),
    seeded("sockets", DOMAIN, "import socket"),
    seeded("subprocesses", DOMAIN, "import subprocess"),
    seeded("threads", DOMAIN, "import threading"),
    seeded("files", DOMAIN, "from pathlib import Path"),
    seeded("logging in domain", DOMAIN, "import logging"),
    seeded("logging in the kernel's domain", KERNEL, "import logging"),
    seeded("URLs that are opened", DOMAIN, "from urllib.request import urlopen"),
    seeded("a sleep", DOMAIN, "from asyncio import sleep"),
    seeded("context variables outside the kernel", DOMAIN, "from contextvars import ContextVar"),
    seeded("an imported function of imports", DOMAIN, "import importlib.util"),
    seeded("an import in a function of the domain", DOMAIN, "def host() -> None:\n    import platform"),
]

IMPURE_USES = [
    seeded("the current time", DOMAIN, "from datetime import datetime\n\nNOW = datetime.now()"),
    seeded("the current time, by an alias", DOMAIN, "from datetime import datetime as d\n\nNOW = d.now()"),
    seeded("the current time, by the module", DOMAIN, "import datetime as dt\n\nNOW = dt.datetime.utcnow()"),
    seeded("today", DOMAIN, "import datetime as dt\n\nTODAY = dt.date.today"),
    seeded("today, by a variable", DOMAIN, "from datetime import date\n\nDay = date\nTODAY = Day.today()"),
    seeded(
        "the current time, by getattr",
        DOMAIN,
        'from datetime import datetime as d\n\nNOW = getattr(d, "now")()',
    ),
    seeded(
        "the current time, by another module's import",
        DOMAIN,
        "from modules.kernel.domain import clock\n\nNOW = clock.datetime.now()",
    ),
    seeded("the current time in contracts", CONTRACTS, "import datetime\n\nLOADED = datetime.datetime.now()"),
    seeded("a random identifier", DOMAIN, "import uuid\n\nKEY = uuid.uuid4()"),
    seeded("a time-based identifier", DOMAIN, "import uuid as u\n\nKEY = u.uuid1()"),
    seeded("a sleep, by its module", DOMAIN, "import asyncio\n\nPAUSE = asyncio.sleep"),
    seeded("a file", DOMAIN, 'WORDS = open("words.txt")'),
    seeded("a printed line", DOMAIN, 'print("loaded")'),
    seeded("input", PLUGIN, "NAME = input()"),
    seeded("built-in functions by name", DOMAIN, 'READ = __builtins__["open"]'),
    seeded("a file in the kernel's domain", KERNEL, 'WORDS = open("words.txt")'),
]

FORM = "a suppression has the form: # conduit: allow RULE: reason"
SUPPRESSIONS = [
    seeded(f"a suppression, {name}", DOMAIN, f"LIMIT = 1  # conduit: {text}", "suppression", message)
    for name, text, message in (
        ("without a reason", "allow pure-domain", FORM),
        ("of every rule", "ignore", FORM),
        ("of an unknown rule", "allow pure-domains: a letter more", "there is no rule pure-domains"),
        (
            "of nothing",
            "allow pure-domain: once needed",
            "pure-domain has no finding here: remove the suppression",
        ),
        ("of suppressions", "allow suppression: no rule", "suppression cannot be suppressed"),
    )
]

INFRASTRUCTURE = "modules/articles/infrastructure"
STRINGS = [
    seeded(name, INFRASTRUCTURE, code, "raw-sql")
    for name, code in (
        ("a statement in lower case", 'ROWS = "select id from users_account"'),
        ("a statement after a comment", 'ROWS = "-- All.\\n  (SELECT id FROM users_account)"'),
        ("a part of a statement", 'ROWS = "JOIN users_account ON id = author_id"'),
        ("a bare name of a table", 'ROWS = "users_account"'),
        ("a quoted name with a schema", "ROWS = 'public.\"users_account\"'"),
        ("a name with an alias", 'ROWS = "users_account AS a"'),
        ("any text that is executed", 'ROWS = text("rows of users_account")'),
        ("a statement that is deleted", 'ROWS = "DELETE FROM users_account"'),
        ("a statement with a common table", 'ROWS = "with a as (select * from users_account) select 1"'),
    )
]

PURITY_VIOLATIONS = [*IMPURE_IMPORTS, *IMPURE_USES, *SUPPRESSIONS, *STRINGS]
