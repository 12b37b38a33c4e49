"""Compare usernames by NFKC_Casefold, and the domains of e-mail addresses as A-labels."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import op

from modules.kernel.domain.invisible import INVISIBLE
from modules.users.domain.values import (
    MAX_USERNAME_LENGTH,
    RESERVED_USERNAMES,
    email_as_typed,
    email_key,
    username_key,
)

revision = "0006"
down_revision = "0005"

log = structlog.get_logger("conduit.users")

# Room for a hyphen and a number of six digits.
MAX_STEM_LENGTH = MAX_USERNAME_LENGTH - 7

accounts = sa.table(
    "users_account",
    sa.column("id", sa.BigInteger()),
    *(sa.column(name, sa.String()) for name in ("username", "username_key", "email", "email_key")),
)


def upgrade() -> None:
    """Compute the keys again.

    Of several usernames that look the same, the one without invisible characters stays, else that of the
    oldest account; the others get a number, as do a name without a visible character and a reserved word. Of
    several accounts with one e-mail address, the one that has its key already gets it, else the oldest. The
    others still log in with the address exactly as they typed it.
    """
    connection = op.get_bind()
    rows = connection.execute(sa.select(accounts).order_by(accounts.c.id)).all()
    changes: dict[int, dict[str, str]] = {}
    for row_id, username in _new_usernames(rows):
        changes.setdefault(row_id, {}).update(username=username, username_key=username_key(username))
    for row_id, key in _new_email_keys(rows):
        changes.setdefault(row_id, {})["email_key"] = key
    for row_id, values in changes.items():
        connection.execute(sa.update(accounts).where(accounts.c.id == row_id).values(values))


def _new_usernames(rows: Sequence[Any]) -> Iterator[tuple[int, str]]:
    looks = {row.id: username_key(INVISIBLE.sub("", row.username)) for row in rows}
    taken = {row.username_key for row in rows if row.username_key == looks[row.id]}
    used = taken.union(looks.values())
    for row in rows:
        look = looks[row.id]
        if look == row.username_key:
            continue
        if look and look not in taken | RESERVED_USERNAMES:
            taken.add(look)
            yield row.id, row.username
            continue
        username = _numbered(row.username, used)
        used.add(username_key(username))
        log.warning("username changed", user_id=row.id)
        yield row.id, username


def _numbered(username: str, used: set[str]) -> str:
    stem = INVISIBLE.sub("", username)[:MAX_STEM_LENGTH].strip() or "user"
    names = (f"{stem}-{number}" for number in count(2))
    return next(name for name in names if username_key(name) not in used)


def _new_email_keys(rows: Sequence[Any]) -> Iterator[tuple[int, str]]:
    keys = {row.id: email_key(row.email) for row in rows}
    taken = {row.email_key for row in rows if row.email_key == keys[row.id]}
    for row in rows:
        key = keys[row.id]
        if key != row.email_key:
            yield row.id, email_as_typed(row.email) if key in taken else key
            taken.add(key)


def downgrade() -> None:
    """Change nothing: the keys are unique, and users are found by most of them."""
