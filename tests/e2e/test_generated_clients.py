"""Clients generated from the document of a Conduit that serves, by the commands in docs/frontends.md."""

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
MADE = ("node_modules", "dist", "conduit.d.ts", ".venv", "conduit_client")
ADDRESS = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 300


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the clients as they are committed."""
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "docs" / "clients", folder / "docs" / "clients", ignore=shutil.ignore_patterns(*MADE)
    )
    return folder


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell, as somebody does who pastes it."""
    return subprocess.run(
        ["sh", "-eu"],  # noqa: S607 - what a reader calls it in
        input=script,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def told(language: str, conduit: RunningServer) -> str:
    """Return the commands for this client in the guide, with the address of this Conduit."""
    blocks: list[str] = re.findall(
        r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    [commands] = [block for block in blocks if block.startswith(f"cd docs/clients/{language}\n")]
    return commands.replace(ADDRESS, conduit.url)


# What the document does not have, and what the compiler says of it.
MISTAKES = {
    ("page.articlesCount", "page.articleCount"): "'articleCount' does not exist",
    ('{ bio: "I train dragons." }', "{ bio: 7 }"): "'number' is not assignable to type 'string'",
    ("limit: 10", 'limit: "ten"'): "'string' is not assignable to type 'number'",
}


def test_the_typescript_client_completes_a_session_and_mistakes_do_not_compile(
    checkout: Path, conduit: RunningServer
) -> None:
    require_program("npm")
    followed = run(checkout, told("typescript", conduit))
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert "all as the document says" in followed.stdout

    file = checkout / "docs" / "clients" / "typescript" / "session.ts"
    session = file.read_text(encoding="utf-8")
    for right, wrong in MISTAKES:
        assert right in session
        session = session.replace(right, wrong)
    file.write_text(session, encoding="utf-8")
    compiled = run(file.parent, "npx --no-install tsc --noEmit")
    assert compiled.returncode != 0
    assert [said for said in MISTAKES.values() if said not in compiled.stdout] == []


def test_the_python_client_is_whole_and_typed_and_completes_a_session(
    checkout: Path, conduit: RunningServer
) -> None:
    followed = run(checkout, told("python", conduit))
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert "all as the document says" in followed.stdout
    # The generator warns of what it leaves out, and goes on.
    assert "Warning" not in followed.stdout + followed.stderr
    folder = checkout / "docs" / "clients" / "python"
    mypy = f"{sys.executable} -m mypy --strict --follow-imports silent"
    typed = run(folder, f"{mypy} --config-file= --python-executable .venv/bin/python session.py")
    assert typed.returncode == 0, typed.stdout
