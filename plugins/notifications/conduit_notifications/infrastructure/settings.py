"""The settings of notifications."""

from datetime import timedelta

from pydantic import Field

from modules.kernel.infrastructure.settings import ModuleSettings


class NotificationsSettings(ModuleSettings):
    """The retention of notifications, and the limits of open streams."""

    notification_retention: timedelta = Field(
        timedelta(days=365),
        gt=timedelta(0),
        description="how long notifications are stored: seconds, or an ISO 8601 duration",
    )
    notification_streams: int = Field(250, ge=1, description="maximum open streams per process")
    notification_streams_per_reader: int = Field(
        10, ge=1, description="maximum open streams per reader and process"
    )
