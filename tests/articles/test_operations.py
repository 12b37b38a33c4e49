"""The operations on articles, where neither tests/conformance nor the domain tests state the fact."""

import pytest

from tests.client import Api


@pytest.mark.parametrize(("method", "path"), [("POST", "/articles"), ("PUT", "/articles/dragons")])
async def test_too_many_tags_are_invalid(api: Api, method: str, path: str) -> None:
    jake = api.as_user("jake")
    article = await jake.publish("Dragons")
    new = {**article, "tagList": [f"tag {number}" for number in range(31)]}
    response = await jake.request(method, path, json={"article": new})
    assert response.status_code == 422
    assert response.json() == {"errors": {"tagList": ["has too many tags (at most 30)"]}}
