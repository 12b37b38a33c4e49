"""The database: units of work, its two engines, statements and schema helpers."""
