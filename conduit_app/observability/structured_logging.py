"""Logging through structlog: JSON lines, or colored text on a terminal."""

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import TextIO

import orjson
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from conduit_app.observability.audit_log import AuditFile
from conduit_app.observability.console_log import request_line, write_exception
from conduit_app.observability.tracing import add_trace
from conduit_app.settings import Settings, SettingsError
from modules.kernel.api.audit import AUDIT_LOGGER
from modules.kernel.infrastructure.settings import PREFIX


def configure_logging(settings: Settings, *, traced: bool = False) -> None:
    """Write all log lines of this process, including those of libraries, to standard error in one format.

    Those of the audit trail go to its file, if there is one, as JSON. `traced` adds the trace id and span id
    to each line. Raises `SettingsError` if the file cannot be written.
    """
    context: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *([add_trace] if traced else []),
    ]
    render = _render_json if settings.logs_json else _text_renderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            foreign_pre_chain=context,
        )
    )
    lines = _LineLogger(handler)
    audit = lines if settings.audit_log is None else _audit_file(settings.audit_log, lines)

    def render_line(logger: object, level: str, line: EventDict) -> str:
        return (render if logger is lines else _render_json)(logger, level, line)

    # Conduit's own lines bypass the standard library: building its LogRecord, with the source location,
    # takes a sixth of the time of a cached response.
    structlog.configure(
        processors=[*context, render_line],
        logger_factory=lambda *names: audit if names == (AUDIT_LOGGER,) else lines,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # Alembic logs every step; the migrate command prints the result.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _audit_file(file: Path, lines: "_LineLogger") -> AuditFile:
    audit = AuditFile(file, lines.msg)
    try:
        audit.append("")
    except OSError as error:
        raise SettingsError(f"{PREFIX}AUDIT_LOG: cannot write {file}: {error.strerror}") from error
    return audit


class _LineLogger:
    """Writes lines to the handler's stream.

    A line that cannot be written is dropped, as the standard library does: logging must not fail a request.
    """

    def __init__(self, handler: "logging.StreamHandler[TextIO]") -> None:
        self._handler = handler
        # Of the handler, which writes to the same stream.
        self._lock = handler.lock or RLock()

    def msg(self, line: str) -> None:
        try:
            with self._lock:
                self._handler.stream.write(f"{line}\n")
                self._handler.stream.flush()
        except (OSError, ValueError):
            # The disk is full, the reader of the pipe has exited, or the stream is closed.
            return

    debug = info = warning = error = critical = exception = msg


# Without local variables, which structlog shows by default: they contain passwords and keys.
_add_traceback = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def _render_json(logger: object, level: str, line: EventDict) -> str:
    """Add the level, the time and the traceback to a line, and return it as JSON: a structlog processor.

    In one step, because there is a line for every request.
    """
    line["level"] = level
    line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if "exc_info" in line:
        line = _add_traceback(logger, level, line)
    try:
        # A dataclass by its repr, which may hide a secret, and not by its fields.
        return orjson.dumps(line, repr, orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:
        # Text with a lone surrogate, or an integer of more than 64 bits.
        return json.dumps(line, default=repr)


def _text_renderer() -> Callable[[object, str, EventDict], str]:
    # https://no-color.org
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    add_time = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=write_exception)

    def render_text(logger: object, level: str, line: EventDict) -> str:
        # Requests have a URL in this format only.
        if "url" in line:
            return request_line(line, colors=colors)
        line["level"] = level
        return str(render(logger, level, add_time(logger, level, line)))

    return render_text
