"""Clients generated from a server's OpenAPI document by the commands in docs/frontends.md."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import RunningServer, require_program

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "frontends.md"
GENERATED = ("node_modules", "dist", "conduit.d.ts", "client", ".venv", "conduit_client")
ADDRESS = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 300


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the committed files of the clients."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "docs" / "clients", folder / "docs" / "clients", ignore=shutil.ignore_patterns(*GENERATED)
    )
    return folder


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script as if pasted."""
    return subprocess.run(
        ["sh", "-eu"],  # noqa: S607 - as a reader would
        input=script,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def guide_commands(language: str, conduit: RunningServer) -> str:
    """Return the guide's commands for this client, with this server's URL."""
    blocks: list[str] = re.findall(
        r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    [commands] = [block for block in blocks if block.startswith(f"cd docs/clients/{language}\n")]
    return commands.replace(ADDRESS, conduit.url)


# Mistakes in the session, and the compiler's messages.
MISTAKES = {
    ("page.articlesCount", "page.articleCount"): "'articleCount' does not exist",
    ('{ bio: "I train dragons." }', "{ bio: 7 }"): "'number' is not assignable to type 'string'",
    ("limit: 10", 'limit: "ten"'): "'string' is not assignable to type 'number'",
}


def test_typescript_client_works_and_rejects_mistakes(checkout: Path, conduit: RunningServer) -> None:
    require_program("npm")
    completed = run(checkout, guide_commands("typescript", conduit))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "all as the document says" in completed.stdout

    file = checkout / "docs" / "clients" / "typescript" / "session.ts"
    session = file.read_text(encoding="utf-8")
    for right, wrong in MISTAKES:
        assert right in session
        session = session.replace(right, wrong)
    file.write_text(session, encoding="utf-8")
    compiled = run(file.parent, "npx --no-install tsc --noEmit")
    assert compiled.returncode != 0
    assert [message for message in MISTAKES.values() if message not in compiled.stdout] == []


def test_hey_api_client_works(checkout: Path, conduit: RunningServer) -> None:
    """Unlike openapi-fetch, it sends the token with the operations only whose security has the scheme."""
    require_program("npm")
    completed = run(checkout, guide_commands("hey-api", conduit))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "all as the document says" in completed.stdout


def test_python_client_works_and_is_typed(checkout: Path, conduit: RunningServer) -> None:
    completed = run(checkout, guide_commands("python", conduit))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "all as the document says" in completed.stdout
    # The generator warns about what it omits.
    assert "Warning" not in completed.stdout + completed.stderr
    folder = checkout / "docs" / "clients" / "python"
    mypy = f"{sys.executable} -m mypy --strict --follow-imports silent"
    typed = run(folder, f"{mypy} --config-file= --python-executable .venv/bin/python session.py")
    assert typed.returncode == 0, typed.stdout
