"""A role for each module: PostgreSQL limits the module's statements to the role's privileges."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

PREFIX = "conduit_"
# Roles belong to the server: one may exist for another database, or be created there at this moment.
CREATE_ROLE = """
DO $$ BEGIN
    CREATE ROLE {role} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""
# To use the module's tables and sequences and their schemas, except those that it may use already.
GRANT = """
DO $$ DECLARE
    relation record;
BEGIN
    FOR relation IN
        SELECT oid::regclass AS name, relkind = 'S' AS is_sequence, relnamespace::regnamespace AS schema
        FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND starts_with(relname, '{module}_')
            AND pg_table_is_visible(oid)
            AND NOT (
                has_schema_privilege('{role}', relnamespace, 'USAGE')
                AND CASE relkind
                    WHEN 'S' THEN has_sequence_privilege('{role}', oid, 'USAGE')
                    ELSE has_table_privilege('{role}', oid, 'DELETE')
                END
            )
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO {role}', relation.schema);
        EXECUTE format(
            'GRANT ALL ON %s %s TO {role}',
            CASE WHEN relation.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END,
            relation.name
        );
    END LOOP;
END $$
"""
# Since version 16, who creates a role is its member without the right to take it.
# https://www.postgresql.org/docs/16/release-16.html
MAY_TAKE = """
SELECT pg_has_role(
    current_user,
    '{role}',
    CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END
)
"""
# The version table of the module's migrations stands for all of its tables.
MAY_READ = "SELECT has_table_privilege('{role}', to_regclass('{module}_alembic_version'), 'SELECT')"


def role_of(module: str) -> str:
    """Return the name of the module's role."""
    return f"{PREFIX}{module}"


def grant_roles(connection: Connection, modules: Sequence[str]) -> None:
    """Create the roles of the modules that have none, and grant them what they have not.

    Raises what PostgreSQL raises if the user may not create roles.
    """
    existing = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    for module in modules:
        role = role_of(module)
        if role not in existing:
            connection.execute(text(CREATE_ROLE.format(role=role)))
        if not connection.scalar(text(MAY_TAKE.format(role=role))):
            connection.execute(text(f"GRANT {role} TO CURRENT_USER"))
        connection.execute(text(GRANT.format(role=role, module=module)))


def first_unusable_role(connection: Connection, modules: Sequence[str]) -> str | None:
    """Return the first role that does not exist, or that the user may not take, or that may not read."""
    existing = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    for module in modules:
        role = role_of(module)
        if role not in existing or not connection.scalar(text(MAY_TAKE.format(role=role))):
            return role
        if connection.scalar(text(MAY_READ.format(role=role, module=module))) is False:
            return role
    return None
