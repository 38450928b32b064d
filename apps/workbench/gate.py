"""Who may talk to the server: host names, origins, the password; and what a page may load."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alnlp.errors import AlnlpError
from alnlp.project.creating import IMPORTED

_LARGEST_BODY = 8_000_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Gradio builds its components with eval and inline styles; nothing may come from elsewhere.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class Refused(AlnlpError):
    """Somebody acts under another name than the one they logged in with."""


def check_user(request: Request, annotator: str) -> None:
    """Refuse to act for another annotator than the one who is logged in, or for a file.

    Raises:
        Refused: it is another one, or the name by which answers of files are known.
    """
    if annotator == IMPORTED:
        raise Refused(f"annotator: got {annotator!r}, which stands for files; take another name")
    user = request.scope["alnlp.user"]
    if user is not None and user != annotator:
        raise Refused(f"annotator: got {annotator!r}, but you are logged in as {user!r}")


def is_loopback(host: str) -> bool:
    """Whether a server on this address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Gate:
    """ASGI middleware around all routes, Gradio's too.

    Args:
        app: what it guards.
        password: of everybody, by HTTP Basic auth; the user name is the annotator's. None: open.
        local: serve only requests that name this machine as their host, since a page on the web
            can point its own name at 127.0.0.1 (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, password: str | None, local: bool) -> None:
        self._app = app
        self._password = password
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a refusal, or hand on to the app."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(scope, send, *refusal)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                guarded = MutableHeaders(scope=message)
                guarded["Content-Security-Policy"] = _POLICY
                guarded["X-Content-Type-Options"] = "nosniff"
                guarded["Referrer-Policy"] = "no-referrer"
                if scope["path"].startswith("/alnlp/"):
                    guarded.setdefault("Cache-Control", "no-cache")
            await send(message)

        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > _LARGEST_BODY and scope["path"].startswith("/alnlp/"):
                raise HTTPException(413, f"body: got more than {_LARGEST_BODY:,} bytes; send less")
            return message

        await self._app(scope, receive_limited, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._local and not is_loopback(_hostname(host)):
            return 400, "host: got another name than localhost; open the address that was printed"
        scope["alnlp.user"] = None
        if self._password is not None:
            user = _user(headers.get("authorization", ""), self._password)
            if user is None:
                return 401, "password: missing or wrong; the user name is your annotator name"
            scope["alnlp.user"] = user
        origin = headers.get("origin")
        ours = scope["path"].startswith("/alnlp/")
        # A picture of another page sends no origin, and a look may set the network to work.
        foreign = ours and headers.get("sec-fetch-site") == "cross-site"
        if foreign or (origin is not None and urlsplit(origin).netloc != host):
            return 403, "origin: this request comes from another site"
        if scope["type"] == "websocket" or scope["method"] in _SAFE_METHODS:
            return None
        if ours:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                return 415, f"content type: got {kind[:40]!r}, expected application/json"
        return None


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _user(authorization: str, password: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, colon, given = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    right = hmac.compare_digest(given.encode(), password.encode())
    return user if scheme.lower() == "basic" and colon and user.strip() and right else None


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="alnlp", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": reason}).encode()})
