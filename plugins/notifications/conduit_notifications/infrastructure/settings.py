"""The settings of notifications."""

from pydantic import Field

from modules.kernel.infrastructure.settings import ModuleSettings


class NotificationsSettings(ModuleSettings):
    """The limits of open streams."""

    notification_streams: int = Field(250, ge=1, description="maximum open streams per process")
    notification_streams_per_reader: int = Field(
        10, ge=1, description="maximum open streams per reader and process"
    )
