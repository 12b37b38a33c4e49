"""Every change of a contract gets the right verdict."""

from pathlib import Path

import pytest

from conduit_devtools.checks.compatibility.change import worst
from conduit_devtools.checks.compatibility.contract import compare_contracts, read_contract
from tests.architecture.contract_seeds import CONTRACT, SEEDS, Seed

FILE = Path("modules/notes/contracts.py")


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_verdict(seed: Seed) -> None:
    assert seed.old in CONTRACT
    text = CONTRACT.replace(seed.old, seed.new)
    if seed.name == "methods reordered":
        text = text.replace("    async def ids", f"{seed.old}    async def ids")
    assert text != CONTRACT
    old, new = (read_contract("modules.notes.contracts", FILE, version) for version in (CONTRACT, text))
    changes = list(compare_contracts(old, new, FILE))
    assert (worst(changes), {change.thing for change in changes}) == (seed.verdict, {*seed.things}), changes
    assert all(change.line > 1 for change in changes if change.what != "removed")
