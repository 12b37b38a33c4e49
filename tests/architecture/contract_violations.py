"""The seeded violations of honest contracts: their types, use, patches and subscriptions."""

from itertools import cycle

from tests.architecture.purity_violations import seeded
from tests.architecture.violations import Violation

MODULES = ("articles", "comments", "profiles", "users")
# In turn, because violations of one rule in one file are seeded one after the other.
CONTRACTS = cycle([f"modules/{name}/contracts.py" for name in MODULES])
COMMENTS = "modules/comments"
DOMAIN = f"{COMMENTS}/domain"
MANIFEST = f"{COMMENTS}/module.py"
CONTAINER = f"{COMMENTS}/container.py"


def in_contracts(name: str, code: str) -> Violation:
    """Return a violation of contract-types."""
    return seeded(name, next(CONTRACTS), f"\n{code}", "contract-types")


def method(signature: str) -> str:
    """Return a contract with one method."""
    return f"class Extra(Protocol):\n    async def rows{signature}: ..."


def field(annotation: str) -> str:
    """Return a view with one field."""
    return f"@dataclass(frozen=True, slots=True)\nclass Extra:\n    {annotation}"


TYPES = [
    in_contracts("Any in a contract", method("(self) -> Any")),
    in_contracts("Any by another name", f"from typing import Any as Row\n\n\n{method('(self) -> Row')}"),
    in_contracts("Any in a collection", method("(self, ids: Collection[UserId]) -> Mapping[UserId, Any]")),
    in_contracts("object in a contract", method("(self, rows: object) -> None")),
    in_contracts("dict as a result", method("(self) -> dict[str, str]")),
    in_contracts("dict in quotes", method('(self) -> "dict[str, str]"')),
    in_contracts("list as a parameter", method("(self, names: list[str]) -> None")),
    in_contracts("set in keyword arguments", method("(self, *, names: set[str] | None = None) -> None")),
    in_contracts("keyword arguments of any type", method("(self, **options: Any) -> None")),
    in_contracts("a mutable mapping", method("(self) -> MutableMapping[str, str]")),
    in_contracts("an alias of dict", "Json = dict[str, str]"),
    in_contracts("a list in a view", field("names: list[str]")),
    in_contracts("a plain id as a parameter", method("(self, ids: Collection[int]) -> None")),
    in_contracts("a plain id in a view", field("author_id: int")),
    in_contracts("an optional plain id in a view", field("editor_id: int | None = None")),
    seeded(
        "a list in an event",
        "plugins/search/conduit_search/contracts.py",
        "    words: list[str]",
        "contract-types",
    ),
    *[
        Violation(name, next(CONTRACTS), f"\n{code}\n    name: str\n", ("contract-types",))
        for name, code in (
            ("a dataclass that is not frozen", "@dataclass(slots=True)\nclass Extra:  # seeded"),
            ("a dataclass without arguments", "@dataclass\nclass Extra:  # seeded"),
            ("a dataclass that says so", "@dataclass(frozen=False)\nclass Extra:  # seeded"),
            (
                "a dataclass by another name",
                "from dataclasses import dataclass as view\n\n\n@view\nclass Extra:  # seeded",
            ),
            ("a TypedDict", "class Extra(TypedDict):  # seeded"),
            ("a plain class", "class Extra:  # seeded"),
        )
    ],
]
# Where a class needs its decorator's import.
TYPES = [
    Violation(
        one.name,
        one.file,
        f"\nfrom dataclasses import dataclass\n{one.code}" if "@dataclass" in one.code else one.code,
        one.rules,
    )
    for one in TYPES
]


def on_slot(name: str, code: str) -> Violation:
    """Return a violation in a function that has an article directory."""
    body = code.replace("\n", "\n    ")
    source = f"def peek(articles: ArticleDirectory) -> None:\n    {body}"
    return seeded(
        name,
        DOMAIN,
        f"from modules.articles.contracts import ArticleDirectory\n\n\n{source}",
        "contract-access",
    )


