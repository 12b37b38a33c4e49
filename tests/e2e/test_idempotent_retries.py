"""The retrying function of docs/frontends.md, behind a proxy that loses responses."""

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
# A proxy that closes the connection instead of forwarding the next two responses.
LOSSY_PROXY = """
import { connect, createServer } from "node:net";

let toLose = 0;
const proxy = createServer((client) => {
  const server = connect(Number(process.argv[2]), "127.0.0.1");
  client.pipe(server);
  server.on("data", (response) => (toLose-- > 0 ? client.destroy() : client.write(response)));
  server.on("end", () => client.end());
  client.on("close", () => server.destroy());
  for (const end of [client, server]) end.on("error", () => end.destroy());
});
await new Promise((listens) => proxy.listen(0, "127.0.0.1", listens));
const results = [];
let token;
for (const [path, body] of JSON.parse(process.argv[3])) {
  toLose = 2;
  const response = await create(`http://127.0.0.1:${proxy.address().port}${path}`, body, token);
  const created = await response.json();
  token = created.user ? created.user.token : token;
  results.push([response.status, toLose < 0]);
}
console.log(JSON.stringify(results));
process.exit();
"""
CREATIONS = [
    ("/api/users", {"user": {"username": "jake", "email": "jake@example.com", "password": PASSWORD}}),
    ("/api/articles", {"article": {"title": "Dragons", "description": "On dragons", "body": "They fly."}}),
    ("/api/articles/dragons/comments", {"comment": {"body": "Nice"}}),
]


def test_lost_responses_create_no_duplicates(conduit: RunningServer) -> None:
    [create] = FUNCTION.findall(GUIDE.read_text(encoding="utf-8"))
    _, port = conduit.address
    completed = subprocess.run(  # noqa: S603 - the guide's code
        [require_program("node"), "--input-type=module", "-", str(port), json.dumps(CREATIONS)],
        input=create + LOSSY_PROXY,
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
