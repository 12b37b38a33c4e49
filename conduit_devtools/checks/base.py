"""The base of a change: the commit that a checkout is compared with."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAIN_BRANCHES = ("main", "origin/main")


class UnknownBase(Exception):
    """The base is not a commit of the checkout's repository. The message says why."""


@dataclass(frozen=True)
class Base:
    """A commit of the repository that contains the checkout. Reads it without touching the working tree."""

    root: Path
    commit: str

    @classmethod
    def find(cls, root: Path, revision: str | None = None) -> "Base":
        """Return the base at a git revision; default: the merge base of HEAD with the main branch.

        On the main branch itself, the default is the commit before HEAD, so that what is committed there is
        compared, too. Raises `UnknownBase` if `root` is not the root of a git repository, or it has no such
        revision.
        """
        if not (root / ".git").exists():
            raise UnknownBase(f"{root.name} is not the root of a git repository")
        if revision is not None:
            return cls(
                root, _git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
            )
        for branch in MAIN_BRANCHES:
            try:
                merge_base = _git(root, "merge-base", "HEAD", branch)
            except UnknownBase:
                continue
            # HEAD and its parents.
            commits = _git(root, "rev-list", "--parents", "--max-count=1", "HEAD").split()
            return cls(root, commits[1] if merge_base == commits[0] and len(commits) > 1 else merge_base)
        raise UnknownBase(f"no merge base of HEAD with {' or '.join(MAIN_BRANCHES)}; pass --against REVISION")

    def paths(self, *folders: Path) -> Sequence[Path]:
        """Return the files below these folders, relative to the root; default: all files."""
        names = _git(self.root, "ls-tree", "-r", "-z", "--name-only", self.commit, "--", *map(str, folders))
        return [Path(name) for name in names.split("\0") if name]

    def read(self, paths: Sequence[Path]) -> Mapping[Path, str]:
        """Return the texts of those paths that are files of the commit, in one call of git."""
        requests = "".join(f"{self.commit}:{path.as_posix()}\n" for path in paths).encode()
        output = _run(self.root, "cat-file", "--batch", content=requests)
        return dict(_files(paths, output))

    def changed(self) -> Sequence[Path]:
        """Return the paths that differ from the working tree, with new files and both ends of renames."""
        tracked = _git(self.root, "diff", "-z", "--name-only", "--no-renames", self.commit)
        new = _git(self.root, "ls-files", "-z", "--others", "--exclude-standard")
        return sorted({Path(name) for names in (tracked, new) for name in names.split("\0") if name})


def _files(paths: Sequence[Path], output: bytes) -> Iterator[tuple[Path, str]]:
    """Yield the path and text of each file in the output of `git cat-file --batch`."""
    position = 0
    for path in paths:
        end = output.index(b"\n", position)
        header, position = output[position:end], end + 1
        if header.endswith(b" missing"):
            continue
        size = int(header.split()[2])
        if header.split()[1] == b"blob":
            yield path, output[position : position + size].decode(errors="replace")
        position += size + 1


def _git(root: Path, *arguments: str) -> str:
    return _run(root, *arguments).decode().strip()


def _run(root: Path, *arguments: str, content: bytes = b"") -> bytes:
    try:
        # S603, S607: arguments of git, found on the PATH; revisions cannot be options.
        return subprocess.run(  # noqa: S603
            ["git", "-C", root, *arguments],  # noqa: S607
            input=content,
            capture_output=True,
            check=True,
        ).stdout
    except FileNotFoundError as error:
        raise UnknownBase("git is not installed") from error
    except subprocess.CalledProcessError as error:
        raise UnknownBase(error.stderr.decode(errors="replace").strip()) from error
