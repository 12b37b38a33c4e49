"""Revisions that conflict, and released ones that are edited or removed."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conduit_devtools.checks.against_base import check_against
from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import Finding
from conduit_devtools.checks.migration_files import check_conflicting_revisions
from conduit_devtools.checks.source import Checkout
from tests.architecture.test_base import git

FOLDER = Path("modules/notes/infrastructure/migrations")
FIRST, SECOND, THIRD = (FOLDER / name for name in ("0001_entries.py", "0002_articles.py", "0003_moods.py"))


def source(revision: str, follows: str | None) -> str:
    """Return the source of a revision."""
    return (
        '"""Add a column."""\n\nfrom alembic import op\n\n'
        f"revision = {revision!r}\ndown_revision = {follows!r}\n\n\n"
        'def upgrade() -> None:\n    """Add it."""\n    op.add_column("notes_entry", "mood")\n'
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a repository with two committed revisions of notes, on a branch."""
    for module in ("kernel", "notes"):
        folder = tmp_path / "modules" / module / "infrastructure" / "migrations"
        folder.mkdir(parents=True)
        (tmp_path / "modules" / module / "__init__.py").touch()
        (folder / "__init__.py").touch()
    (tmp_path / FIRST).write_text(source("0001", None))
    (tmp_path / SECOND).write_text(source("0002", "0001"))
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Release")
    return Checkout(tmp_path)


def replaced(old: str, new: str) -> Callable[[Path], None]:
    """Return a change of the second revision."""

    def change(root: Path) -> None:
        text = (root / SECOND).read_text()
        assert old in text
        (root / SECOND).write_text(text.replace(old, new))

    return change


def released(checkout: Checkout) -> Sequence[Finding]:
    return [
        finding
        for finding in check_against(checkout, Base.find(checkout.root))
        if finding.rule.id == "released-revision"
    ]


def add_third(root: Path, declared: str) -> None:
    """Add a revision with these declarations."""
    third = source("0003_7f2a", "0002").replace("\n\n\ndef", f"\n{declared}\n\n\ndef")
    (root / THIRD).write_text(third)


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ("", "has no phase"),
        ('phase = "contract"', "is a contract step without an expand_revision"),
        (
            'phase, expand_revision = "contract", "0004_11aa"',
            "contracts 0004_11aa, which is not released before it",
        ),
        (
            'phase, expand_revision = "contract", "0003_7f2a"',
            "contracts 0003_7f2a, which is not released before it",
        ),
    ],
)
def test_new_revision_declares_a_phase_and_a_released_expand_step(
    checkout: Checkout, declared: str, problem: str
) -> None:
    add_third(checkout.root, declared)
    [finding] = check_against(checkout, Base.find(checkout.root))
    assert (finding.rule.id, finding.file) == ("migration-phase", THIRD)
    assert finding.message == f"revision 0003_7f2a of notes {problem}"


@pytest.mark.parametrize("declared", ['phase = "expand"', 'phase, expand_revision = "contract", "0002"'])
def test_phases_of_releases_that_follow_each_other_are_allowed(checkout: Checkout, declared: str) -> None:
    add_third(checkout.root, declared)
    assert list(check_against(checkout, Base.find(checkout.root))) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (replaced('"mood"', '"moods"'), 11),
        (replaced("'0001'", "None"), 6),
        (replaced("import op", "import op as operations"), 3),
    ],
)
def test_edited_released_revision_is_reported(
    checkout: Checkout, change: Callable[[Path], None], line: int
) -> None:
    change(checkout.root)
    [finding] = released(checkout)
    assert (finding.file, finding.line) == (SECOND, line)
    assert finding.message == "released revision 0002_articles.py of notes was edited"


def test_removed_released_revision_is_reported(checkout: Checkout) -> None:
    (checkout.root / SECOND).unlink()
    [finding] = released(checkout)
    assert (finding.file, finding.message) == (
        SECOND,
        "released revision 0002_articles.py of notes was removed",
    )


def rename(root: Path) -> None:
    """Give the file of a revision another name."""
    (root / SECOND).rename(root / SECOND.with_name("0002_renamed.py"))


def edit_unreleased(root: Path) -> None:
    """Add a revision in a commit of the branch, and edit it."""
    git(root, "switch", "--quiet", "--create", "topic")
    (root / THIRD).write_text(source("0003", "0002"))
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Add moods")
    (root / THIRD).write_text(source("0003_7f2a", "0002"))


def remove_module(root: Path) -> None:
    """Remove the module."""
    shutil.rmtree(root / "modules" / "notes")


@pytest.mark.parametrize(
    "change",
    [
        replaced("Add a column", "Add the mood"),
        replaced("    op.", "    # Of the writer.\n    op."),
        replaced("'0002'", '"0002"'),
        replaced("from alembic import op", "from modules.kernel.infrastructure.moved import op"),
        rename,
        edit_unreleased,
        remove_module,
    ],
)
def test_change_without_effect_on_released_revisions_is_not_reported(
    checkout: Checkout, change: Callable[[Path], None]
) -> None:
    change(checkout.root)
    assert released(Checkout(checkout.root)) == []


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (
            {"0003_moods.py": ("0003", "0002"), "0003_tags.py": ("0003", "0002")},
            "0003_moods.py and 0003_tags.py are both revision 0003",
        ),
        (
            {"0003_7f2a_moods.py": ("0003_7f2a", "0002"), "0003_91bc_tags.py": ("0003_91bc", "0002")},
            "0003_7f2a_moods.py and 0003_91bc_tags.py are heads: no revision follows them",
        ),
    ],
)
def test_revisions_of_two_branches_conflict(
    checkout: Checkout, added: dict[str, tuple[str, str]], message: str
) -> None:
    for name, revision in added.items():
        (checkout.root / FOLDER / name).write_text(source(*revision))
    [finding] = check_conflicting_revisions(checkout)
    assert (finding.rule.id, finding.file) == ("conflicting-revisions", FOLDER / max(added))
    assert finding.message == f"conflicting migrations of notes: {message}"


def test_revisions_one_after_the_other_and_merged_heads_do_not_conflict(checkout: Checkout) -> None:
    (checkout.root / FOLDER / "0003_7f2a_moods.py").write_text(source("0003_7f2a", "0002"))
    assert list(check_conflicting_revisions(checkout)) == []
    (checkout.root / FOLDER / "0003_91bc_tags.py").write_text(source("0003_91bc", "0002"))
    merge = source("0004_0d1e", None).replace("None\n\n", "('0003_7f2a', '0003_91bc')\n\n")
    (checkout.root / FOLDER / "0004_0d1e_merge.py").write_text(merge)
    assert list(check_conflicting_revisions(checkout)) == []
