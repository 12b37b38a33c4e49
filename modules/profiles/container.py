"""The dependency-injection container of profiles."""

from dependency_injector import providers

from modules.kernel.container import ModuleContainer
from modules.kernel.domain.identity import TokenVerifier
from modules.profiles.domain.service import ProfileService
from modules.profiles.infrastructure.follows import SqlFollows
from modules.profiles.infrastructure.reader import SqlProfileReader
from modules.users.contracts import UserDirectory


class ProfilesContainer(ModuleContainer):
    """Provides the profile reader; needs the user directory and a token verifier."""

    users = providers.Dependency(instance_of=UserDirectory)
    tokens = providers.Dependency(instance_of=TokenVerifier)

    follows = providers.Singleton(SqlFollows, ModuleContainer.database)
    reader = providers.Singleton(SqlProfileReader, ModuleContainer.database, users)
    profiles = providers.Singleton(ProfileService, ModuleContainer.database, users, follows)
