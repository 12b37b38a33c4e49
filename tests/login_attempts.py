"""How often a password may be wrong; not in `tests.client`, which tests of one module use by itself."""

from limits import parse

from modules.users.infrastructure.settings import UsersSettings

LOGIN_ATTEMPTS = parse(UsersSettings().login_limit).amount
"""For one account and from one address."""
