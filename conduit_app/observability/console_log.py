"""Log lines for a terminal: one of 120 columns for each request, and tracebacks with our frames first."""

import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from unicodedata import east_asian_width
from urllib.parse import unquote_plus

from structlog.typing import EventDict, ExcInfo

WIDTH = 120
# In columns: of a user's name, of a request id that the client chose, and at least of the URL.
MAX_NAME_WIDTH = 20
MIN_URL_WIDTH = 20
# Of a generated request id or trace id, which has 32 characters: enough to find the response.
ID_LENGTH = 8
MAX_METHOD_LENGTH = 10
ELLIPSIS = "…"

# Parameters whose values are secrets, by parts of their names.
SECRET_NAME = re.compile(
    r"token|jwt|auth|passw|pass$|pwd|secret|credential|session|signature|cookie|key$|sid$|^code$",
    re.IGNORECASE,
)
# Values that are secrets, or cursors, whatever the name: JWTs, and long values without a separator.
SECRET_VALUE = re.compile(r"eyJ[\w-]{8,}(?:(?:\.|%2e)[\w-]*)*|\b[A-Za-z0-9_-]{40,}", re.IGNORECASE)

RESET, RED, GREEN, YELLOW, CYAN, DIM = "\033[0m", "\033[31m", "\033[32m", "\033[33m", "\033[36m", "\033[2m"
STATUS_COLORS = {2: GREEN, 3: CYAN, 4: YELLOW}

OWN_PACKAGES = ("conduit_", "modules")
"""The beginnings of the names of Conduit's packages and those of plugins, where they are installed."""

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLED = ("site-packages", "dist-packages")


def shown_url(raw_path: bytes, query: bytes) -> str:
    """Return the path and the query as received, percent-encoded, without the values of secrets."""
    path = SECRET_VALUE.sub(ELLIPSIS, raw_path.decode("ascii", "backslashreplace"))
    if not query:
        return path
    parameters = re.split("[&;]", query.decode("ascii", "backslashreplace"))
    return f"{path}?{'&'.join(map(_shown_parameter, parameters))}"


def _shown_parameter(parameter: str) -> str:
    name, equals, _value = parameter.partition("=")
    if equals and SECRET_NAME.search(unquote_plus(name)):
        return f"{name}={ELLIPSIS}"
    return SECRET_VALUE.sub(ELLIPSIS, parameter)


def request_line(line: EventDict, *, colors: bool) -> str:
    """Return a request's log line, of at most 120 columns."""
    fields = dict(line)
    method, url, status = fields.pop("method"), fields.pop("url"), fields.pop("status")
    parts = [f"{fields.pop('milliseconds')} ms", fields.pop("module") or "-"]
    if "user_id" in fields:
        user_id = fields.pop("user_id")
        parts.append(_truncated(fields.pop("username", None) or f"user {user_id}", MAX_NAME_WIDTH))
    parts.append(f"req={_short(fields.pop('request_id'))}")
    for name in ("event", "level", "route", "username", "span_id", "address"):
        fields.pop(name, None)
    parts += [f"{name}={_short(str(value))}" for name, value in fields.items()]
    # 0: the client has disconnected before the response.
    code = str(status or "-")
    method = method[:MAX_METHOD_LENGTH]
    remaining = WIDTH - len(f"{method}  → {code}  ")
    end = _truncated("  ".join(parts), remaining - MIN_URL_WIDTH)
    url = _truncated(url, remaining - _columns(end))
    if colors:
        code = f"{STATUS_COLORS.get(status // 100, RED)}{code}{RESET}"
        end = f"{DIM}{end}{RESET}"
    return f"{method} {url} → {code}  {end}"


def _short(value: str) -> str:
    # Ids that the client chose are names, of which the beginning says little.
    return value[:ID_LENGTH] if re.fullmatch("[0-9a-f]{32}", value) else _truncated(value, MAX_NAME_WIDTH)


def _truncated(text: str, width: int) -> str:
    # No character is narrower than a column, and a URL may have thousands.
    visible = text[: width + 1]
    if _columns(visible) <= width:
        return visible
    while _columns(visible) >= width:
        visible = visible[:-1]
    return f"{visible}{ELLIPSIS}"


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(character) in {"W", "F"} else 1 for character in text)


def write_exception(file: TextIO, exc_info: ExcInfo) -> None:
    """Write an exception: its message, Conduit's frames from the innermost, then those of libraries."""
    error = traceback.TracebackException(*exc_info, compact=True)
    file.writelines(f"\n{line}" for line in _exception_lines(error))


def _exception_lines(error: traceback.TracebackException) -> Iterator[str]:
    yield from "".join(error.format_exception_only()).splitlines()
    own, others = [], []
    for frame in reversed(error.stack):
        name, is_own = _source(frame.filename)
        location = f"    {name}:{frame.lineno} in {frame.name}"
        if is_own:
            own.append(f"{location}: {frame.line}")
        else:
            others.append(location)
    yield from own
    if others:
        yield "  in libraries:"
        yield from others
    for part in error.exceptions or ():
        yield "  with:"
        yield from _exception_lines(part)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield "  caused by:" if error.__cause__ else "  while handling:"
        yield from _exception_lines(cause)


def _source(filename: str) -> tuple[str, bool]:
    """Return a short name of a source file, and whether it is Conduit's or a plugin's."""
    path = Path(filename)
    for folder in INSTALLED:
        if folder in path.parts:
            name = Path(*path.parts[path.parts.index(folder) + 1 :])
            return str(name), str(name).startswith(OWN_PACKAGES)
    if path.is_relative_to(STANDARD_LIBRARY):
        return str(path.relative_to(STANDARD_LIBRARY)), False
    if path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd())), True
    # Code that is generated or frozen has no file.
    return filename, path.is_absolute()
