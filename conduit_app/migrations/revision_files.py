"""The files of a folder of revisions, read without running them and without Alembic."""

import ast
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conduit_app.migrations.errors import InvalidRevisionError


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """The revision of a file, and those that it follows: one, several after a merge, or none."""

    path: Path
    revision: str
    follows: Set[str]


def revision_files(folder: Path) -> Sequence[RevisionFile]:
    """Return the revisions of the files in this folder, by name; raise `InvalidRevisionError`."""
    # Like Alembic, which ignores packages and the lock files of an editor.
    files = [file for file in folder.glob("*.py") if not file.name.startswith(("__init__", ".#"))]
    return list(map(_revision_file, sorted(files)))


def heads(files: Sequence[RevisionFile]) -> Sequence[RevisionFile]:
    """Return the revisions that no other one follows."""
    followed = {revision for file in files for revision in file.follows}
    return [file for file in files if file.revision not in followed]


def conflict(files: Sequence[RevisionFile]) -> tuple[RevisionFile, str] | None:
    """Return a file that conflicts with another one and a message that names both, or None.

    Two files with one revision, of which Alembic would run one, or two heads, which have no order.
    """
    by_revision: dict[str, RevisionFile] = {}
    for file in files:
        if file.revision in by_revision:
            return file, f"{_names([by_revision[file.revision], file])} are both revision {file.revision}"
        by_revision[file.revision] = file
    last = heads(files)
    if len(last) > 1:
        return last[-1], f"{_names(last)} are heads: no revision follows them"
    return None


def _names(files: Sequence[RevisionFile]) -> str:
    return " and ".join(file.path.name for file in files)


def _revision_file(file: Path) -> RevisionFile:
    try:
        constants = dict(_constants(ast.parse(file.read_bytes())))
        revision, followed = str(constants["revision"]), constants["down_revision"]
    except (KeyError, SyntaxError, ValueError) as error:
        raise InvalidRevisionError(f"{file} must assign a literal to revision and down_revision") from error
    return RevisionFile(file, revision, {followed} if isinstance(followed, str) else {*(followed or ())})


def _constants(file: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of the two assignments that Alembic reads; raise `ValueError`."""
    for statement in file.body:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                assigned = [*zip(targets, values, strict=False)]
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                assigned = [(target, value)]
            case _:
                assigned = []
        for target, value in assigned:
            if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"}:
                yield target.id, ast.literal_eval(value)
