"""Where the audit trail is written, and who runs a command."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import structlog

ROOT = 0

log = structlog.get_logger("conduit.audit_log")


def operator() -> str:
    """Return the name of the user who runs this process, and of the one before `sudo`."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # In a container, the user may have no name.
        user = str(os.getuid())
    # Anyone else could set it.
    before_sudo = os.environ.get("SUDO_USER") if os.getuid() == ROOT else None
    return user if before_sudo is None else f"{user} ({before_sudo})"


class AuditFile:
    """Appends lines to a file that all processes share, and that may be renamed at any time.

    It is created with mode 0600, by root for the owner of its folder. `write_elsewhere` gets a line that
    cannot be written.
    """

    def __init__(self, file: Path, write_elsewhere: Callable[[str], None]) -> None:
        self._file = file
        self._write_elsewhere = write_elsewhere

    def append(self, text: str) -> None:
        """Append the text in one piece, among those of other processes; raise `OSError`."""
        # Not waiting for the reader of a pipe.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        is_new = not self._file.exists()
        opened = os.open(self._file, flags, 0o600)
        try:
            if is_new and os.getuid() == ROOT:
                # Otherwise the service could not write to it.
                folder = self._file.parent.stat()
                os.fchown(opened, folder.st_uid, folder.st_gid)
            data = text.encode()
            if os.write(opened, data) < len(data):
                # Ends the torn line, if there is room for that.
                os.write(opened, b"\n")
                raise OSError(f"{self._file} is full")
        finally:
            os.close(opened)

    def msg(self, line: str) -> None:
        """Append the line."""
        try:
            self.append(f"{line}\n")
        except OSError:
            log.exception("audit trail not written to its file")
            self._write_elsewhere(line)

    info = msg
