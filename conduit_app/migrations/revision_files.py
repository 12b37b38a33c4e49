"""The files of a folder of revisions, read without running them and without Alembic."""

import ast
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from conduit_app.migrations.errors import InvalidRevisionError

NAMES = frozenset({"revision", "down_revision", "phase", "expand_revision", "transactional"})
"""The assignments that are read from a revision file."""


class Phase(Enum):
    """How a revision affects a release that does not have it.

    https://martinfowler.com/bliki/ParallelChange.html
    """

    EXPAND = "expand"
    """It only adds: a release without this revision works on its result."""

    CONTRACT = "contract"
    """It removes or restricts what releases with its expand revision no longer need."""


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """The revision of a file, and those that it follows: one, several after a merge, or none.

    Without a phase, no release works on its result but those that have it.
    """

    path: Path
    revision: str
    follows: Set[str]
    phase: Phase | None = None
    expand_revision: str | None = None
    is_transactional: bool = True
    """Whether PostgreSQL runs it in the transaction of the others."""


def revision_files(folder: Path) -> Sequence[RevisionFile]:
    """Return the revisions of the files in this folder, by name; raise `InvalidRevisionError`."""
    # Like Alembic, which ignores packages and the lock files of an editor.
    files = [file for file in folder.glob("*.py") if not file.name.startswith(("__init__", ".#"))]
    return [parse_revision(file, file.read_bytes()) for file in sorted(files)]


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


def lineage(files: Sequence[RevisionFile], current: str) -> Sequence[RevisionFile]:
    """Return the revision `current` and all before it."""
    by_revision = {file.revision: file for file in files}
    found: dict[str, RevisionFile] = {}
    pending = [current]
    while pending:
        file = by_revision[pending.pop()]
        if file.revision not in found:
            found[file.revision] = file
            pending += file.follows
    return list(found.values())


def pending(files: Sequence[RevisionFile], current: Set[str]) -> Sequence[RevisionFile]:
    """Return the revisions that are to be applied after `current` and all before them, in order."""
    applied = {file.revision for head in current for file in lineage(files, head)}
    ordered: list[RevisionFile] = []
    while following := [file for file in files if file.revision not in applied and file.follows <= applied]:
        ordered += following
        applied.update(file.revision for file in following)
    return ordered


def required_revisions(files: Sequence[RevisionFile]) -> Set[str]:
    """Return the revisions without which a release does not work on tables to which these were applied.

    Raises `InvalidRevisionError` for a contract step that its expand revision does not precede.
    """
    required = set()
    for file in files:
        if file.phase is None:
            required.add(file.revision)
        elif file.phase is Phase.CONTRACT:
            before = {earlier.revision for earlier in lineage(files, file.revision)} - {file.revision}
            if file.expand_revision not in before:
                raise InvalidRevisionError(f"{file.path}: no revision before it is its expand_revision")
            required.add(file.expand_revision)
    return required


def _names(files: Sequence[RevisionFile]) -> str:
    return " and ".join(file.path.name for file in files)


def parse_revision(file: Path, source: bytes) -> RevisionFile:
    """Return the revision of a file with this source; raise `InvalidRevisionError`."""
    try:
        constants = dict(_constants(ast.parse(source)))
        revision, followed = str(constants["revision"]), constants["down_revision"]
        phase = Phase(constants["phase"]) if "phase" in constants else None
        is_transactional = {True: True, False: False}[constants.get("transactional", True)]
    except (KeyError, SyntaxError, TypeError, ValueError) as error:
        raise InvalidRevisionError(
            f"{file} must assign literals to revision and down_revision, expand or contract to phase, and "
            "True or False to transactional"
        ) from error
    follows = {followed} if isinstance(followed, str) else {*(followed or ())}
    return RevisionFile(
        file,
        revision,
        follows,
        phase,
        constants.get("expand_revision"),
        is_transactional=is_transactional,
    )


def _constants(file: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of the assignments to `NAMES`; raise `ValueError`."""
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
            if isinstance(target, ast.Name) and target.id in NAMES:
                yield target.id, ast.literal_eval(value)
