"""The session in README.md: its commands, run in order, return the responses that it shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.client import Json
from tests.program import TIMEOUT_SECONDS, require_program, served

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "http://127.0.0.1:8000"
STEP = re.compile(r"^```sh\n(.*?)^```\n(?:\n```json\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SHOWN_TOKEN_LENGTH = 20


def test_session_in_readme_returns_the_responses_it_shows(tmp_path: Path, migrated: Path) -> None:
    require_program("curl")
    _, _, session = README.read_text(encoding="utf-8").partition("\n## A session\n")
    steps = STEP.findall(session.partition("\n## ")[0])
    # One shell runs all steps, and prints NUL after each.
    script = "".join(f"{commands}printf '\\000'\n" for commands, _ in steps)
    (tmp_path / "var").mkdir()
    shutil.copy(migrated, tmp_path / "var" / "conduit.db")
    with served(tmp_path) as conduit:
        output = subprocess.run(
            ["sh", "-eu"],  # noqa: S607 - the reader's shell
            input=script.replace(ADDRESS, conduit.url),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        ).stdout.split("\0")
    expected = [json.loads(response) if response else None for _, response in steps]
    assert sum(response is not None for response in expected) == 6
    responses = [json.loads(text, object_hook=abbreviated) if text else None for text in output[:-1]]
    assert responses == [without_times(response) for response in expected]


def abbreviated(values: Json) -> Any:
    """Return an object of a response as the README shows it, with short tokens."""
    if "token" in values:
        values["token"] = f"{values['token'][:SHOWN_TOKEN_LENGTH]}…"
    return without_times(values)


def without_times(value: Any) -> Any:
    """Return the value with all times replaced."""
    if isinstance(value, dict):
        return {name: without_times(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_times(inner) for inner in value]
    return TIME.sub("TIME", value) if isinstance(value, str) else value
