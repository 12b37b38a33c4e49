"""PgBouncer in front of the PostgreSQL of a URL."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from tests.postgresql import TEMPORARY, as_nobody, give_to_nobody, wait_until
from tests.program import require_program

CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = 5
"""


@contextmanager
def pgbouncer(url: str, mode: str) -> Iterator[str]:
    """Run PgBouncer for the block, pooling sessions or transactions, and yield the URL of its database."""
    program, server = require_program("pgbouncer"), make_url(url)
    # The path of a socket is limited to about a hundred characters.
    with TemporaryDirectory(prefix="conduit-pgbouncer-", dir=TEMPORARY) as folder:
        give_to_nobody(Path(folder))
        file = Path(folder, "pgbouncer.ini")
        file.write_text(
            CONFIGURATION.format(
                host=server.query["host"],
                port=server.query.get("port", "5432"),
                user=server.username,
                folder=folder,
                mode=mode,
            ),
            encoding="utf-8",
        )
        pooled = server.update_query_dict({"host": folder, "port": "6432"})
        with Path(folder, "log").open("w+b") as log:
            process = subprocess.Popen([program, file], stdout=log, stderr=log, **as_nobody())  # noqa: S603 - PgBouncer
            with process:
                try:
                    wait_until(Path(folder, ".s.PGSQL.6432").exists, "PgBouncer does not listen")
                    yield pooled.render_as_string(hide_password=False)
                finally:
                    process.terminate()
