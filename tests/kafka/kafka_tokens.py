"""A stand-in for an OpenID Connect token end point: gives unsigned tokens to whoever knows the secret.

It speaks the client-credentials grant (RFC 6749, section 4.4), which is what librdkafka's
``sasl.oauthbearer.method=oidc`` asks, over HTTP, or over HTTPS with a certificate. A real service signs its
tokens.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "TokenEndPoint"]

CLIENT_ID = "client-of-the-tests"
CLIENT_SECRET = "nothing-that-opens-anything"


class TokenEndPoint(ThreadingHTTPServer):
    """Serves tokens on a free port while its context lasts."""

    daemon_threads = True

    def __init__(self, lifetime_s: int = 600, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.lifetime_s = lifetime_s
        self.given = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_port}/oauth2/token"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def token(self) -> str:
        now = int(time.time())
        header = {"alg": "none", "typ": "JWT"}
        payload = {"sub": CLIENT_ID, "iat": now - 1, "exp": now + self.lifetime_s, "scope": "read"}
        return f"{_part(header)}.{_part(payload)}."


class _Handler(BaseHTTPRequestHandler):
    server: TokenEndPoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        known = self.headers.get("Authorization") == f"Basic {expected}"
        if known and urllib.parse.parse_qs(body).get("grant_type") == ["client_credentials"]:
            self.server.given += 1
            answer = {"access_token": self.server.token(), "token_type": "Bearer", "expires_in": 600}
            self._answer(200, answer)
        else:
            self._answer(401, {"error": "invalid_client"})

    def _answer(self, status: int, answer: dict[str, object]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def _part(document: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
