"""Requests and responses of users."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from modules.kernel.api.fields import RequestModel, ResponseModel, ValueObject
from modules.users.domain.account import AccountChanges
from modules.users.domain.values import Bio, Email, Image, Password, SubmittedSecret, Username


class NewUser(RequestModel):
    """The account to register."""

    username: Annotated[Username, ValueObject(Username)]
    email: Annotated[Email, ValueObject(Email)]
    password: Annotated[Password, ValueObject(Password)]


class NewUserRequest(RequestModel):
    """The request body of a registration."""

    user: NewUser


class LoginUser(RequestModel):
    """The credentials to log in with."""

    email: Annotated[SubmittedSecret, ValueObject(SubmittedSecret)]
    password: Annotated[SubmittedSecret, ValueObject(SubmittedSecret)]


class LoginUserRequest(RequestModel):
    """The request body of a login."""

    user: LoginUser


class UpdateUser(RequestModel):
    """The fields to change. An absent field is unchanged; null or "" clears bio and image."""

    email: Annotated[Email | None, ValueObject(Email)] = None
    username: Annotated[Username | None, ValueObject(Username)] = None
    password: Annotated[Password | None, ValueObject(Password)] = None
    bio: Annotated[Bio | None, ValueObject(Bio, nullable=True)] = None
    image: Annotated[Image | None, ValueObject(Image, nullable=True)] = None

    def changes(self) -> AccountChanges:
        """Return the changes as a domain object."""
        return AccountChanges(**dict(self))


class UpdateUserRequest(RequestModel):
    """The request body of an update."""

    user: UpdateUser


class DeleteUser(RequestModel):
    """The current password, required to delete the account."""

    password: Annotated[SubmittedSecret, ValueObject(SubmittedSecret)]


class DeleteUserRequest(RequestModel):
    """The request body of an account deletion."""

    user: DeleteUser


class ExportResponse(ResponseModel):
    """All data stored about the current user."""

    export: Mapping[str, Mapping[str, Any]] = Field(
        description="Data by module name; each module has its own format."
    )


class User(ResponseModel):
    """The current user's account, with a valid token."""

    email: str
    token: str
    username: str
    bio: str | None
    image: str | None


class UserResponse(ResponseModel):
    """The response of every operation that returns an account."""

    user: User = Field(description="Always the caller's own account.")
