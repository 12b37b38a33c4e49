"""What accounts look like on the wire."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from modules.kernel.api.fields import RequestModel, ResponseModel, ValueObject
from modules.users.domain.account import AccountChanges
from modules.users.domain.service import AuthenticatedAccount
from modules.users.domain.values import Bio, Email, Image, Password, SubmittedSecret, Username


class NewUser(RequestModel):
    """Who wants to register."""

    username: Annotated[Username, ValueObject(Username)]
    email: Annotated[Email, ValueObject(Email)]
    password: Annotated[Password, ValueObject(Password)]


class NewUserRequest(RequestModel):
    """The body of a registration."""

    user: NewUser


class LoginUser(RequestModel):
    """Who wants to log in."""

    email: Annotated[SubmittedSecret, ValueObject(SubmittedSecret)]
    password: Annotated[SubmittedSecret, ValueObject(SubmittedSecret)]


class LoginUserRequest(RequestModel):
    """The body of a login."""

    user: LoginUser


class UpdateUser(RequestModel):
    """What is to change. A field that is absent stays; bio and image are removed by null or ""."""

    email: Annotated[Email | None, ValueObject(Email)] = None
    username: Annotated[Username | None, ValueObject(Username)] = None
    password: Annotated[Password | None, ValueObject(Password)] = None
    bio: Annotated[Bio | None, ValueObject(Bio, nullable=True)] = None
    image: Annotated[Image | None, ValueObject(Image, nullable=True)] = None

    def changes(self) -> AccountChanges:
        """Return the changes as the domain knows them."""
        return AccountChanges(**dict(self))


class UpdateUserRequest(RequestModel):
    """The body of an update."""

    user: UpdateUser


class DeleteUser(RequestModel):
    """Whoever wants their account to be gone."""

    password: Annotated[SubmittedSecret, ValueObject(SubmittedSecret)]


class DeleteUserRequest(RequestModel):
    """The body of a deletion."""

    user: DeleteUser


class ExportResponse(ResponseModel):
    """All that Conduit keeps about the caller."""

    export: Mapping[str, Mapping[str, Any]] = Field(description="By module, as each of them has it.")


class User(ResponseModel):
    """One's own account, with a fresh token."""

    email: str
    token: str
    username: str
    bio: str | None
    image: str | None


class UserResponse(ResponseModel):
    """The answer of every operation on an account."""

    user: User = Field(description="Only ever the caller's own account.")

    @classmethod
    def of(cls, signed_in: AuthenticatedAccount) -> "UserResponse":
        """Return the answer for an account and its token."""
        account = signed_in.account
        return cls(
            user=User(
                email=account.email,
                token=signed_in.token,
                username=account.username,
                bio=account.bio,
                image=account.image,
            )
        )
