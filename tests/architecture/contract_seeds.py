"""A contract, and changes of it: each with the verdict that `conduit check` must give."""

from dataclasses import dataclass

from conduit_devtools.checks.compatibility.change import Verdict

COMPATIBLE, ADDITIVE, BREAKING = Verdict.COMPATIBLE, Verdict.ADDITIVE, Verdict.BREAKING

CONTRACT = '''"""The contract of notes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType, Protocol, runtime_checkable

from modules.kernel.domain.errors import NotFound
from modules.kernel.domain.events import Event
from modules.kernel.domain.identity import UserId
from modules.kernel.domain.views import view_class

CONTRACT_VERSION = "1.0"

NoteId = NewType("NoteId", int)
Slugs = Collection[str]
_Ids = Collection[NoteId]

MAX_NOTES = 500


class Color(Enum):
    """The color of a note."""

    RED = "red"
    BLUE = "blue"


class NoteNotFound(NotFound):
    """No note has this id."""

    subject = "note"


@dataclass(frozen=True, slots=True)
class NotesDeleted(Event):
    """Notes were deleted."""

    owner_id: int
    note_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NoteAdded(Event):
    """A note was added."""

    note_id: int
    owner_id: int
    text: str = ""


@view_class
class NotePreview:
    """A note in a list."""

    title: str
    color: Color | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which notes to return."""

    color: Color
    owner_id: UserId | None = None


@runtime_checkable
class NoteDirectory(Protocol):
    """Reads notes."""

    async def ids(self, slugs: Collection[str]) -> Mapping[str, NoteId]:
        """Return the ids, by slug."""
        ...

    async def owners(self, ids: Collection[NoteId]) -> Mapping[NoteId, UserId]:
        """Return the owners, by id."""
        ...

    async def previews(self, ids: _Ids, viewer: UserId | None) -> Mapping[NoteId, NotePreview]:
        """Return the notes, by id."""
        ...

    async def newest(self, limit: int, *, filters: NoteFilter, order: str = "date") -> list[NoteId] | None:
        """Return the newest ids."""
        ...


@dataclass(frozen=True, kw_only=True)
class NoteText:
    """The text of a note."""

    text: str
    language: str

    @property
    def words(self) -> list[str]:
        """The words."""
        return self.text.split()


class NoteListener(Protocol):
    """Called for each new note."""

    def __call__(self, note: NoteText, /) -> None:
        """Handle a note."""
        ...


def watch(listener: NoteListener) -> None:
    """Call the listener for each new note."""


def title_of(text: str, length: int = 20) -> str:
    """Return the beginning of a text."""
    return text[:length]
'''


@dataclass(frozen=True)
class Seed:
    """A change of the contract, what it changes, and the verdict."""

    name: str
    old: str
    new: str
    verdict: Verdict
    things: tuple[str, ...] = ()
    """What the report must name, if there is anything to report."""

    def __str__(self) -> str:
        return self.name


IDS = "async def ids(self, slugs: Collection[str]) -> Mapping[str, NoteId]:"
NEWEST = 'limit: int, *, filters: NoteFilter, order: str = "date"'
OWNERS = '''    async def owners(self, ids: Collection[NoteId]) -> Mapping[NoteId, UserId]:
        """Return the owners, by id."""
        ...

'''
BLUE = '    BLUE = "blue"\n'
STORED = '    note_id: int\n    owner_id: int\n    text: str = ""\n'
READ = "    title: str\n    color: Color | None\n    created_at: datetime\n"

