"""What comments adds to the official API."""

from tests.api_additions import Additions

ADDITIONS = Additions(
    statuses={"CreateArticleComment": frozenset({429})},  # too much stored
    parameters={
        "GetArticleComments": frozenset({"cursor", "limit"}),
        "CreateArticleComment": frozenset({"idempotency-key"}),
    },
)
