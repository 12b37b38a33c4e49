"""The consistency checks of users."""

from collections.abc import Sequence

from modules.kernel.domain.consistency import ConsistencyCheck
from modules.kernel.infrastructure.idempotency import idempotency_key_check
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.infrastructure.directory import SqlUserDirectory


def consistency_checks(database: Database, directory: SqlUserDirectory) -> Sequence[ConsistencyCheck]:
    """Return the checks; the kernel cannot check the users of its table by itself."""
    return [idempotency_key_check(database, directory.users)]
