"""nginx with deploy/nginx.conf, except for ports, certificates, folders and limits of requests."""

import grp
import os
import pwd
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import wait_until
from tests.program import require_program

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
# Without TLS, which only concerns nginx, and without the server that redirects to it.
REPLACEMENTS = [
    (r"listen (?:80|\[::\].*);|ssl_certificate.*;", ""),
    (r"listen 443 ssl http2;", "listen 127.0.0.1:{port};"),
    (r"server \{{[^{{}}]*return 301[^{{}}]*\}}", ""),
    (r"/var/www/blog", "{folder}/page"),
    (r"/var/log/nginx/conduit.log", "{folder}/access.log"),
    (r"server 127.0.0.1:8000 ", "server {upstream} "),
    (r"server 127.0.0.1:8001 ", "server {backup} "),
]
PROGRAM = (
    "daemon off; user {user} {group}; pid {folder}/pid; error_log stderr;"
    " events {{}} http {{ access_log off; {servers} }}"
)
# Nothing listens on a port of this number.
NOWHERE = ("127.0.0.1", 1)
LIMITS = r"limit_(?:req|conn) .*;"


class Nginx:
    """An nginx server in a folder; `page` in it has the frontend."""

    def __init__(self, folder: Path, *, is_limited: bool) -> None:
        self._folder = folder
        self._is_limited = is_limited
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    @contextmanager
    def running(self, upstream: tuple[str, int], backup: tuple[str, int] = NOWHERE) -> Iterator[None]:
        """Run it for the block, as a proxy of these addresses."""
        self._configure(_joined(upstream), _joined(backup))
        nginx = require_program("nginx")
        with subprocess.Popen(  # noqa: S603 - the proxy under test
            [nginx, "-p", self._folder, "-c", self._folder / "nginx.conf"], stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_until(self._accepts_connections, "nginx does not listen")
                yield
            finally:
                process.terminate()

    def _configure(self, upstream: str, backup: str) -> None:
        values = {
            "port": self._port,
            "folder": self._folder,
            "upstream": upstream,
            "backup": backup,
        }
        servers = CONFIGURATION.read_text(encoding="utf-8")
        for pattern, replacement in REPLACEMENTS:
            servers = re.sub(pattern.format(), replacement.format(**values), servers)
        if not self._is_limited:
            servers = re.sub(LIMITS, "", servers)
        # Run workers as the current user: nginx's default user has no access to the tests' folders.
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        text = PROGRAM.format(user=user, group=group, folder=self._folder, servers=servers)
        (self._folder / "nginx.conf").write_text(text, encoding="utf-8")

    def _accepts_connections(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self._port)) == 0


def _joined(address: tuple[str, int]) -> str:
    host, port = address
    return f"{host}:{port}"
