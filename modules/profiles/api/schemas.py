"""What profiles look like on the wire."""

from modules.kernel.api.fields import ResponseModel
from modules.profiles.contracts import Profile


class ProfileResponse(ResponseModel):
    """The answer of every operation on a profile."""

    profile: Profile
