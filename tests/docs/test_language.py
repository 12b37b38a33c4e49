"""The language of code and documentation: the words that were retired before 1.0 do not come back.

docs/glossary.md has the terms that are used instead. Spelling is checked by codespell (`make lint`).
"""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from conduit_app.cli import main

ROOT = Path(__file__).parents[2]
NAMES = Path(__file__).with_name("retired_names.txt")
"""Each retired name and the one that is used instead."""

PHRASES = {
    r"kept answers?|answers? that (last|are kept)|given again|worked out (anew|again)": "response cache",
    r"keyed requests?|sent again": "idempotency key, retried",
    r"yardsticks?": "baseline",
    r"switched (on|off)": "enabled, disabled",
    r"take(s|n)? up|took up|lets? go of|letting go": "claim, release, delete",
    r"[Ww]hoever|[Oo]ne who": "name the subject",
    r"\b(is|are|was|were|be|been) (told|asked|heard|held|kept)\b": "name the act",
    r"[Ff]avou?red (article|by)|[Ff]avour\w*|[Bb]ehaviour": "American spelling",
    r"the house\b|back door|front door": "the project, manifest, package root",
    r"planted breach(es)?": "seeded violation",
    r"(was asked for|were tried) too often|has changed since\b|is not one that this list gave": "RFC terms",
    r"the architecture holds|[Ll]ook after\b": "architecture check passed, operate",
    r"somebody else has taken|a delivery failed|nothing can be delivered": "docs/operations.md",
}
EVENTS_COMMANDS = ["list", "show", "retry", "purge"]
WITH_OLD_NAMES = [
    # What was renamed is listed, forwarded, migrated or hinted at there.
    "CHANGELOG.md",
    "conduit_app/settings.py",
    "conduit_app/testkit.py",
    "tests/app/test_settings.py",
    "tests/docs/",
    "tests/migrations/",
    "0003_names_before_1_0.py",
    "0002_names_before_1_0.py",
    # Not Conduit's own text.
    "tests/conformance/openapi.yml",
    "docs/clients/",
    "docs/frontend-example/vendor/",
    "modules/users/infrastructure/common_passwords.txt",
    "requirements/",
]


@cache
def texts() -> dict[str, str]:
    """Return every text file of the repository but those that have a reason to use an old name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git, of this checkout
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    names = [name for name in listed.split("\0") if name and not any(part in name for part in WITH_OLD_NAMES)]
    files = {name: ROOT / name for name in names if (ROOT / name).is_file()}
    return {name: text for name, file in files.items() if (text := _text(file)) is not None}


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def retired_names() -> dict[str, str]:
    """Return the retired names with the ones that are used instead."""
    return dict(line.split(" ", 1) for line in NAMES.read_text(encoding="utf-8").splitlines())


def found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield each line with a match, numbered."""
    for match in pattern.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        yield f"{number}: {match[0]!r}"


@cache
def programs_own_words() -> dict[str, str]:
    """Return what the program says of itself: every help text."""
    runner = CliRunner()
    commands = [
        [],
        *(
            [name]
            for name in ("serve", "migrate", "demo", "backup", "restore", "doctor", "modules", "events")
        ),
    ]
    commands += [["events", name] for name in ("list", "show", "retry", "purge")]
    commands += [[name] for name in ("openapi", "check", "new-module", "new-migration")]
    return {
        f"conduit {' '.join(command)} --help": runner.invoke(main, [*command, "--help"]).stdout
        for command in commands
    }


def test_no_file_has_a_retired_name() -> None:
    names = retired_names()
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])")
    problems = [
        f"{file}:{place} (now {names[place.split(chr(39))[1]]})"
        for file, text in texts().items()
        for place in found(pattern, text)
    ]
    assert problems == []


@pytest.mark.parametrize("phrase", PHRASES, ids=PHRASES.values())
def test_no_text_has_a_retired_phrase(phrase: str) -> None:
    pattern = re.compile(rf"\b({phrase})\b")
    everything = {**texts(), **programs_own_words()}
    problems = [f"{file}:{place}" for file, text in everything.items() for place in found(pattern, text)]
    assert problems == []


def test_the_openapi_document_has_no_retired_phrase(application: FastAPI) -> None:
    document = json.dumps(application.openapi(), ensure_ascii=False)
    pattern = re.compile("|".join(rf"\b({phrase})\b" for phrase in PHRASES))
    assert list(found(pattern, document)) == []
