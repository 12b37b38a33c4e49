"""The requests and responses of comments."""

from typing import Annotated

from modules.comments.domain.comment import CommentBody
from modules.kernel.api.fields import RequestModel, ResponseModel, Timestamp, ValueObject
from modules.profiles.contracts import Profile


class NewComment(RequestModel):
    """A comment to add."""

    body: Annotated[CommentBody, ValueObject(CommentBody)]


class NewCommentRequest(RequestModel):
    """The request to add a comment."""

    comment: NewComment


class Comment(ResponseModel):
    """A comment. It is immutable, so both of its times are equal."""

    id: int
    created_at: Timestamp
    updated_at: Timestamp
    body: str
    author: Profile


class SingleCommentResponse(ResponseModel):
    """One comment."""

    comment: Comment


class MultipleCommentsResponse(ResponseModel):
    """An article's comments, newest first."""

    comments: list[Comment]
