"""The size of SQLite's write-ahead log."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

CHECKPOINT_INTERVAL_SECONDS = 10.0
MAX_SIZE = 8 * 1024 * 1024
"""In bytes. At half of it, SQLite writes the log to the database, and begins it again if nobody reads it.

A long read makes it grow, and by itself the file never shrinks: https://sqlite.org/wal.html, 6.
"""

log = structlog.get_logger("conduit.database")


class WriteAheadLog:
    """The write-ahead log of a database file."""

    def __init__(self, database: Path) -> None:
        self.database = database
        """The file of the database."""

    def size(self) -> int:
        """Return its size in bytes, 0 without one."""
        # SQLite puts it beside the file that a symbolic link refers to.
        file = self.database.resolve()
        try:
            return file.with_name(f"{file.name}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def truncate(self) -> bool:
        """Write it to the database and truncate it, if nobody reads or writes; return whether it is empty.

        Waits for the disk. Raises `sqlite3.Error`.
        """
        uri = f"{self.database.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
            # Most of the work, while others write: the second one makes them wait.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            # https://sqlite.org/pragma.html#pragma_wal_checkpoint
            [is_busy, _, _] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy

    async def keep_small(self) -> None:
        """Truncate it whenever it is larger than `MAX_SIZE`, as soon as nobody uses it; until cancelled."""
        while True:
            await asyncio.sleep(CHECKPOINT_INTERVAL_SECONDS)
            try:
                if self.size() > MAX_SIZE:
                    await asyncio.to_thread(self.truncate)
            except (sqlite3.Error, OSError) as error:
                log.warning("write-ahead log not truncated", error=repr(error))
