"""A client of schema registries that speak Confluent's REST protocol: reads by id, and registers schemas.

Asked are ``GET /schemas/ids/{id}`` and, for a schema in several parts or the latest one,
``GET /subjects/{subject}/versions/{version}``; a producer's schema gets its id by
``POST /subjects/{subject}/versions`` (Confluent Schema Registry API reference). These three need no client
library: that of confluent-kafka would bring an HTTP client and a second Avro along.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge import __version__
from bridge.alerts.schema import Schema, parse_schema
from bridge.alerts.schema_files import inline_references
from bridge.errors import SchemaError, UsageError

__all__ = ["LSST_REGISTRY", "Registry", "RegistryDownError", "is_registry_url"]

LSST_REGISTRY = "https://rubin-alert-schemas.slac.stanford.edu/schema-registry"
"""Rubin's public registry of alert schemas."""

REPLY_LIMIT = 16 << 20
SENT = "application/vnd.schemaregistry.v1+json"
ACCEPTED = "application/vnd.schemaregistry.v1+json, application/json"


class RegistryDownError(SchemaError):
    """A registry that does not answer now and may answer later."""


def is_registry_url(text: str) -> bool:
    """Whether `text` is a URL (of a registry) rather than a path."""
    return text.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Registry:
    """A schema registry.

    Parameters
    ----------
    url
        Base URL, ``http://`` or ``https://``, without ``/schemas/ids``.
    timeout_s
        Of one request.
    attempts
        Requests before a registry that does not answer is given up.
    sleep
        Waits between attempts; takes seconds.
    """

    url: str
    timeout_s: float = 10.0
    attempts: int = 3
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if not is_registry_url(self.url) or not urllib.parse.urlsplit(self.url).hostname:
            raise UsageError(f"'{self.url}' is not the URL of a schema registry (http://... or https://...).")

    @property
    def slug(self) -> str:
        """The URL as a file name: ids mean something within their registry only."""
        parts = urllib.parse.urlsplit(self.url)
        text = f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        return "".join(c if c.isalnum() or c in ".-" else "_" for c in text)

    def fetch(self, schema_id: int) -> Schema:
        """The schema with this id.

        Raises
        ------
        SchemaError
            If the registry does not know it or answers something else.
        RegistryDownError
            If it cannot be reached.
        """
        return self._schema(f"/schemas/ids/{schema_id}", f"schema id {schema_id}")

    def fetch_latest(self, subject: str) -> tuple[int, Schema]:
        """Id and schema of the latest version under a subject ("alert-packet").

        Raises
        ------
        SchemaError
            As `fetch`.
        """
        path = f"/subjects/{urllib.parse.quote(subject, safe='')}/versions/latest"
        what = f"subject '{subject}'"
        reply = self._get(path, what)
        if not isinstance(reply.get("id"), int):
            raise SchemaError(f"The registry {self.url} gave no id for {what}.")
        return reply["id"], self._parse(reply, what)

    def register(self, subject: str, schema: Schema) -> int:
        """Put a schema under a subject; gives its id, which is the old one if the registry has it already.

        Parameters
        ----------
        subject
            Name under which its versions are kept ("alert-packet").
        schema
            The schema, self-contained.

        Raises
        ------
        SchemaError
            If the registry refuses it, for example as incompatible with the versions before.
        RegistryDownError
            If it cannot be reached.
        """
        what = f"the schema {schema.name} under '{subject}'"
        path = f"/subjects/{urllib.parse.quote(subject, safe='')}/versions"
        reply = self._ask(path, what, json.dumps({"schema": schema.text, "schemaType": "AVRO"}).encode())
        if not isinstance(reply.get("id"), int):
            raise SchemaError(f"The registry {self.url} gave no id for {what}.")
        schema_id: int = reply["id"]
        return schema_id

    def _schema(self, path: str, what: str) -> Schema:
        return self._parse(self._get(path, what), what)

    def _parse(self, reply: dict[str, Any], what: str) -> Schema:
        kind = reply.get("schemaType", "AVRO")
        text = reply.get("schema")
        if kind != "AVRO" or not isinstance(text, str):
            raise SchemaError(f"The registry {self.url} holds no Avro schema for {what} (type {kind}).")
        references = {
            r["name"]: r for r in reply.get("references") or [] if isinstance(r, dict) and "name" in r
        }
        try:
            if not references:
                return parse_schema(text)

            def part(name: str) -> Any:
                if name not in references:
                    raise SchemaError(f"It refers to '{name}', which the registry does not list.")
                found = references[name]
                subject = urllib.parse.quote(str(found.get("subject")), safe="")
                inner = self._get(
                    f"/subjects/{subject}/versions/{found.get('version')}", f"its part '{name}'"
                )
                return json.loads(str(inner.get("schema")))

            return parse_schema(inline_references(json.loads(text), part))
        except (SchemaError, ValueError) as error:
            raise SchemaError(f"The registry {self.url} gave an unusable {what}. {error}") from error

    def _get(self, path: str, what: str) -> dict[str, Any]:
        return self._ask(path, what, None)

    def _ask(self, path: str, what: str, content: bytes | None) -> dict[str, Any]:
        address = self.url.rstrip("/") + path
        # The address is http or https: the constructor saw to it.
        headers = {"Accept": ACCEPTED, "User-Agent": f"voevent-bridge/{__version__}"}
        if content is not None:
            headers["Content-Type"] = SENT
        request = urllib.request.Request(address, data=content, headers=headers)
        reason = ""
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(0.5 * 2**attempt)
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as reply:
                    body = reply.read(REPLY_LIMIT + 1)
                break
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    raise SchemaError(f"The registry {self.url} does not know {what}.") from error
                reason = f"it answers HTTP status {error.code}{_said(error)}"
                if error.code < 500 and error.code != 429:
                    raise SchemaError(f"The registry {self.url} refuses {what}: {reason}.") from error
            except (OSError, http.client.HTTPException) as error:
                reason = str(getattr(error, "reason", "") or error or type(error).__name__)
        else:
            raise RegistryDownError(
                f"The registry {self.url} cannot be asked for {what} ({reason}, {self.attempts} attempts). "
                "Check the address and the network, or name a folder of schemas with --schemas DIR."
            )
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if len(body) > REPLY_LIMIT or not isinstance(answer, dict):
            raise SchemaError(
                f"{address} did not answer as a schema registry does (no JSON object). Check its URL."
            )
        return answer


def _said(error: urllib.error.HTTPError) -> str:
    """The registry's own words about an error, where it has some."""
    try:
        words = json.loads(error.read(REPLY_LIMIT))["message"]
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return ""
    return f", {str(words)[:300]}"
