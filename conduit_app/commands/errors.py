"""Errors for the operator, on one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from conduit_app.commands.fail import fail
from conduit_app.composition import CompositionError
from conduit_app.discovery import DiscoveryError
from conduit_app.distribution import DISTRIBUTION
from conduit_app.migrations.errors import (
    InvalidRevisionError,
    MigrationFailedError,
    SchemaAheadError,
    SchemaBehindError,
    UnexpectedTablesError,
)
from conduit_app.settings import SettingsError
from modules.kernel.domain.errors import DomainError, Unavailable
from modules.kernel.infrastructure.persistence.backup import BackupError
from modules.kernel.infrastructure.persistence.database import PreparedStatementLost


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Report an error that the operator can fix as one line on standard error, with exit code 1."""
    try:
        yield
    except (
        SettingsError,
        DiscoveryError,
        CompositionError,
        InvalidRevisionError,
        MigrationFailedError,
        SchemaAheadError,
        SchemaBehindError,
        UnexpectedTablesError,
        BackupError,
    ) as error:
        fail(str(error))
    except PreparedStatementLost:
        fail(
            "what is in front of PostgreSQL does not keep prepared statements: "
            "set CONDUIT_DATABASE_PREPARES_STATEMENTS=false"
        )
    except Unavailable as error:
        cause = getattr(error.__cause__, "orig", None) or error
        fail(f"the database cannot be used: {cause} (see CONDUIT_DATABASE_URL)")
    except DomainError as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        fail(f"this needs {error.name}, of {DISTRIBUTION}[devtools]; in a checkout, run: make setup")
    except OSError as error:
        fail(f"{error.strerror}: {error.filename}" if error.filename else str(error))
