"""The settings of notifications."""

from pydantic import Field

from modules.kernel.infrastructure.settings import ModuleSettings


class NotificationsSettings(ModuleSettings):
    """How many streams there may be."""

    notification_streams: int = Field(250, ge=1, description="streams of notifications at once in a process")
    notification_streams_per_reader: int = Field(10, ge=1, description="and of one reader in it")
