"""The secret keys that sign tokens."""

import os
import secrets
from pathlib import Path

from conduit_app.settings import MIN_SECRET_BYTES, Settings, SettingsError
from modules.kernel.infrastructure.settings import PREFIX

DEVELOPMENT_FILE = Path("var/secret_key")


def signing_keys(settings: Settings, file: Path = DEVELOPMENT_FILE) -> tuple[str, ...]:
    """Return the keys that verify tokens; the first one signs.

    In development a key is generated and stored in a file that only its owner can read, so that tokens
    survive a restart. Processes that start at the same time use the same key. Raises `SettingsError` when
    the file cannot be used.
    """
    return (settings.secret_key or _load_or_generate(file), *settings.previous_secret_keys)


def _load_or_generate(file: Path) -> str:
    try:
        if not file.exists():
            _generate(file)
        secret = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise SettingsError(
            f"cannot store a secret key in {file} ({error.strerror}): set {PREFIX}SECRET_KEY"
        ) from error
    if not secret.isascii() or len(secret) < MIN_SECRET_BYTES:
        problem = f"contains no secret key of at least {MIN_SECRET_BYTES} bytes"
        raise SettingsError(f"{file} {problem}: remove it to generate a new one")
    return secret


def _generate(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written under a temporary name, then linked: no process reads a partial key, and the first link wins.
    temporary = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(48))
        try:
            file.hardlink_to(temporary)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
