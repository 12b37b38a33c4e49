"""The consistency checks of users."""

from collections.abc import Sequence

from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.domain.idempotency import IdempotencyStore
from modules.kernel.infrastructure.idempotency import SqlIdempotencyStore
from modules.users.infrastructure.directory import SqlUserDirectory


def consistency_checks(
    idempotency: IdempotencyStore, directory: SqlUserDirectory
) -> Sequence[ConsistencyCheck]:
    """Return the checks; the kernel cannot check the users of its table by itself."""
    assert isinstance(idempotency, SqlIdempotencyStore)  # noqa: S101 - the one with a table
    return [idempotency.check_of_callers(directory.users)]
