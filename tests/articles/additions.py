"""What articles adds to the official API."""

from tests.api_additions import Additions

ADDITIONS = Additions(
    statuses={
        "CreateArticle": frozenset({429}),  # too much stored
        "UpdateArticle": frozenset({412, 429}),  # as above; only if If-Match was sent
        "DeleteArticle": frozenset({412}),  # as above
    },
    parameters={
        "GetArticles": frozenset({"cursor"}),
        "GetArticlesFeed": frozenset({"cursor"}),
        "CreateArticle": frozenset({"idempotency-key"}),
        "UpdateArticle": frozenset({"if-match"}),
        "DeleteArticle": frozenset({"if-match"}),
    },
)
