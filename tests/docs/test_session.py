"""The session in README.md: every command as written, every answer as it is shown."""

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
SHOWN_OF_A_TOKEN = 20


def test_the_session_goes_as_it_is_told(tmp_path: Path, migrated: Path) -> None:
    require_program("curl")
    _, _, session = README.read_text(encoding="utf-8").partition("\n## A session\n")
    steps = STEP.findall(session.partition("\n## ")[0])
    # One shell for all of them, which tells where each has ended.
    script = "".join(f"{commands}printf '\\000'\n" for commands, _ in steps)
    (tmp_path / "var").mkdir()
    shutil.copy(migrated, tmp_path / "var" / "conduit.db")
    with served(tmp_path) as conduit:
        said = subprocess.run(
            ["sh", "-eu"],  # noqa: S607 - what a reader calls it in
            input=script.replace(ADDRESS, conduit.url),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        ).stdout.split("\0")
    shown = [json.loads(answer) if answer else None for _, answer in steps]
    assert sum(answer is not None for answer in shown) == 6
    told = [json.loads(answer, object_hook=abbreviated) if answer else None for answer in said[:-1]]
    assert told == [dated(answer) for answer in shown]


def abbreviated(values: Json) -> Any:
    """Return an object of an answer as the README shows it."""
    if "token" in values:
        values["token"] = f"{values['token'][:SHOWN_OF_A_TOKEN]}…"
    return dated(values)


def dated(value: Any) -> Any:
    """Return the value with the same time wherever there is one."""
    if isinstance(value, dict):
        return {name: dated(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [dated(inner) for inner in value]
    return TIME.sub("then", value) if isinstance(value, str) else value
