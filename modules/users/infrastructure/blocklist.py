"""The blocklist of common passwords."""

from pathlib import Path

from modules.users.domain.values import password_key

COMMON = "common"
COMMON_FILE = Path(__file__).parent / "common_passwords.txt"


def blocklist(source: str | None) -> frozenset[str]:
    """Return the keys of the passwords in a file with one per line, or of the built-in list ("common").

    None gives an empty list. Raises `OSError` or `UnicodeDecodeError` for an unreadable file.
    """
    if source is None:
        return frozenset()
    file = COMMON_FILE if source == COMMON else Path(source)
    return frozenset(password_key(line) for line in file.read_text(encoding="utf-8").splitlines())
