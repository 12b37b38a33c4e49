"""The requests and responses of articles."""

from typing import Annotated

from pydantic import Field

from modules.articles.domain.article import ArticleChanges
from modules.articles.domain.values import MAX_SUBMITTED_TAGS, Body, Description, Tag, TagList, Title
from modules.kernel.api.fields import RequestModel, ResponseModel, Timestamp, ValueObject
from modules.profiles.contracts import Profile


class NewArticle(RequestModel):
    """An article to publish."""

    title: Annotated[Title, ValueObject(Title)]
    description: Annotated[Description, ValueObject(Description)]
    body: Annotated[Body, ValueObject(Body)]
    tag_list: list[Annotated[Tag, ValueObject(Tag)]] = Field(
        default_factory=list, max_length=MAX_SUBMITTED_TAGS
    )

    @property
    def tags(self) -> TagList:
        """The tags without duplicates; raises `Invalid` when there are too many."""
        return TagList(tuple(self.tag_list))


class NewArticleRequest(RequestModel):
    """The request to publish an article."""

    article: NewArticle


class UpdateArticle(RequestModel):
    """The changes to an article. An absent field is unchanged; `[]` removes all tags."""

    title: Annotated[Title | None, ValueObject(Title)] = None
    description: Annotated[Description | None, ValueObject(Description)] = None
    body: Annotated[Body | None, ValueObject(Body)] = None
    tag_list: list[Annotated[Tag, ValueObject(Tag)]] = Field(
        default_factory=list, max_length=MAX_SUBMITTED_TAGS
    )

    def changes(self) -> ArticleChanges:
        """Return the changes; raise `Invalid` when there are too many tags."""
        tags = TagList(tuple(self.tag_list)) if "tag_list" in self.model_fields_set else None
        return ArticleChanges(self.title, self.description, self.body, tags)


class UpdateArticleRequest(RequestModel):
    """The request to update an article."""

    article: UpdateArticle


class ArticlePreview(ResponseModel):
    """An article in a list, without its body."""

    slug: str
    title: str
    description: str
    tag_list: tuple[str, ...]
    created_at: Timestamp
    updated_at: Timestamp
    favorited: bool
    favorites_count: int
    author: Profile


class Article(ArticlePreview):
    """An article with its body."""

    body: str


class SingleArticleResponse(ResponseModel):
    """One article."""

    article: Article


class MultipleArticlesResponse(ResponseModel):
    """A page of articles, newest first, and the number of articles on all pages."""

    articles: list[ArticlePreview]
    articles_count: int


class TagsResponse(ResponseModel):
    """Tags, most used first."""

    tags: list[str]
