"""Responses of profiles."""

from modules.kernel.api.fields import ResponseModel
from modules.profiles.contracts import Profile


class ProfileResponse(ResponseModel):
    """The response of every operation on a profile."""

    profile: Profile
