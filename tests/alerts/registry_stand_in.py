"""A stand-in for a schema registry: an HTTP server that speaks what is used of Confluent's REST protocol.

No registry server can be had from package repositories. This one gives prepared answers, and takes schemas in
as a registry does: the same schema has the same id for ever.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

__all__ = ["StandIn"]

FIRST_ID = 101


class StandIn(ThreadingHTTPServer):
    """Serves answers by path while its context lasts, and keeps what was asked and sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.ids: dict[str, int] = {}
        self.subjects: set[str] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/schema-registry"

    def put(self, path: str, *answers: object, status: int = 200) -> None:
        """Prepare the answers to a path: one after the other, and the last for ever."""
        self.answers["/schema-registry" + path] = [
            (status, a if isinstance(a, bytes) else json.dumps(a).encode()) for a in answers
        ]

    def take_in(self, path: str, document: dict[str, str]) -> None:
        """Register a schema, unless an answer to this has been prepared."""
        found = re.fullmatch(r"/schema-registry(/subjects/[^/]+/versions)", path)
        if found and (path not in self.answers or found[1] in self.subjects):
            self.subjects.add(found[1])
            number = self.ids.setdefault(document["schema"], FIRST_ID + len(self.ids))
            self.put(found[1], {"id": number})
            self.put(f"/schemas/ids/{number}", {"schema": document["schema"]})


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers.get(self.path)
        missing = (404, b'{"error_code": 40403, "message": "Schema not found"}')
        status, body = missing if not answers else answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append(document)
        self.server.take_in(self.path, document)
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass
