"""Serialize the URLs of images as new ones are."""

import sqlalchemy as sa
from alembic import op

from modules.users.domain.image_url import safe_image_url

revision = "0005"
down_revision = "0004"

accounts = sa.table("users_account", sa.column("id", sa.BigInteger()), sa.column("image", sa.String()))


def upgrade() -> None:
    """Escape the characters that end an attribute, and remove what no browser can load.

    Data URLs stay, also those of SVGs, which are no longer accepted: they consist of base64, and in an <img>
    they run no scripts. Their users would lose them.
    """
    connection = op.get_bind()
    is_web_url = accounts.c.image.is_not(None) & accounts.c.image.not_like("data:%")
    images = connection.execute(sa.select(accounts.c.id, accounts.c.image).where(is_web_url)).all()
    changed = [
        {"user_id": row.id, "new_image": url}
        for row in images
        if (url := safe_image_url(row.image)) != row.image
    ]
    if changed:
        is_user = accounts.c.id == sa.bindparam("user_id")
        connection.execute(
            sa.update(accounts).where(is_user).values(image=sa.bindparam("new_image")), changed
        )


def downgrade() -> None:
    """Change nothing: the previous revision accepts these URLs."""