SEEDS = (
    # Nothing that a consumer can notice.
    Seed("docstring edited", "Return the ids, by slug.", "Return the ids of the existing notes.", COMPATIBLE),
    Seed("comment added", "MAX_NOTES = 500", "# A page.\nMAX_NOTES = 500", COMPATIBLE),
    Seed("methods reordered", OWNERS, "", COMPATIBLE),
    Seed("private type alias renamed", "_Ids", "_NoteIds", COMPATIBLE),
    Seed("type alias used", IDS, IDS.replace("Collection[str]", "Slugs"), COMPATIBLE),
    Seed("Optional instead of None", "viewer: UserId | None", 'viewer: "None | UserId"', COMPATIBLE),
    Seed(
        "import renamed",
        "from collections.abc import Collection, Mapping",
        "from collections.abc import Collection\nfrom typing import Mapping",
        COMPATIBLE,
    ),
    Seed(
        "keyword-only parameters reordered",
        NEWEST,
        'limit: int, *, order: str = "date", filters: NoteFilter',
        COMPATIBLE,
    ),
    Seed("body of a function changed", "return text[:length]", "return text.strip()[:length]", COMPATIBLE),
    Seed("constant annotated", "MAX_NOTES = 500", "MAX_NOTES: int = 500", COMPATIBLE),
    Seed(
        "plain dataclass that can be hashed, too",
        "@view_class",
        "@dataclass(frozen=True, slots=True)",
        COMPATIBLE,
    ),
    Seed(
        "members of an enum reordered",
        '    RED = "red"\n    BLUE = "blue"\n',
        '    BLUE = "blue"\n    RED = "red"\n',
        COMPATIBLE,
    ),
    Seed(
        "keyword-only fields reordered",
        "    text: str\n    language: str\n",
        "    language: str\n    text: str\n",
        COMPATIBLE,
    ),
    Seed("positional-only parameter renamed", "note: NoteText, /", "text: NoteText, /", COMPATIBLE),
    Seed("private names added", "MAX_NOTES = 500", "_SIZE = 5\nMAX_NOTES = 500", COMPATIBLE),
    Seed("import added", "import datetime\n", "import UTC, datetime\n", COMPATIBLE),
    Seed("version raised", 'CONTRACT_VERSION = "1.0"', 'CONTRACT_VERSION = "1.1"', COMPATIBLE),
    # More than before.
    Seed(
        "method added",
        OWNERS,
        OWNERS + OWNERS.replace("owners", "authors"),
        ADDITIVE,
        ("NoteDirectory.authors",),
    ),
    Seed(
        "optional parameter added",
        NEWEST,
        NEWEST + ", after: NoteId | None = None",
        ADDITIVE,
        ("NoteDirectory.newest",),
    ),
    Seed("default added", "length: int = 20", "length: int = 20, end: str = ''", ADDITIVE, ("title_of",)),
    Seed(
        "parameter became optional",
        "limit: int, *",
        "limit: int = 20, *",
        ADDITIVE,
        ("NoteDirectory.newest",),
    ),
    Seed(
        "parameter accepts more",
        IDS,
        IDS.replace("Collection[str]", "Collection[str] | None"),
        ADDITIVE,
        ("NoteDirectory.ids",),
    ),
    Seed(
        "return type narrowed", "list[NoteId] | None:", "list[NoteId]:", ADDITIVE, ("NoteDirectory.newest",)
    ),
    Seed(
        "dataclass added",
        "@view_class",
        "@view_class\nclass NoteBody:\n    text: str\n\n\n@view_class",
        ADDITIVE,
        ("NoteBody",),
    ),
    Seed("field that consumers read added", READ, READ + "    body: str\n", ADDITIVE, ("NotePreview.body",)),
    Seed(
        "field that consumers read narrowed",
        "color: Color | None",
        "color: Color",
        ADDITIVE,
        ("NotePreview.color",),
    ),
    Seed(
        "optional field of an argument added",
        "owner_id: UserId | None = None",
        "owner_id: UserId | None = None\n    text: str = ''",
        ADDITIVE,
        ("NoteFilter.text",),
    ),
    Seed("member of an enum added", BLUE, BLUE + '    GREEN = "green"\n', ADDITIVE, ("Color.GREEN",)),
    Seed("constant added", "MAX_NOTES = 500", "MAX_NOTES = 500\nMAX_LENGTH = 100", ADDITIVE, ("MAX_LENGTH",)),
    Seed(
        "event added",
        "@view_class",
        "@dataclass(frozen=True)\nclass NoteRead(Event):\n    note_id: int\n\n\n@view_class",
        ADDITIVE,
        ("NoteRead",),
    ),
    Seed(
        "optional field of an event added",
        STORED,
        STORED + '    color: str = "red"\n',
        ADDITIVE,
        ("NoteAdded.color",),
    ),
    Seed(
        "public type alias under a second name",
        "Slugs = Collection[str]",
        "Slugs = Collection[str]\nSlugSet = Slugs",
        ADDITIVE,
        ("SlugSet",),
    ),
    # Consumers must be changed.
    Seed(
        "method added to a protocol that callers implement",
        "    def __call__",
        "    def name(self) -> str: ...\n\n    def __call__",
        BREAKING,
        ("NoteListener.name",),
    ),
    Seed("property changed", "-> list[str]:", "-> tuple[str]:", BREAKING, ("NoteText.words",)),
    Seed("property became a method", "    @property\n", "", BREAKING, ("NoteText.words",)),
    Seed(
        "fields became keyword-only",
        "slots=True)\nclass NoteFilter",
        "kw_only=True)\nclass NoteFilter",
        BREAKING,
        ("NoteFilter",),
    ),
    Seed("parameter renamed", IDS, IDS.replace("slugs", "names"), BREAKING, ("NoteDirectory.ids",)),
    Seed(
        "parameter removed",
        "ids: _Ids, viewer: UserId | None",
        "ids: _Ids",
        BREAKING,
        ("NoteDirectory.previews",),
    ),
    Seed(
        "required parameter added",
        IDS,
        IDS.replace("]) ->", "], viewer: UserId) ->"),
        BREAKING,
        ("NoteDirectory.ids",),
    ),
    Seed(
        "parameter became required", 'order: str = "date"', "order: str", BREAKING, ("NoteDirectory.newest",)
    ),
    Seed(
        "parameter became keyword-only",
        "text: str, length: int = 20",
        "text: str, *, length: int = 20",
        BREAKING,
        ("title_of",),
    ),
    Seed(
        "parameter narrowed",
        IDS,
        IDS.replace("Collection[str]", "list[str]"),
        BREAKING,
        ("NoteDirectory.ids",),
    ),
    Seed("default of a parameter changed", "length: int = 20", "length: int = 30", BREAKING, ("title_of",)),
    Seed(
        "return type changed",
        IDS,
        IDS.replace("Mapping[str, NoteId]", "Mapping[str, NoteId | None]"),
        BREAKING,
        ("NoteDirectory.ids",),
    ),
    Seed("method removed", OWNERS, "", BREAKING, ("NoteDirectory.owners",)),
    Seed(
        "method renamed",
        "async def owners",
        "async def authors",
        BREAKING,
        ("NoteDirectory.owners", "NoteDirectory.authors"),
    ),
    Seed("method no longer async", IDS, IDS.removeprefix("async "), BREAKING, ("NoteDirectory.ids",)),
    Seed("not checkable at run time", "@runtime_checkable\n", "", BREAKING, ("NoteDirectory",)),
    Seed("field removed", "    color: Color | None\n", "", BREAKING, ("NotePreview.color",)),
    Seed("field renamed", "    title: str\n", "    name: str\n", BREAKING, ("NotePreview.title",)),
    Seed(
        "fields reordered",
        READ,
        "    color: Color | None\n    title: str\n    created_at: datetime\n",
        BREAKING,
        ("NotePreview.color",),
    ),
    Seed(
        "field may be missing",
        "    title: str\n",
        "    title: str | None\n",
        BREAKING,
        ("NotePreview.title",),
    ),
    Seed(
        "dataclass no longer frozen",
        "@dataclass(frozen=True, slots=True)\nclass NoteFilter",
        "@dataclass(slots=True)\nclass NoteFilter",
        BREAKING,
        ("NoteFilter",),
    ),
    Seed(
        "required field of an argument added",
        "    color: Color\n",
        "    color: Color\n    text: str\n",
        BREAKING,
        ("NoteFilter.text",),
    ),
    Seed("member of an enum removed", BLUE, "", BREAKING, ("Color.BLUE",)),
    Seed("value of an enum changed", BLUE, '    BLUE = "navy"\n', BREAKING, ("Color.BLUE",)),
    Seed(
        "new type of another type", 'NewType("NoteId", int)', 'NewType("NoteId", str)', BREAKING, ("NoteId",)
    ),
    Seed("constant removed", "MAX_NOTES = 500\n", "", BREAKING, ("MAX_NOTES",)),
    Seed("constant lowered", "MAX_NOTES = 500", "MAX_NOTES = 100", BREAKING, ("MAX_NOTES",)),
    Seed("public type alias renamed", "Slugs = ", "SlugSet = ", BREAKING, ("Slugs", "SlugSet")),
    Seed(
        "base class removed", "NoteNotFound(NotFound)", "NoteNotFound(Exception)", BREAKING, ("NoteNotFound",)
    ),
    Seed(
        "event removed",
        "class NoteAdded(Event)",
        "class NoteInserted(Event)",
        BREAKING,
        ("NoteAdded", "NoteInserted"),
    ),
    Seed(
        "required field of an event added",
        STORED,
        '    note_id: int\n    owner_id: int\n    color: str\n    text: str = ""\n',
        BREAKING,
        ("NoteAdded", "NoteAdded.color"),
    ),
    Seed(
        "field of an event renamed",
        STORED,
        STORED.replace("owner_id", "author_id"),
        BREAKING,
        ("NoteAdded", "NoteAdded.owner_id"),
    ),
    Seed(
        "field of an event removed",
        "    note_ids: tuple[int, ...]\n",
        "",
        BREAKING,
        ("NotesDeleted", "NotesDeleted.note_ids"),
    ),
    Seed(
        "field of an event widened",
        STORED,
        STORED.replace("owner_id: int", "owner_id: int | None"),
        BREAKING,
        ("NoteAdded", "NoteAdded.owner_id"),
    ),
    Seed(
        "field of an event renamed, with an upcaster",
        STORED,
        STORED.replace("owner_id", "author_id") + "    upcasters = (_with_author,)\n",
        BREAKING,
        ("NoteAdded.owner_id", "NoteAdded.upcasters"),
    ),
    Seed(
        "upcaster of an event added",
        STORED,
        f"{STORED}    upcasters = (_with_text,)\n",
        ADDITIVE,
        ("NoteAdded.upcasters",),
    ),
    Seed(
        "ordering key of an event changed",
        STORED,
        '    owner_id: int\n    note_id: int\n    text: str = ""\n',
        BREAKING,
        ("NoteAdded.owner_id",),
    ),
)
