"""One language for our screens and for Gradio's own components, which know only the first one."""

from __future__ import annotations

import json

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alnlp_apps.workbench.texts import TEXTS

# The languages of a browser are in the order of its header Accept-Language. What Gradio puts into
# the head itself comes after it has chosen.
_SCRIPT = """<script>{
  const spoken = LANGUAGES;
  const best = navigator.languages?.find((one) => spoken.includes(one.split("-")[0].toLowerCase()));
  if (best) Object.defineProperty(navigator, "language", { get: () => best });
}</script>""".replace("LANGUAGES", json.dumps(sorted(TEXTS)))


class Spoken:
    """Lets the page begin with the language of the browser that there are words in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put a script into the page, before all others."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def put(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if b"<head>" in body:
                body = body.replace(b"<head>", b"<head>" + _SCRIPT.encode(), 1)
                MutableHeaders(scope=start)["Content-Length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, put)
