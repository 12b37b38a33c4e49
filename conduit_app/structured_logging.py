"""Log lines: JSON for machines, colours for people, through structlog for everything that logs."""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from conduit_app.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Send every line of this process, those of libraries too, to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
            foreign_pre_chain=shared,
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # Alembic narrates every plan it makes; the migrate command says what came of them.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _renderers(settings: Settings) -> Sequence[Processor]:
    # Tracebacks show no local variables, which structlog's own would: passwords and keys are among them.
    if settings.logs_json:
        tracebacks = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        return [tracebacks, structlog.processors.JSONRenderer()]
    colors, tell = sys.stderr.isatty(), structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=tell)]
