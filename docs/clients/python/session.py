"""A session with a running Conduit, through a client generated from its OpenAPI document."""

import sys
import time
from http import HTTPStatus
from typing import TypeVar, cast

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

PASSWORD = "correct horse battery"  # noqa: S105 - of a test user


class RequestFailed(Exception):
    """An error response of Conduit: `errors` has messages by field or subject."""

    def __init__(self, response: GenericErrorModel) -> None:
        self.errors = response.errors.additional_properties
        super().__init__("; ".join(f"{key} {', '.join(problems)}" for key, problems in self.errors.items()))


def value(response: T | GenericErrorModel | None) -> T:
    """Return the parsed response; raise `RequestFailed` for an error."""
    if isinstance(response, GenericErrorModel):
        raise RequestFailed(response)
    if response is None:
        raise TypeError("the response is not in the OpenAPI document")
    return response


def expect(claim: bool, what: str) -> None:
    """Raise `AssertionError` unless the claim is true."""
    if not claim:
        raise AssertionError(f"not as expected: {what}")


def register(url: str, username: str) -> User:
    """Register a user."""
    new = NewUser(username=username, email=f"{username}@example.com", password=PASSWORD)
    return value(create_user.sync(client=Client(url), body=NewUserRequest(user=new))).user


def session(url: str) -> None:
    """Register two users and call every kind of operation."""
    # The generated types require an AuthenticatedClient where a token is optional, but a Client works.
    anonymous = cast("AuthenticatedClient", Client(url))
    name = f"jake{time.time_ns()}"
    author, reader = register(url, name), register(url, f"anna{time.time_ns()}")
    try:
        register(url, name)
    except RequestFailed as error:
        expect(error.errors["username"] == ["has already been taken"], str(error))
    else:
        raise AssertionError("a username can be taken twice")

    credentials = LoginUserRequest(user=LoginUser(email=author.email, password=PASSWORD))
    token = value(login.sync(client=anonymous, body=credentials)).user.token
    jake = AuthenticatedClient(url, token=token, prefix="Token")
    anna = AuthenticatedClient(url, token=reader.token, prefix="Token")
    value(
        update_current_user.sync(client=jake, body=UpdateUserRequest(user=UpdateUser(bio="I train dragons.")))
    )
    expect(value(get_current_user.sync(client=jake)).user.bio == "I train dragons.", "the account is changed")

    draft = NewArticle("How to train your dragon", "Ever wonder how?", "Believe.", tag_list=["dragons"])
    slug = value(create_article.sync(client=jake, body=NewArticleRequest(article=draft))).article.slug
    page = value(get_articles.sync(client=anonymous, author=name, limit=10))
    expect([article.slug for article in page.articles] == [slug], "the article is listed")
    expect("dragons" in value(get_tags.sync(client=anonymous)).tags, "its tag is in use")

    comment_body = NewCommentRequest(comment=NewComment(body="It takes a Jacobian."))
    comment = value(create_article_comment.sync(slug, client=anna, body=comment_body)).comment
    comments = value(get_article_comments.sync(slug, client=anonymous)).comments
    expect([comment.author.username for comment in comments] == [reader.username], "the comment is there")

    expect(value(follow_user_by_username.sync(name, client=anna)).profile.following, "anna follows jake")
    feed = value(get_articles_feed.sync(client=anna))
    expect([article.slug for article in feed.articles] == [slug], "his article is in her feed")
    favorite = value(create_article_favorite.sync(slug, client=anna)).article
    expect(favorite.favorited and favorite.favorites_count == 1, "she favorites it")

    # Reads whose token is optional are hers if it is sent, and nobody's without it.
    read = value(get_article.sync(slug, client=anna)).article
    expect(read.favorited and read.author.following, "she sees her favorite")
    listed = value(get_articles.sync(client=anna, author=name))
    expect([article.favorited for article in listed.articles] == [True], "she sees it in lists")
    unnamed = value(get_article.sync(slug, client=anonymous)).article
    expect(not unnamed.favorited, "visitors have no favorites")

    changes = UpdateArticleRequest(article=UpdateArticle(title="Did you train your dragon?"))
    slug = value(
        update_article.sync(slug, client=jake, body=changes)
    ).article.slug  # a new title gives a new slug
    forbidden = delete_article.sync_detailed(slug, client=anna)
    expect(forbidden.status_code == HTTPStatus.FORBIDDEN, "she cannot delete his article")

    deleted_comment = delete_article_comment.sync_detailed(slug, comment.id, client=anna)
    expect(deleted_comment.status_code == HTTPStatus.NO_CONTENT, "she deletes her comment")
    expect(value(get_article_comments.sync(slug, client=anonymous)).comments == [], "the comment is gone")
    value(delete_article_favorite.sync(slug, client=anna))
    value(unfollow_user_by_username.sync(name, client=anna))
    deleted = delete_article.sync_detailed(slug, client=jake)
    expect(deleted.status_code == HTTPStatus.NO_CONTENT, "he deletes his article")
    gone = get_article.sync_detailed(slug, client=anonymous)
    expect(gone.status_code == HTTPStatus.NOT_FOUND, "the article is gone")
    print(f"{name} published, {reader.username} read: all as the document says")


if __name__ == "__main__":
    session(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
