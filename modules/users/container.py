"""The dependency-injection container of users."""

from dependency_injector import providers

from modules.kernel.container import ModuleContainer
from modules.users.domain.administration import AccountAdministration
from modules.users.domain.credentials import Credentials
from modules.users.domain.service import AccountService
from modules.users.infrastructure.accounts import SqlAccounts
from modules.users.infrastructure.blocklist import blocklist
from modules.users.infrastructure.directory import SqlUserDirectory
from modules.users.infrastructure.limit_storage import SqlLimitStorage
from modules.users.infrastructure.login_throttle import SqlLoginThrottle
from modules.users.infrastructure.passwords import Argon2Passwords
from modules.users.infrastructure.registration_throttle import SqlRegistrationThrottle
from modules.users.infrastructure.storage_limit import StorageLimit
from modules.users.infrastructure.tokens import JwtTokens


class UsersContainer(ModuleContainer):
    """Provides the user directory and the token verifier; needs no other module."""

    passwords = providers.Singleton(
        Argon2Passwords,
        ModuleContainer.settings.provided.password_hashing_concurrency,
        ModuleContainer.settings.provided.max_password_hashes,
    )
    storage_limit = providers.Singleton(
        StorageLimit,
        ModuleContainer.database,
        ModuleContainer.clock,
        ModuleContainer.settings.provided.storage_limit,
    )
    tokens = providers.Singleton(
        JwtTokens,
        ModuleContainer.database,
        ModuleContainer.clock,
        ModuleContainer.signing_keys,
        ModuleContainer.settings.provided.token_lifetime,
        ModuleContainer.settings.provided.session_max_age,
        storage_limit,
    )
    directory = providers.Singleton(SqlUserDirectory, ModuleContainer.database)
    repository = providers.Singleton(SqlAccounts, ModuleContainer.database)
    login_throttle = providers.Singleton(
        SqlLoginThrottle,
        ModuleContainer.database,
        ModuleContainer.clock,
        ModuleContainer.settings,
        ModuleContainer.signing_keys,
    )
    limit_storage = providers.Singleton(SqlLimitStorage, ModuleContainer.database, ModuleContainer.clock)
    registration_throttle = providers.Singleton(
        SqlRegistrationThrottle, ModuleContainer.database, ModuleContainer.clock, ModuleContainer.settings
    )
    blocklist = providers.Singleton(blocklist, ModuleContainer.settings.provided.password_blocklist)
    credentials = providers.Singleton(Credentials, passwords, login_throttle, blocklist)
    accounts = providers.Singleton(
        AccountService,
        ModuleContainer.database,
        repository,
        credentials,
        registration_throttle,
        tokens,
        ModuleContainer.events,
        ModuleContainer.idempotency,
    )
    administration = providers.Singleton(
        AccountAdministration,
        ModuleContainer.database,
        repository,
        credentials,
        accounts,
        ModuleContainer.clock,
    )
