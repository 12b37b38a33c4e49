"""Passwords that nobody may choose."""

from pathlib import Path

from modules.users.domain.values import password_key

COMMON = "common"
COMMON_FILE = Path(__file__).parent / "common_passwords.txt"


def blocklist(which: str | None) -> frozenset[str]:
    """Return the keys of the passwords in a file, one a line, in Conduit's own ("common"), or none.

    Raises `OSError` or `UnicodeDecodeError` for a file that cannot be read.
    """
    if which is None:
        return frozenset()
    file = COMMON_FILE if which == COMMON else Path(which)
    return frozenset(password_key(line) for line in file.read_text(encoding="utf-8").splitlines())
