"""Problems of the database itself that an operator should know before users notice."""

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import text

from modules.kernel.infrastructure.persistence.backup import BackupError, check_integrity
from modules.kernel.infrastructure.persistence.database import Database
from modules.kernel.infrastructure.persistence.write_ahead_log import WriteAheadLog

MIN_SERVER_VERSION = 15
# Tokens and due times are compared with clocks of several machines.
MAX_CLOCK_DIFFERENCE_SECONDS = 2.0
MIN_FREE_BYTES = 1024**3
LARGE_LOG_BYTES = 100 * 1024**2

SERVER = """
SELECT
    current_setting('server_version_num')::int / 10000 AS version,
    extract(epoch FROM clock_timestamp())::float8 AS now,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int AS connections
"""


async def database_problems(database: Database) -> Sequence[str]:
    """Return a line for each problem: of integrity, disk, versions, clocks, connections and settings.

    Raises `DatabaseUnavailable`.
    """
    if database.write_ahead_log is not None:
        return await asyncio.to_thread(lambda log: list(_of_file(log)), database.write_ahead_log)
    if database.dialect != "postgresql":
        return []
    async with database.snapshot() as session:
        before = time.time()
        server = (await session.execute(text(SERVER))).one()
        difference = abs(server.now - (before + time.time()) / 2)
    needed, settings = database.max_connections, await database.unexpected_settings()
    return [
        *([f"PostgreSQL {server.version} is not supported"] if server.version < MIN_SERVER_VERSION else []),
        *(
            [f"the server's clock differs by {difference:.1f} s"]
            if difference > MAX_CLOCK_DIFFERENCE_SECONDS
            else []
        ),
        *(
            [f"a process opens up to {needed} connections, and the server accepts {server.connections}"]
            if needed > server.connections
            else []
        ),
        *(f"not in force: {setting}" for setting in settings),
    ]


def _of_file(log: WriteAheadLog) -> Iterator[str]:
    file = log.database
    try:
        check_integrity(file)
    except BackupError as error:
        yield str(error)
    free = shutil.disk_usage(file.parent).free
    if free < MIN_FREE_BYTES:
        yield f"{file}: only {free // 1024**2} MiB are free on its disk"
    if log.size() > LARGE_LOG_BYTES:
        yield f"{file}-wal: has {log.size() // 1024**2} MiB: something keeps a transaction open"
