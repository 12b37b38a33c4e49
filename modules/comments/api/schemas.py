"""What comments look like on the wire."""

from typing import Annotated

from modules.comments.domain.comment import CommentBody
from modules.comments.domain.service import CommentView
from modules.kernel.api.fields import RequestModel, ResponseModel, Timestamp, ValueObject
from modules.profiles.contracts import Profile


class NewComment(RequestModel):
    """A comment to make."""

    body: Annotated[CommentBody, ValueObject(CommentBody)]


class NewCommentRequest(RequestModel):
    """The body of a comment's creation."""

    comment: NewComment


class Comment(ResponseModel):
    """A comment. It is never changed, so both of its times are the same."""

    id: int
    created_at: Timestamp
    updated_at: Timestamp
    body: str
    author: Profile

    @classmethod
    def of(cls, view: CommentView) -> "Comment":
        """Return the comment as it is on the wire."""
        comment = view.comment
        return cls(
            id=comment.id,
            created_at=comment.created_at,
            updated_at=comment.created_at,
            body=comment.body,
            author=view.author,
        )


class SingleCommentResponse(ResponseModel):
    """One comment."""

    comment: Comment


class MultipleCommentsResponse(ResponseModel):
    """An article's comments, newest first."""

    comments: list[Comment]
