"""HEAD for every resource that has a GET (RFC 9110, 9.1 and 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENDPOINT = "endpoint"


class HeadMiddleware:
    """An ASGI middleware that processes a HEAD as a GET, and sends the head of the response only.

    All middleware inside adds the headers of a GET. The request log and the traces, which are outside,
    have the HEAD.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; send an empty body when the response starts, and nothing after it."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        get_scope = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                if ENDPOINT in get_scope:
                    scope[ENDPOINT] = get_scope[ENDPOINT]
                await send(message)
                # At once: a stream would not end by itself. `receive` reports a disconnect from now on.
                await send({"type": "http.response.body", "body": b""})

        await self._app(get_scope, receive, send_head)
