"""The next revision of a module, written by Alembic."""

import secrets
from pathlib import Path

from alembic.script import ScriptDirectory

from conduit_app.migrations.errors import InvalidRevisionError
from conduit_app.migrations.revision_files import conflict, revision_files
from conduit_app.migrations.runner import ENVIRONMENT


def write_revision(folder: Path, message: str) -> Path:
    """Write an empty revision that follows the last one in the folder, and return its path.

    Its id is the next number and a random part, so that the revisions of two branches have different ids.
    Raises `InvalidRevisionError` if revisions in the folder conflict.
    """
    files = revision_files(folder)
    if found := conflict(files):
        _, problem = found
        raise InvalidRevisionError(f"conflicting migrations in {folder}: {problem}")
    numbers = [int(file.revision[:4]) for file in files if file.revision[:4].isdecimal()]
    revision = f"{max(numbers, default=0) + 1:04}_{secrets.token_hex(2)}"
    scripts = ScriptDirectory(
        str(ENVIRONMENT),
        file_template="%(rev)s_%(slug)s",
        version_locations=[str(folder)],
        messaging_opts={"quiet": True},
    )
    script = scripts.generate_revision(revision, message)
    assert script is not None  # noqa: S101 - None is returned for files that are no revision
    return Path(script.path)
