"""No input stalls the event loop or fills the memory (OWASP API4:2023)."""

from collections.abc import AsyncIterator

import pytest

from tests.api_additions import declared_additions
from tests.client import Api
from tests.conformance.official_document import official
from tests.security.largest_inputs import (
    OPERATIONS_WITH_BODY,
    accepted_inputs,
    cost_of,
    filled_app,
    long_texts,
    refused_bodies,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.blocks_event_loop("the largest inputs are parsed at once; their time is asserted here"),
]

# Of CPU time on the event loop's thread: the faults of this kind took 7 seconds and more.
MAX_STALL_SECONDS = 0.6
# The largest response is one of 5 MB: as objects, as JSON, and at the client.
MAX_MEMORY_BYTES = 40_000_000


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with filled_app(tmp_path_factory.mktemp("filled")) as (_, api):
        yield api


def test_every_operation_has_a_largest_input() -> None:
    added = [item for additions in declared_additions() for item in additions.operations.items()]
    with_body = {name for name, access in added if access.body is not None}
    required = {operation.id for operation in official().operations} | with_body
    assert required - {large.name for large in accepted_inputs()} == set()


async def test_largest_inputs_are_accepted_within_bounds(filled: Api) -> None:
    excessive = {}
    for large in accepted_inputs():
        cost = await cost_of(large, filled, memory=False)
        assert cost.status in {200, 201, 204}, large
        memory = await cost_of(large, filled, memory=True)
        if cost.cpu_seconds > MAX_STALL_SECONDS or memory.memory_bytes > MAX_MEMORY_BYTES:
            excessive[large.name] = (cost.cpu_seconds, memory.memory_bytes)
    assert excessive == {}


@pytest.mark.parametrize("operation", OPERATIONS_WITH_BODY)
async def test_larger_bodies_are_refused_within_bounds(filled: Api, operation: str) -> None:
    for large in refused_bodies(operation):
        cost = await cost_of(large, filled, memory=False)
        assert 400 <= cost.status < 500, large
        assert cost.cpu_seconds < MAX_STALL_SECONDS, large
        assert (await cost_of(large, filled, memory=True)).memory_bytes < MAX_MEMORY_BYTES, large


async def test_long_texts_in_urls_are_served_within_bounds(filled: Api) -> None:
    for large in long_texts():
        cost = await cost_of(large, filled, memory=False)
        # A filter that nothing matches is no error.
        assert cost.status in {200, 404, 422}, large
        assert cost.cpu_seconds < MAX_STALL_SECONDS, large
