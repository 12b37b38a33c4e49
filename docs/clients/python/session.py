"""A whole session with a running Conduit, through a client that was generated from its document."""

import sys
import time
from http import HTTPStatus
from typing import TypeVar

from conduit_client import AuthenticatedClient, Client
from conduit_client.api.articles import (
    create_article,
    delete_article,
    get_article,
    get_articles,
    get_articles_feed,
    update_article,
)
from conduit_client.api.comments import create_article_comment, delete_article_comment, get_article_comments
from conduit_client.api.favorites import create_article_favorite, delete_article_favorite
from conduit_client.api.profile import follow_user_by_username, unfollow_user_by_username
from conduit_client.api.tags import get_tags
from conduit_client.api.user_and_authentication import (
    create_user,
    get_current_user,
    login,
    update_current_user,
)
from conduit_client.models import (
    GenericErrorModel,
    LoginUser,
    LoginUserRequest,
    NewArticle,
    NewArticleRequest,
    NewComment,
    NewCommentRequest,
    NewUser,
    NewUserRequest,
    UpdateArticle,
    UpdateArticleRequest,
    UpdateUser,
    UpdateUserRequest,
    User,
)

T = TypeVar("T")

PASSWORD = "correct horse battery"  # noqa: S105 - of somebody made up


class Refused(Exception):
    """What Conduit said no to: `errors` has messages by the field, or the thing, that they are about."""

    def __init__(self, answer: GenericErrorModel) -> None:
        self.errors = answer.errors.additional_properties
        super().__init__("; ".join(f"{key} {', '.join(problems)}" for key, problems in self.errors.items()))


def value(answer: T | GenericErrorModel | None) -> T:
    """Return what an operation answers with; raise `Refused` when that is an error."""
    if isinstance(answer, GenericErrorModel):
        raise Refused(answer)
    if answer is None:
        raise TypeError("an answer that the document does not have")
    return answer


def expect(claim: bool, what: str) -> None:
    """Raise an error that says what, unless the claim is true."""
    if not claim:
        raise AssertionError(f"not as expected: {what}")


def register(url: str, username: str) -> User:
    """Return a new user."""
    new = NewUser(username=username, email=f"{username}@example.com", password=PASSWORD)
    return value(create_user.sync(client=Client(url), body=NewUserRequest(user=new))).user


def session(url: str) -> None:
    """Register two users, and let them do what people do here."""
    anybody = Client(url)
    name = f"jake{time.time_ns()}"
    author, reader = register(url, name), register(url, f"anna{time.time_ns()}")
    try:
        register(url, name)
    except Refused as refused:
        expect(refused.errors["username"] == ["has already been taken"], str(refused))
    else:
        raise AssertionError("a name can be taken twice")

    credentials = LoginUserRequest(user=LoginUser(email=author.email, password=PASSWORD))
    token = value(login.sync(client=anybody, body=credentials)).user.token
    jake = AuthenticatedClient(url, token=token, prefix="Token")
    anna = AuthenticatedClient(url, token=reader.token, prefix="Token")
    value(
        update_current_user.sync(client=jake, body=UpdateUserRequest(user=UpdateUser(bio="I train dragons.")))
    )
    expect(value(get_current_user.sync(client=jake)).user.bio == "I train dragons.", "the account is changed")

    draft = NewArticle("How to train your dragon", "Ever wonder how?", "Believe.", tag_list=["dragons"])
    slug = value(create_article.sync(client=jake, body=NewArticleRequest(article=draft))).article.slug
    page = value(get_articles.sync(client=anybody, author=name, limit=10))
    expect([article.slug for article in page.articles] == [slug], "the article is listed")
    expect("dragons" in value(get_tags.sync(client=anybody)).tags, "its tag is in use")

    said = NewCommentRequest(comment=NewComment(body="It takes a Jacobian."))
    comment = value(create_article_comment.sync(slug, client=anna, body=said)).comment
    comments = value(get_article_comments.sync(slug, client=anybody)).comments
    expect([one.author.username for one in comments] == [reader.username], "the comment is there")

    expect(value(follow_user_by_username.sync(name, client=anna)).profile.following, "anna follows jake")
    feed = value(get_articles_feed.sync(client=anna))
    expect([article.slug for article in feed.articles] == [slug], "his article is in her feed")
    favorite = value(create_article_favorite.sync(slug, client=anna)).article
    expect(favorite.favorited and favorite.favorites_count == 1, "she favorites it")

    changes = UpdateArticleRequest(article=UpdateArticle(title="Did you train your dragon?"))
    slug = value(
        update_article.sync(slug, client=jake, body=changes)
    ).article.slug  # another title, another slug
    forbidden = delete_article.sync_detailed(slug, client=anna)
    expect(forbidden.status_code == HTTPStatus.FORBIDDEN, "it is not hers")

    taken_back = delete_article_comment.sync_detailed(slug, comment.id, client=anna)
    expect(taken_back.status_code == HTTPStatus.NO_CONTENT, "she takes it back")
    expect(value(get_article_comments.sync(slug, client=anybody)).comments == [], "the comment is gone")
    value(delete_article_favorite.sync(slug, client=anna))
    value(unfollow_user_by_username.sync(name, client=anna))
    deleted = delete_article.sync_detailed(slug, client=jake)
    expect(deleted.status_code == HTTPStatus.NO_CONTENT, "and it is his")
    gone = get_article.sync_detailed(slug, client=anybody)
    expect(gone.status_code == HTTPStatus.NOT_FOUND, "the article is gone")
    print(f"{name} has published, {reader.username} has read: all as the document says")


if __name__ == "__main__":
    session(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
