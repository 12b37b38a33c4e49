"""Errors of the schema and its migrations, for the operator."""


class SchemaAheadError(Exception):
    """The database was migrated by a newer Conduit; the message is one line for the operator."""


class SchemaBehindError(Exception):
    """The database is not migrated; the message is one line for the operator."""


class MigrationFailedError(Exception):
    """A migration failed and was rolled back; the message is one line for the operator."""


class UnexpectedTablesError(Exception):
    """The database is not Conduit's, or restored in part; the message is one line for the operator."""


class InvalidRevisionError(Exception):
    """A file is no Alembic revision, or conflicts with another; the message is one line for the operator."""
