"""The base of a change, in a git repository made for the test."""

import subprocess
from pathlib import Path

import pytest

from conduit_devtools.checks.base import Base, UnknownBase

NOTES, OTHER, NEW = Path("notes.py"), Path("folder/été.py"), Path("new file.py")


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Jake", "-c", "user.email=jake@example.com")
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)  # noqa: S603, S607


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose branch `topic` changes a file, deletes one and adds one."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "folder").mkdir()
    (tmp_path / NOTES).write_text("before\n")
    (tmp_path / OTHER).write_text("ö")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    git(tmp_path, "switch", "--quiet", "--create", "topic")
    (tmp_path / NOTES).write_text("after\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "Second")
    (tmp_path / OTHER).unlink()
    (tmp_path / NEW).write_text("new")
    return tmp_path


def test_default_is_the_merge_base_with_main(repository: Path) -> None:
    base = Base.find(repository)
    assert base.read([NOTES, NEW, Path("folder"), OTHER]) == {NOTES: "before\n", OTHER: "ö"}
    assert base.paths() == [OTHER, NOTES]
    assert base.paths(Path("folder")) == [OTHER]
    assert base.changed() == [OTHER, NEW, NOTES]


def test_default_on_main_is_the_commit_before(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--force-create", "main")
    assert Base.find(repository).read([NOTES]) == {NOTES: "before\n"}
    git(repository, "switch", "--quiet", "--force-create", "main", "HEAD^")
    assert Base.find(repository).read([NOTES]) == {NOTES: "before\n"}


def test_revision_may_be_named(repository: Path) -> None:
    base = Base.find(repository, "HEAD")
    assert base.read([NOTES]) == {NOTES: "after\n"}
    assert base.changed() == [OTHER, NEW]


@pytest.mark.parametrize("revision", ["nowhere", "--output=file", "HEAD:notes.py"])
def test_unknown_revision_is_refused(repository: Path, revision: str) -> None:
    with pytest.raises(UnknownBase):
        Base.find(repository, revision)


def test_folder_without_a_repository_or_main_branch_has_no_base(tmp_path: Path) -> None:
    with pytest.raises(UnknownBase, match="not the root of a git repository"):
        Base.find(tmp_path)
    git(tmp_path, "init", "--quiet", "--initial-branch", "other")
    with pytest.raises(UnknownBase, match="no merge base"):
        Base.find(tmp_path)
