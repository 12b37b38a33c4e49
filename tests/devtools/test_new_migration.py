"""`conduit new-migration` writes the next revision of a module, with an id that no other branch has."""

import re
from pathlib import Path

import pytest

from conduit_app.migrations.errors import InvalidRevisionError
from conduit_app.migrations.new_revision import write_revision
from conduit_app.migrations.revision_files import conflict, heads, revision_files
from tests.program import conduit

FIRST = 'revision, down_revision = "0001", None\n\n\ndef upgrade():\n    pass\n'


def test_revision_follows_the_last_one_and_has_a_unique_part(tmp_path: Path) -> None:
    (tmp_path / "0001_entries.py").write_text(FIRST, encoding="utf-8")
    written = [write_revision(tmp_path, message) for message in ("Add moods", "Add colors.")]
    files = {file.path: file for file in revision_files(tmp_path)}
    second, third = (files[path] for path in written)
    assert re.fullmatch(r"0002_[0-9a-f]{4}", second.revision)
    assert re.fullmatch(r"0003_[0-9a-f]{4}", third.revision)
    assert [path.name.partition("_")[2][5:] for path in written] == ["add_moods.py", "add_colors.py"]
    assert (second.follows, third.follows) == ({"0001"}, {second.revision})
    assert written[1].read_text(encoding="utf-8").startswith('"""Add colors."""\n')


def test_revisions_of_two_branches_have_different_ids_and_are_two_heads(tmp_path: Path) -> None:
    texts = {}
    for branch in ("a", "b"):
        (tmp_path / branch).mkdir()
        (tmp_path / branch / "0001_entries.py").write_text(FIRST, encoding="utf-8")
        path = write_revision(tmp_path / branch, f"Add {branch}")
        texts[path.name] = path.read_text(encoding="utf-8")
    for name, text in texts.items():
        (tmp_path / "a" / name).write_text(text, encoding="utf-8")
    merged = revision_files(tmp_path / "a")
    assert {file.path.name for file in heads(merged)} == set(texts)
    assert conflict(merged) is not None
    with pytest.raises(InvalidRevisionError, match=" are heads"):
        write_revision(tmp_path / "a", "Add c")


def test_folder_without_a_module_is_refused(tmp_path: Path) -> None:
    completed = conduit(tmp_path, "new-migration", "notes", "Add moods")
    assert completed.returncode == 1
    assert completed.stderr.startswith(
        f"conduit: {tmp_path.name} is neither a checkout of Conduit nor a plugin"
    )


def test_revision_is_written_in_the_folder_of_a_plugin(tmp_path: Path) -> None:
    migrations = tmp_path / "conduit_notes" / "infrastructure" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "0001_entries.py").write_text(FIRST, encoding="utf-8")
    (tmp_path / "conduit_notes" / "module.py").touch()
    project = """
        [project]
        name = "conduit-notes"
        [project.entry-points."conduit.modules"]
        notes = "conduit_notes.module:MODULE"
    """
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    completed = conduit(tmp_path, "new-migration", "notes", "Add moods")
    [written] = migrations.glob("0002_*_add_moods.py")
    assert completed.stdout == f"wrote {written.relative_to(tmp_path)}\n", completed.stderr
    unknown = conduit(tmp_path, "new-migration", "tags", "Add moods")
    assert (unknown.returncode, unknown.stderr) == (1, "conduit: there is no module tags in this folder\n")
