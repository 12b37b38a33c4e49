"""Suppressions: comments that except one place from one rule, each with a reason.

`# conduit: allow RULE: reason`, at the end of the line of the finding or on a line of its own above it.
"""

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conduit_devtools.checks.base import Base
from conduit_devtools.checks.finding import RULES, Finding, Stage
from conduit_devtools.checks.source import Checkout

FORM = "# conduit: allow RULE: reason"
MARK = re.compile(r"conduit:\s*(?:allow|ignore|disable|suppress|noqa)\b")
COMMENT = re.compile(r"conduit: allow (?P<rule>[\w-]+): (?P<reason>\S.*)")
# What comments begin with.
LINE_COMMENTS = {"": "#", ".ini": "#", ".py": "#", ".sql": "--", ".toml": "#"}
CONFIGURATION = ("CODEOWNERS", "importlinter.ini", "pyproject.toml")
# A file that cannot be read is not checked, and an exception of exceptions would hide all of them. That of a
# breaking change is a line in CHANGES.md, which consumers read.
NEVER = frozenset({"breaking-change", "contract-version", "event-upcaster", "importable", "suppression"})


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that suppresses the findings of a rule on one line."""

    rule: str
    reason: str
    file: Path
    line: int
    """The line of the comment."""

    target: int
    """The line of the suppressed findings: that of the comment, or of the code below it."""

    def covers(self, finding: Finding) -> bool:
        """Return whether it suppresses the finding."""
        same_line = finding.line in {self.line, self.target}
        return same_line and (self.file, self.rule) == (finding.file, finding.rule.id)


def unsuppressed(
    checkout: Checkout, findings: Iterable[Finding], stages: Collection[Stage] = ()
) -> Iterator[Finding]:
    """Yield the findings without a suppression, then those on the suppressions themselves.

    `stages` are those that have run completely: a suppression of one of their rules must suppress something.
    """
    used, valid = set(), suppressions(checkout)
    for finding in findings:
        covering = [suppression for suppression in valid if suppression.covers(finding)]
        used.update(covering)
        if not covering:
            yield finding
    if not stages:
        return
    yield from _malformed(checkout)
    for suppression in valid:
        if suppression not in used and RULES[suppression.rule].stage in stages:
            message = f"{suppression.rule} has no finding here: remove the suppression"
            yield Finding(RULES["suppression"], suppression.file, suppression.line, message)


def suppressions(checkout: Checkout) -> Sequence[Suppression]:
    """Return the valid suppressions of the checkout, in the order of files and lines."""
    return [
        Suppression(match["rule"], match["reason"].strip(), file, line, target)
        for file, line, target, comment in _comments(checkout)
        if (match := COMMENT.search(comment)) and match["rule"] in RULES.keys() - NEVER
    ]


def new_suppressions(listed: Sequence[Suppression], base: Base) -> Collection[Suppression]:
    """Return those that the base does not have, in any line of the same file."""
    texts = base.read([*dict.fromkeys(suppression.file for suppression in listed)])
    return {
        suppression
        for suppression in listed
        if f"conduit: allow {suppression.rule}: {suppression.reason}" not in texts.get(suppression.file, "")
    }


def _malformed(checkout: Checkout) -> Iterator[Finding]:
    for file, line, _, comment in _comments(checkout):
        match = COMMENT.search(comment)
        if match is None:
            message = f"a suppression has the form: {FORM}"
        elif match["rule"] not in RULES:
            message = f"there is no rule {match['rule']}"
        elif match["rule"] in NEVER:
            message = f"{match['rule']} cannot be suppressed"
        else:
            continue
        yield Finding(RULES["suppression"], file, line, message)


def _comments(checkout: Checkout) -> Iterator[tuple[Path, int, int, str]]:
    """Yield each comment that is meant as a suppression: file, line, line of the code, text."""
    for file, text in _texts(checkout):
        # Most files have none, and need no tokens.
        if "conduit:" in text:
            prefix = LINE_COMMENTS[file.suffix]
            comments = _python_comments(text) if file.suffix == ".py" else _line_comments(text, prefix)
            for line, alone, comment in comments:
                if MARK.search(comment):
                    yield file, line, _next_code(text, line, prefix) if alone else line, comment


def _texts(checkout: Checkout) -> Iterator[tuple[Path, str]]:
    """Yield the files that can have suppressions, relative to the root, with their texts."""
    folders = [checkout.root, *(plugin.folder.parent for plugin in checkout.plugins)]
    paths = [folder / name for folder in folders for name in CONFIGURATION if (folder / name).exists()]
    for package in checkout.packages:
        yield from ((file.relative, file.text) for file in package.files)
        paths += sorted(package.folder.rglob("*.sql"))
    yield from ((path.relative_to(checkout.root), path.read_text(encoding="utf-8")) for path in paths)


def _python_comments(text: str) -> Iterator[tuple[int, bool, str]]:
    """Yield the line of each comment, whether it is alone on it, and its text."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            yield line, not token.line[:column].strip(), token.string.removeprefix("#").strip()


def _line_comments(text: str, prefix: str) -> Iterator[tuple[int, bool, str]]:
    """Yield what `_python_comments` does, for a language in which comments end lines."""
    for number, line in enumerate(text.splitlines(), start=1):
        before, mark, comment = line.partition(prefix)
        if mark:
            yield number, not before.strip(), comment.strip()


def _next_code(text: str, line: int, prefix: str) -> int:
    """Return the first line after this one that is neither empty nor a comment."""
    lines = text.splitlines()
    following = (
        number
        for number in range(line + 1, len(lines) + 1)
        if (code := lines[number - 1].strip()) and not code.startswith(prefix)
    )
    return next(following, line)
