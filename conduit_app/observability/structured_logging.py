"""Logging through structlog: JSON lines, or colored text on a terminal."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import RLock
from typing import TextIO

import orjson
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from conduit_app.observability.console_log import request_line, write_exception
from conduit_app.observability.tracing import add_trace
from conduit_app.settings import Settings


def configure_logging(settings: Settings, *, traced: bool = False) -> None:
    """Write all log lines of this process, including those of libraries, to standard error in one format.

    `traced` adds the trace id and span id to each line.
    """
    context: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *([add_trace] if traced else []),
    ]
    renderers: Sequence[Processor] = [_render_json] if settings.logs_json else [_text_renderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            foreign_pre_chain=context,
        )
    )
    # Conduit's own lines bypass the standard library: building its LogRecord, with the source location,
    # takes a sixth of the time of a cached response.
    structlog.configure(
        processors=[*context, *renderers],
        logger_factory=lambda *_names: _LineLogger(handler),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # Alembic logs every step; the migrate command prints the result.
    logging.getLogger("alembic").setLevel(logging.WARNING)


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


def _text_renderer() -> Processor:
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
