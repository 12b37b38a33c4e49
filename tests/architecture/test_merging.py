"""Two teams each change their own module on a branch, and git merges the branches."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.architecture.copied_tree import FULL_CHECK, ROOT, CopiedTree

# Neighbors in every list that is sorted by name, and in the order of the composition.
TEAMS = ("aardvarks", "abacuses")

ROUTE = """
    @router.get("/{name}/count", operation_id="Count{camel}", responses=error_responses(401, 422))
    async def count(owner_id: CurrentUser) -> JsonResponse[{camel}EntriesResponse]:
        \"\"\"Return no entries.\"\"\"
        return {camel}EntriesResponse.respond(entries=[])

    return router
"""
MIGRATION = """\"\"\"Index entries by time.\"\"\"

from alembic import op

revision = "0002"
down_revision = "0001"
phase = "expand"


def upgrade() -> None:
    \"\"\"Create the index.\"\"\"
    op.create_index("ix_{name}_entry_created_at", "{name}_entry", ["created_at"])


def downgrade() -> None:
    \"\"\"Drop the index.\"\"\"
    op.drop_index("ix_{name}_entry_created_at", "{name}_entry")
"""
CONTRACTS = """\"\"\"The contracts of {name}.\"\"\"

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from modules.kernel.domain.events import Event
from modules.kernel.domain.identity import UserId

CONTRACT_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class {camel}Added(Event):
    \"\"\"An entry was created.\"\"\"

    entry_id: int


@runtime_checkable
class {camel}Directory(Protocol):
    \"\"\"Reads entries.\"\"\"

    async def counts(self, owner_ids: Collection[UserId]) -> Mapping[UserId, int]:
        \"\"\"Return the number of entries of each owner.\"\"\"
        ...
"""
COUNTS = """
    async def counts(self, owner_ids: Collection[UserId]) -> Mapping[UserId, int]:
        return dict.fromkeys(owner_ids, 0)

    async def delete_by_owner("""


DRIVER = re.compile(r'^git config (merge\.generated\.driver) "(.+)"$', re.MULTILINE)


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Jake", "-c", "user.email=jake@example.com")
    command = ["git", *identity, *arguments]
    completed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def conduit(tree: CopiedTree, *arguments: str) -> str:
    completed = tree.run("-m", "conduit_app.cli", *arguments)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


@pytest.fixture
def repository(pristine: CopiedTree, tmp_path: Path) -> CopiedTree:
    """Return a repository with a generated module of each team."""
    # Not linked to another copy: `new-module` writes files in place.
    tree = replace(pristine, root=tmp_path / "repository")
    shutil.copytree(pristine.root, tree.root)
    (tree.root / "tests").mkdir()
    for name in TEAMS:
        conduit(tree, "new-module", name)
    (tree.root / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    git(tree.root, "init", "--quiet", "--initial-branch", "main")
    git(tree.root, "add", ".")
    git(tree.root, "commit", "--quiet", "--message", "Generate the modules")
    return tree


def add_route_migration_event_and_contract(tree: CopiedTree, name: str) -> None:
    """Extend a generated module as its team would."""
    module, camel = f"modules/{name}", name.capitalize()
    texts = {"name": name, "camel": camel}
    tree.replace(f"{module}/api/router.py", "\n    return router\n", ROUTE.format(**texts))
    tree.append(f"{module}/infrastructure/migrations/0002_times.py", MIGRATION.format(**texts))
    tables = f"{module}/infrastructure/tables.py"
    tree.replace(tables, '        {"sqlite_', '        Index(None, "created_at"),\n        {"sqlite_')
    tree.remove(f"{module}/contracts.py")
    tree.append(f"{module}/contracts.py", CONTRACTS.format(**texts))
    repository = f"{module}/infrastructure/entries.py"
    tree.replace(repository, "import Sequence", "import Collection, Mapping, Sequence")
    tree.replace(repository, "\n    async def delete_by_owner(", COUNTS)
    manifest = f"{module}/module.py"
    tree.replace(
        manifest,
        "    routers=",
        f'    offers={{{camel}Directory: "repository"}},\n    publishes=[{camel}Added],\n    routers=',
    )
    tree.replace(
        manifest,
        "from modules.kernel",
        f"from modules.{name}.contracts import {camel}Added, {camel}Directory\nfrom modules.kernel",
    )


@pytest.mark.slow
def test_two_teams_merge_a_route_migration_event_and_contract_each(repository: CopiedTree) -> None:
    base = git(repository.root, "rev-parse", "HEAD").strip()
    for name in TEAMS:
        git(repository.root, "switch", "--quiet", "--create", name, base)
        add_route_migration_event_and_contract(repository, name)
        conduit(repository, "check", "--update")
        git(repository.root, "add", ".")
        changed = git(repository.root, "diff", "--cached", "--name-only").splitlines()
        assert {"openapi.json", "contracts.py"} <= {Path(path).name for path in changed}
        assert [path for path in changed if not path.startswith(f"modules/{name}/")] == []
        git(repository.root, "commit", "--quiet", "--message", "Extend the module")
    git(repository.root, "merge", "--quiet", "--no-edit", TEAMS[0])
    completed = repository.run(*FULL_CHECK)
    assert completed.returncode == 0, completed.stdout


def merged(root: Path, file: str) -> tuple[int, str]:
    """Change the first line of a file on two branches; return the exit code and text of the merge."""
    lines = [f"{number}\n" for number in range(9)]
    path = root / file
    path.parent.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch", "main")
    shutil.copy(ROOT / ".gitattributes", root)
    texts = {"main": lines, "theirs": ["theirs\n", *lines[1:8], "new\n"], "ours": ["ours\n", *lines[1:]]}
    for branch, text in texts.items():
        if branch != "main":
            git(root, "switch", "--quiet", "--create", branch, "main")
        path.write_text("".join(text), encoding="utf-8")
        git(root, "add", ".")
        git(root, "commit", "--quiet", "--message", branch)
    [(name, driver)] = DRIVER.findall((ROOT / "docs" / "platform-teams.md").read_text(encoding="utf-8"))
    git(root, "config", name, driver)
    # The branch `ours` is checked out.
    command = ["git", "merge", "--no-commit", "theirs"]
    merge = subprocess.run(command, cwd=root, capture_output=True, check=False)  # noqa: S603
    return merge.returncode, path.read_text(encoding="utf-8")


def test_documented_merge_driver_resolves_conflicts_in_generated_files(tmp_path: Path) -> None:
    assert merged(tmp_path, "modules/notes/openapi.json") == (0, "ours\n1\n2\n3\n4\n5\n6\n7\nnew\n")


def test_documented_merge_driver_leaves_conflicts_in_source_files(tmp_path: Path) -> None:
    exit_code, text = merged(tmp_path, "modules/notes/module.py")
    assert (exit_code, "<<<<<<<" in text) == (1, True)


def test_owners_that_two_branches_add_are_kept(tmp_path: Path) -> None:
    assert merged(tmp_path, "modules/CODEOWNERS") == (0, "ours\ntheirs\n1\n2\n3\n4\n5\n6\n7\nnew\n")