ACCESS = [
    on_slot("a private attribute of a slot", "print_ = articles._rows"),
    on_slot("a public attribute beyond the contract", "rows = articles.repository"),
    on_slot("a slot in a variable", "directory = articles\nrows = directory._rows"),
    on_slot("a slot that is cast", "rows = cast(Any, articles)"),
    on_slot("an attribute by name", 'rows = getattr(articles, "_rows")'),
    on_slot("all attributes", "rows = vars(articles)"),
    on_slot("an untyped variable", "rows: Any = articles"),
    on_slot("a method that is replaced", "articles.lock = None"),
    on_slot("a method that is replaced by name", 'setattr(articles, "lock", None)'),
    on_slot("the class of a slot", "rows = articles.__class__"),
    on_slot(
        "a slot that is stored",
        "class Service:\n    def __init__(self, directory: ArticleDirectory | None) -> None:\n"
        "        self._directory = directory\n\n    def rows(self) -> None:\n"
        "        return self._directory._rows",
    ),
    on_slot(
        "a slot as a field",
        "@dataclass\nclass Service:\n    directory: 'ArticleDirectory'\n\n    def rows(self) -> None:\n"
        "        return self.directory._rows",
    ),
    seeded(
        "a slot in an untyped parameter",
        f"{DOMAIN}",
        "from modules.articles.contracts import ArticleDirectory\n\n\ndef rows(x: Any) -> None: ...\n\n\n"
        "def peek(articles: ArticleDirectory) -> None:\n    rows(articles)",
        "contract-access",
    ),
    seeded(
        "what the container holds",
        CONTAINER,
        "rows = providers.Singleton(list, articles.provided._database)",
        "contract-access",
    ),
    seeded("what the manifest holds", MANIFEST, "rows = lambda c: c.articles()._database", "contract-access"),
    Violation(
        "an untyped parameter of a service",
        CONTAINER,
        "\n    extra = providers.Singleton(\n        Peek,\n        articles,  # seeded\n    )\n",
        ("contract-access",),
        extra={
            f"{DOMAIN}/extra.py": "from typing import Any\n\n\nclass Peek:\n"
            "    def __init__(self, articles: Any) -> None:\n        self.rows = articles._rows\n"
        },
    ),
]
PATCHES = [
    seeded(name, place, f"{statement}\n\n{code}", "contract-patch")
    for name, place, statement, code in (
        (
            "a patched contract",
            DOMAIN,
            "from modules.articles.contracts import ArticleDirectory",
            "ArticleDirectory.lock = None",
        ),
        (
            "a patched contract, by name",
            DOMAIN,
            "from modules.articles.contracts import ArticleDirectory as A",
            'setattr(A, "lock", None)',
        ),
        (
            "a patched view",
            DOMAIN,
            "from modules.profiles.contracts import Profile",
            'type.__setattr__(Profile, "__init__", None)',
        ),
        (
            "a deleted method",
            DOMAIN,
            "import modules.users.contracts",
            "del modules.users.contracts.UserDirectory.lock",
        ),
        (
            "a patched class of the kernel",
            "modules/comments/infrastructure",
            "from modules.kernel.infrastructure.persistence.database import Database",
            "Database.execute = None",
        ),
        (
            "a changed constant of the kernel",
            "plugins/bookmarks/conduit_bookmarks/domain",
            "from modules.kernel.domain import clock",
            "clock.RESOLUTION = None",
        ),
        (
            "a changed annotation",
            DOMAIN,
            "from modules.users.contracts import PublicUser",
            'PublicUser.__annotations__["id"] = int',
        ),
        (
            "an own contract, patched by the manifest",
            "modules/articles/module.py",
            "",
            "ArticleDirectory.lock = None",
        ),
    )
]
CONTRACT_VIOLATIONS = [
    *TYPES,
    *ACCESS,
    *PATCHES,
    seeded(
        "an offered contract that nobody needs",
        "modules/articles/module.py",
        'Module(offers={ArticlePublished: "directory"})',
        "unneeded-contract",
    ),
]

SUBSCRIPTION = "        Subscription(UserDeleted, lambda container: container.service().on_user_deleted),\n"


def handled_by(name: str, handler: str, message: str) -> Violation:
    """Return a subscription of comments with another handler."""
    return Violation(
        name,
        MANIFEST,
        f"        Subscription(UserDeleted, {handler}),  # seeded\n",
        ("subscription-handler",),
        replaced=SUBSCRIPTION,
        messages=(f"the handler of UserDeleted in comments {message}",),
    )


SUBSCRIPTION_VIOLATIONS = [
    handled_by(
        "a handler that does not exist",
        "lambda container: container.service().on_user_removed",
        "cannot be resolved: AttributeError: 'CommentService' object has no attribute 'on_user_removed'",
    ),
    handled_by(
        "a handler of another event",
        "lambda container: container.service().on_articles_deleted",
        "takes ArticlesDeleted",
    ),
    handled_by(
        "a handler that takes no event",
        "lambda container: container.clock().now",
        "cannot be called with the event alone: too many positional arguments",
    ),
    Violation(
        "a handler that publishes its own event in the transaction",
        MANIFEST,
        f"{SUBSCRIPTION}        Subscription(CommentAdded, lambda c: c.service().on_comment_added),"
        "  # seeded\n",
        ("event-cycle", "architecture-docs"),
        replaced=SUBSCRIPTION,
        extra={
            f"{DOMAIN}/service.py": "\n\nclass Echo(CommentService):\n"
            "    async def on_comment_added(self, event: CommentAdded) -> None:\n"
            "        if event.comment_id:\n            await self._again(event)\n\n"
            "    async def _again(self, event: CommentAdded) -> None:\n"
            "        await self._events.publish(CommentAdded(event.article_id, 1, 1))\n",
            CONTAINER: "\n\nfrom modules.comments.domain.service import Echo\n\n"
            "CommentsContainer.service.set_provides(Echo)\n",
        },
        messages=("handlers publish what leads to them again: CommentAdded → CommentAdded",),
    ),
]
