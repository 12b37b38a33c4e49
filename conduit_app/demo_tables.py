"""The tables that `conduit demo` fills."""

from collections.abc import Sequence

from conduit_app.composition import Composition
from modules.kernel.infrastructure.persistence.schema import Schema, first_non_empty_table


def demo_schemas(composition: Composition) -> Sequence[Schema]:
    """Return the schemas of the modules that have demo data."""
    modules = [module for module in composition.modules if module.demo is not None]
    return [module.schema for module in modules if module.schema is not None]


async def first_table_with_data(composition: Composition) -> str | None:
    """Return the first of these tables that has a row, or None if all are empty."""
    for schema in demo_schemas(composition):
        table = await first_non_empty_table(composition.database, schema.metadata)
        if table is not None:
            return table
    return None
