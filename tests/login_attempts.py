"""The default login limit. Not in `tests.client`, which tests of isolated modules import without users."""

from limits import parse

from modules.users.infrastructure.settings import UsersSettings

LOGIN_ATTEMPTS = parse(UsersSettings().login_limit).amount
"""For one account from one address."""
