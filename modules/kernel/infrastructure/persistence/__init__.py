"""The database: units of work, the engines of SQLite and PostgreSQL, statements and schemas."""
