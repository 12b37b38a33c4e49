"""A handler that waits for another service, in a served Conduit: what others write meanwhile."""

import os
from pathlib import Path

import pytest

from tests import program
from tests.client import PASSWORD

pytestmark = pytest.mark.slow

# The other service: two pipes. The test reads the call from one, and writes the response to the other.
WEBHOOK = """
import asyncio
from pathlib import Path

from modules.articles.contracts import ArticleFavorited
from modules.kernel.container import ModuleContainer
from modules.kernel.domain.events import DeliveryId, DeliveryMode
from modules.kernel.module import Module, Subscription


async def call(event: ArticleFavorited, delivery: DeliveryId) -> None:
    await asyncio.to_thread(Path("call").write_text, f"{event.user_id} {delivery}")
    await asyncio.to_thread(Path("response").read_text)


MODULE = Module(
    name="webhook",
    container=ModuleContainer,
    subscriptions=[
        Subscription(ArticleFavorited, lambda _container: call, DeliveryMode.CALLED_AFTER_COMMIT)
    ],
)
"""


def test_another_users_favorite_is_stored_while_a_handler_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.write_plugin(tmp_path / "plugins", "webhook", WEBHOOK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"), prepend=os.pathsep)
    for pipe in ("call", "response"):
        os.mkfifo(tmp_path / pipe)
    assert program.conduit(tmp_path, "migrate").returncode == 0
    with program.served(tmp_path) as served, served.client() as client:

        def register(name: str) -> dict[str, str]:
            user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            response = client.post("/api/users", json={"user": user})
            return {"Authorization": f"Token {response.json()['user']['token']}"}

        jake, anna = register("jake"), register("anna")
        article = {"title": "Dragons", "description": "On dragons", "body": "They fly."}
        client.post("/api/articles", headers=jake, json={"article": article})
        assert client.post("/api/articles/dragons/favorite", headers=jake).status_code == 200
        jakes_call = (tmp_path / "call").read_text()
        favorited = client.post("/api/articles/dragons/favorite", headers=anna)
        assert favorited.json()["article"]["favoritesCount"] == 2
        (tmp_path / "response").write_text("")
        annas_call = (tmp_path / "call").read_text()
        (tmp_path / "response").write_text("")
        assert [call.split()[0] for call in (jakes_call, annas_call)] == ["1", "2"]
        assert jakes_call.split()[1] != annas_call.split()[1]
