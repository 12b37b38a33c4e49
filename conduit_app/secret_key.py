"""The secret that tokens are signed with."""

import os
import secrets
from pathlib import Path

from conduit_app.settings import MIN_SECRET_BYTES, Settings, SettingsError
from modules.kernel.infrastructure.settings import PREFIX

DEVELOPMENT_FILE = Path("var/secret_key")


def signing_keys(settings: Settings, file: Path = DEVELOPMENT_FILE) -> tuple[str, ...]:
    """Return the keys that tokens are verified with; the first one signs.

    Development keeps a generated one in a file only its owner can read, so that tokens outlive a
    restart. Several processes that start at once agree on one. Raises `SettingsError` when the file
    cannot be used.
    """
    return (settings.secret_key or _kept(file), *settings.previous_secret_keys)


def _kept(file: Path) -> str:
    try:
        if not file.exists():
            _generate(file)
        secret = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        way_out = f"make that possible, or set {PREFIX}SECRET_KEY"
        raise SettingsError(f"cannot keep a secret in {file} ({error.strerror}): {way_out}") from error
    if not secret.isascii() or len(secret) < MIN_SECRET_BYTES:
        what = f"no secret of at least {MIN_SECRET_BYTES} bytes"
        raise SettingsError(f"{file} holds {what}: remove it, and a new one is generated")
    return secret


def _generate(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under a name of its own and then linked: no process ever reads half a secret,
    # and the first link wins.
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(48))
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
