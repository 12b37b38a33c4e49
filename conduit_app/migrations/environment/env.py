"""Alembic's environment of every module; the runner passes what differs."""

from alembic import context

attributes = context.config.attributes

context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    version_table=attributes["version_table"],
    include_name=attributes["include_name"],
    compare_type=True,
    compare_server_default=True,
    # SQLite can alter most of a table only by copying it.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
