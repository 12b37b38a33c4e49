"""Requests with a content coding (RFC 9110, 8.4, 12.5.3 and 15.5.16)."""

import gzip
import json

import pytest

from tests.client import Api
from tests.conformance.writes import REGISTER


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x-unknown"])
async def test_content_coding_gets_415_with_those_accepted(api: Api, coding: str) -> None:
    body = gzip.compress(json.dumps(REGISTER.body()).encode())
    headers = {"Content-Encoding": coding, "Content-Type": "application/json", "Origin": "https://a.example"}
    response = await api.request("POST", "/users", content=body, headers=headers)
    assert (response.status_code, response.json()) == (
        415,
        {"errors": {"content-encoding": ["is not supported"]}},
    )
    assert response.headers["Accept-Encoding"] == "identity"
    # Pages of other origins can read it.
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_identity_is_accepted(api: Api, coding: str) -> None:
    response = await api.post("/users", REGISTER.body(), headers={"Content-Encoding": coding})
    assert response.status_code == 201
