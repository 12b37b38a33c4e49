"""Where the audit trail is written, and who runs a command."""

import getpass
import os
from collections.abc import Callable
from pathlib import Path


def operator() -> str:
    """Return the name of the user who runs this process, and of the one before `sudo`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # In a container, the user may have no name.
        user = str(os.getuid())
    by_sudo = os.environ.get("SUDO_USER")
    return user if by_sudo is None else f"{user} ({by_sudo})"


class AuditFile:
    """Appends lines to a file that all processes share, and that may be renamed at any time.

    It is created with mode 0600. `write_elsewhere` gets a line that cannot be written.
    """

    def __init__(self, file: Path, write_elsewhere: Callable[[str], None]) -> None:
        self._file = file
        self._write_elsewhere = write_elsewhere

    def append(self, text: str) -> None:
        """Append the text in one piece, among those of other processes; raise `OSError`."""
        opened = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, text.encode())
        finally:
            os.close(opened)

    def msg(self, line: str) -> None:
        """Append the line."""
        try:
            self.append(f"{line}\n")
        except OSError:
            self._write_elsewhere(line)

    info = msg
