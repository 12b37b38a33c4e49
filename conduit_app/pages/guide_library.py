"""The guides of a checkout: their names, their groups in the menu, and where their links lead."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conduit_app.pages.page_frame import relative_link

PREFIX, SEARCH, SOURCES = "/docs/guides", "/docs/search", "/docs/source"
MAX_QUERY_LENGTH = 100
"""Characters."""

# By the folder of the file; guides that are not named come last.
GROUPS = {
    "docs": "Guides",
    "modules": "Modules",
    "plugins": "Plugins",
    ".": "Project",
    "docs/decisions": "Decisions",
}
FIRST = (
    *("README", "frontends", "modules", "architecture", "operations", "running", "security", "performance"),
    "decisions/README",
)
# Without the folders of the examples, which contain third-party packages once a reader has installed them.
PATTERNS = ("*.md", "docs/*.md", "docs/decisions/*.md", "modules/*/README.md", "plugins/*/README.md")
LINK = re.compile(r"\]\(([^)\s#]+)")
# Of a folder that a guide links to. Not `*.env`, and nothing else that may have secrets.
IN_FOLDERS = re.compile(
    r".+\.(py|ts|js|css|html|json|toml|ini|yml|conf|service|example)|Containerfile|Makefile"
)
NOT_IN_FOLDERS = {"__pycache__", "node_modules", "build"}


@dataclass(frozen=True, slots=True)
class Guide:
    """A Markdown file that is served as a page."""

    name: str
    file: Path
    title: str
    group: str
    content: str | None = None
    """The text, if there is no file: the README in the metadata of an installed plugin."""

    @property
    def path(self) -> str:
        """The path of the page."""
        return PREFIX if self.name == "README" else f"{PREFIX}/{self.name}"

    @property
    def version(self) -> int:
        """Changes with the text."""
        return 0 if self.content is not None else self.file.stat().st_mtime_ns

    def text(self) -> str:
        """Return the text, in Markdown."""
        return self.file.read_text(encoding="utf-8") if self.content is None else self.content


class GuideLibrary:
    """The guides below `root`, and `readmes`: those of installed plugins, by name.

    Files that they link to are served if `with_sources` is true.

    Files are listed once, when the first page is requested: no path of a client reaches the file system.
    """

    def __init__(self, root: Path, *, with_sources: bool, readmes: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._readmes = readmes or {}
        self._with_sources = with_sources

    @cached_property
    def guides(self) -> Mapping[str, Guide]:
        """The guides by name, in the order of the menu."""
        return {guide.name: guide for guide in self._guides()}

    @cached_property
    def images(self) -> Mapping[str, Path]:
        """The images by name."""
        return {file.name: file for file in self._root.glob("docs/*.svg")}

    def menu(self) -> Mapping[str, Sequence[Guide]]:
        """Return the guides by group, in the order of the menu."""
        groups = {
            group: [guide for guide in self.guides.values() if guide.group == group]
            for group in GROUPS.values()
        }
        return {group: guides for group, guides in groups.items() if guides}

    def link(self, href: str, file: Path, page: str) -> str | None:
        """Return what a link in a file leads to from a page, or None if that is not served."""
        if "://" in href or href.startswith("#"):
            return href
        path, hash_, anchor = href.partition("#")
        target = posixpath.normpath(posixpath.join(self._relative(file.parent), path))
        served = self._path(target)
        return None if served is None else relative_link(f"{served}{hash_}{anchor}", page)

    def source(self, path: str) -> Path | None:
        """Return the file or folder of the checkout, or None if no guide links to it or to its folder."""
        file = self._root / path
        names = set(Path(path).parts)
        if not self._with_sources or names & NOT_IN_FOLDERS or any(name.startswith(".") for name in names):
            return None
        if path in self._linked:
            return file if file.exists() else None
        is_below = any(parent.as_posix() in self._linked for parent in Path(path).parents)
        is_shown = file.is_dir() or (file.is_file() and IN_FOLDERS.fullmatch(file.name))
        return file if is_below and is_shown else None

    def sources_in(self, folder: Path) -> Iterator[tuple[str, str]]:
        """Yield the name and the path of each page of a folder's files and folders."""
        for file in sorted(folder.iterdir(), key=lambda file: (file.is_file(), file.name)):
            path = self._path(self._relative(file))
            if path is not None:
                yield file.name + ("/" if file.is_dir() else ""), path

    def _path(self, target: str) -> str | None:
        if target in self._by_file:
            return self._by_file[target].path
        if target.startswith("docs/") and target.removeprefix("docs/") in self.images:
            return f"{PREFIX}/{target.removeprefix('docs/')}"
        return f"{SOURCES}/{target}" if self.source(target) else None

    @cached_property
    def _by_file(self) -> Mapping[str, Guide]:
        return {self._relative(guide.file): guide for guide in self.guides.values()}

    @cached_property
    def _linked(self) -> frozenset[str]:
        """The files and folders of the checkout that a guide links to."""
        return frozenset(
            posixpath.normpath(posixpath.join(self._relative(guide.file.parent), link))
            for guide in self.guides.values()
            for link in LINK.findall(guide.text())
        )

    def _guides(self) -> Iterator[Guide]:
        files = sorted(file for pattern in PATTERNS for file in self._root.glob(pattern))
        guides = [self._guide(file) for file in files]
        guides += [guide for guide in map(self._plugin, self._readmes) if guide.file not in files]
        order = {name: number for number, name in enumerate(FIRST)}
        yield from sorted(guides, key=lambda guide: order.get(guide.name, len(order)))

    def _guide(self, file: Path) -> Guide:
        path = file.relative_to(self._root)
        with file.open(encoding="utf-8") as text:
            title = text.readline().removeprefix("# ").strip()
        name = path.with_suffix("").as_posix().removeprefix("docs/")
        if name == "README":
            return Guide(name, file, "Overview", GROUPS["docs"])
        folder = path.parent.as_posix()
        return Guide(name, file, title, GROUPS[folder if folder in GROUPS else path.parts[0]])

    def _plugin(self, name: str) -> Guide:
        # As if it were in the checkout, where the links of the README lead to Conduit's guides.
        path, text = Path("plugins", name, "README"), self._readmes[name]
        title = text.lstrip().partition("\n")[0].removeprefix("# ").strip()
        return Guide(path.as_posix(), self._root / path.with_suffix(".md"), title, GROUPS["plugins"], text)

    def _relative(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix().removeprefix("./")
