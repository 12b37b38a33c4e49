"""Log lines: JSON for machines, colours for people, through structlog for everything that logs."""

import logging
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from conduit_app.observability.tracing import add_trace
from conduit_app.settings import Settings


def configure_logging(settings: Settings, *, traced: bool = False) -> None:
    """Send every line of this process, those of libraries too, to standard error in one form.

    `traced` lines say which trace they belong to.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *([add_trace] if traced else []),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
            foreign_pre_chain=shared,
        )
    )
    # Conduit's own lines do not go through the standard library: its record of a line, with the place in
    # the source that it looks up, takes a sixth of an answer that is given again.
    structlog.configure(
        processors=[*shared, *_renderers(settings)],
        logger_factory=lambda *_names: _Lines(handler),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # Alembic narrates every plan it makes; the migrate command says what came of them.
    logging.getLogger("alembic").setLevel(logging.WARNING)


class _Lines:
    """Writes Conduit's own lines where the handler writes those of libraries.

    A line that cannot be written is lost, as it is there: what it tells of goes on.
    """

    def __init__(self, handler: "logging.StreamHandler[TextIO]") -> None:
        self._handler = handler

    def msg(self, line: str) -> None:
        self._handler.acquire()
        try:
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()
        except (OSError, ValueError):
            # Nowhere to tell it: the log's own disk is full, whoever read it is gone, or it is closed.
            return
        finally:
            self._handler.release()

    debug = info = warning = error = critical = exception = msg


def _renderers(settings: Settings) -> Sequence[Processor]:
    # Tracebacks show no local variables, which structlog's own would: passwords and keys are among them.
    if settings.logs_json:
        tracebacks = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        return [tracebacks, structlog.processors.JSONRenderer()]
    colors, tell = sys.stderr.isatty(), structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=tell)]
