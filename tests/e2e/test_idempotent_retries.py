"""The function in docs/frontends.md that sends again, behind a network that loses answers."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.client import PASSWORD
from tests.program import TIMEOUT_SECONDS, RunningServer, require_program

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "docs" / "frontends.md"
FUNCTION = re.compile(r"^```js\n(async function create\(.*?)^```", re.DOTALL | re.MULTILINE)
# A proxy that passes requests on, and cuts the connection in place of the next two answers.
LOSING = """
import { connect, createServer } from "node:net";

let toLose = 0;
const proxy = createServer((client) => {
  const server = connect(Number(process.argv[2]), "127.0.0.1");
  client.pipe(server);
  server.on("data", (answer) => (toLose-- > 0 ? client.destroy() : client.write(answer)));
  server.on("end", () => client.end());
  client.on("close", () => server.destroy());
  for (const end of [client, server]) end.on("error", () => end.destroy());
});
await new Promise((listens) => proxy.listen(0, "127.0.0.1", listens));
const told = [];
let token;
for (const [path, body] of JSON.parse(process.argv[3])) {
  toLose = 2;
  const answer = await create(`http://127.0.0.1:${proxy.address().port}${path}`, body, token);
  const made = await answer.json();
  token = made.user ? made.user.token : token;
  told.push([answer.status, toLose < 0]);
}
console.log(JSON.stringify(told));
process.exit();
"""
CREATIONS = [
    ("/api/users", {"user": {"username": "jake", "email": "jake@example.com", "password": PASSWORD}}),
    ("/api/articles", {"article": {"title": "Dragons", "description": "On dragons", "body": "They fly."}}),
    ("/api/articles/dragons/comments", {"comment": {"body": "Nice"}}),
]


def test_what_a_page_creates_is_there_once_though_answers_are_lost(conduit: RunningServer) -> None:
    [create] = FUNCTION.findall(GUIDE.read_text(encoding="utf-8"))
    _, port = conduit.address
    completed = subprocess.run(  # noqa: S603 - what the guide says
        [require_program("node"), "--input-type=module", "-", str(port), json.dumps(CREATIONS)],
        input=create + LOSING,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout) == [[201, True]] * len(CREATIONS)
    with conduit.client() as client:
        assert client.get("/api/articles?author=jake").json()["articlesCount"] == 1
        assert len(client.get("/api/articles/dragons/comments").json()["comments"]) == 1
