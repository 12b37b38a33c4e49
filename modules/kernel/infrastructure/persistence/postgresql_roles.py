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
# To take the role, and to use the module's tables and sequences, except those that it may use already.
GRANT = """
DO $$ DECLARE
    relation record;
BEGIN
    IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
    FOR relation IN
        SELECT oid::regclass AS name, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
        FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'S') AND starts_with(relname, '{module}_')
            AND pg_table_is_visible(oid)
            AND NOT CASE relkind
                WHEN 'S' THEN has_sequence_privilege('{role}', oid, 'USAGE')
                ELSE has_table_privilege('{role}', oid, 'DELETE')
            END
    LOOP
        EXECUTE format('GRANT ALL ON %s %s TO {role}', relation.kind, relation.name);
    END LOOP;
END $$
"""


def role_of(module: str) -> str:
    """Return the name of the module's role."""
    return f"{PREFIX}{module}"


def grant_roles(connection: Connection, modules: Sequence[str]) -> None:
    """Create the roles of the modules that have none, and grant them what they have not.

    Raises what PostgreSQL raises if the user may not create roles.
    """
    for role in missing_roles(connection, modules):
        connection.execute(text(CREATE_ROLE.format(role=role)))
    for module in modules:
        connection.execute(text(GRANT.format(role=role_of(module), module=module)))


def missing_roles(connection: Connection, modules: Sequence[str]) -> Sequence[str]:
    """Return the names of the roles of these modules that do not exist."""
    roles = [role_of(module) for module in modules]
    existing = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    return [role for role in roles if role not in existing]
