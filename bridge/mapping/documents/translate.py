"""From a notice to a VOEvent: the parts of a packet in their order, for one mapping and one set of options.

Kept apart from the compiler for alerts because a document has no schema to compile for: what is there is
looked up notice by notice, in half a millisecond each. Notices are few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from bridge.errors import MappingError
from bridge.mapping import elements, parts
from bridge.mapping.content import Group, Value
from bridge.mapping.documents.identity import SERIAL, Identifier, object_key, serial_number, stream_of
from bridge.mapping.documents.images import Images
from bridge.mapping.documents.notice import Notice
from bridge.mapping.documents.params import GroupWriter, ParamWriter, group_element, param_element
from bridge.mapping.documents.paths import value_at
from bridge.mapping.documents.place import find_whereabouts
from bridge.mapping.documents.rest import named_paths, rest_of, write_rest
from bridge.mapping.documents.tables import DocumentRows, DocumentTable, TableWriter
from bridge.mapping.documents.texts import text_of_value
from bridge.mapping.documents.why import how_element, why_element
from bridge.mapping.fit import fit
from bridge.mapping.model import Mapping, RoleRule
from bridge.mapping.options import TranslateOptions
from bridge.voevent.event import Earlier, Event, Past
from bridge.voevent.ids import check_authority
from bridge.voevent.xmltext import escape, is_uri

__all__ = ["DocumentTranslator", "document_translator"]

MOST_CITED = 50


class DocumentTranslator:
    """Translates notices by one mapping; use `document_translator` to get one.

    Parameters
    ----------
    mapping
        A mapping that reads documents.
    options
        How to translate.

    Raises
    ------
    MappingError
        If the mapping is for alerts.
    UsageError
        If brokers would refuse the author's identifier.
    """

    def __init__(self, mapping: Mapping, options: TranslateOptions) -> None:
        if not mapping.reads_documents:
            raise MappingError(
                f"Mapping {mapping.key} is for Avro alerts and not for JSON notices; choose one that has "
                'reads = "documents", or leave the choice to the program.'
            )
        self.mapping = mapping
        self.options = options
        self._identifier = Identifier(mapping, options.local_ivo)
        self._head, self._tail = elements.who_pieces(mapping, check_authority(options.local_ivo))
        absent = mapping.absent
        self._params = {value.name: ParamWriter(value, absent) for value in mapping.params}
        self._groups = [GroupWriter(group, absent) for group in mapping.groups]
        self._tables = [TableWriter(table, absent, options.history) for table in mapping.tables]
        self._named = named_paths(mapping)
        self._counts = SERIAL in self._identifier.holes

    @property
    def wants_past(self) -> bool:
        """Whether a packet depends on earlier ones about its object."""
        return self._counts or bool(self.mapping.cite_rules)

    def __call__(self, notice: Notice, *, date: str, past: Past | None = None) -> Event:
        """Translate one notice.

        Parameters
        ----------
        notice
            The notice.
        date
            When the VOEvent is authored: UTC, ISO 8601 with seconds.
        past
            Finds earlier packets about the object; None if nothing is known of them.

        Raises
        ------
        PacketError
            If the notice cannot become an event, with reason and field.
        OSError
            If a sky map cannot be saved.
        """
        content = notice.content
        key = object_key(self.mapping, content)
        earlier = self._earlier(key, past, content)
        known = next((item.ivorn for item in earlier if item.digest == notice.digest), None)
        earlier = [item for item in earlier if item.digest != notice.digest]
        if self._counts:
            created = str(content.get("time_created", ""))
            content = {**content, SERIAL: serial_number(earlier, known, key, created)}
        ivorn = known or self._identifier.ivorn(lambda name: self._hole(name, content, notice))
        role = self._role(notice, content)
        where = find_whereabouts(self.mapping, content, earlier)
        images = Images(self.mapping.cutouts, self.options)
        images.take(content, ivorn)
        before = [
            elements.ROOT_HEAD, role.encode(), b'" ivorn="', escape(ivorn), b'">', self._head,
            parts.check_date(date), self._tail, *self._what(content, images),
        ]  # fmt: skip
        rest_groups, tables = self._rest(content)
        before += rest_groups
        after = [
            *images.notes, *images.references, b"\n</What>", where.xml, how_element(self.mapping, content),
            why_element(self.mapping, content), self._citations(content, earlier),
            elements.described(self.mapping.subject), self._page(content), b"\n</voe:VOEvent>\n",
        ]  # fmt: skip
        xml, shed = fit(before, tables, images.attachments, after, self.options.max_bytes)
        return Event(
            ivorn, xml, role, key, where.ra_deg, where.dec_deg, where.observed_at, notice.digest, shed
        )

    def _earlier(self, key: str, past: Past | None, content: dict[str, Any]) -> Sequence[Earlier]:
        """Earlier packets of this stream about the object, so not those of another survey."""
        if not key or past is None or not self.wants_past:
            return ()
        stream = self._identifier.stream(lambda name: self._hole(name, content, None)) + "#"
        return [item for item in past(key) if item.ivorn.startswith(stream)]

    def _hole(self, name: str, content: dict[str, Any], notice: Notice | None) -> str:
        if name == "stream":
            return stream_of(str(content.get("$schema", "")))
        if name == "digest":
            return notice.digest[:8] if notice is not None else ""
        text = (
            self._params[name].text(content)
            if name in self._params
            else text_of_value(value_at(content, name))
        )
        return text[0] if text is not None else ""

    def _role(self, notice: Notice, content: dict[str, Any]) -> str:
        if self.options.role is not None:
            return self.options.role
        if notice.is_test:
            return "test"
        role = self.mapping.role
        for rule in self.mapping.role_rules:
            if _meets(rule, value_at(content, rule.path)):
                role = rule.role
        return role

    def _what(self, content: dict[str, Any], images: Images) -> Iterable[bytes]:
        yield b"\n<What>" + elements.described(self.mapping.about)
        for writer in self._params.values():
            yield writer.write(content)
        written = set()
        for group in self._groups:
            written.add(group.group.name)
            yield group.write(content, images.params.get(group.group.name, ()))
        for name, params in images.params.items():
            if name not in written:
                yield group_element(Group(name=name, type=name), params) if name else b"".join(params)

    def _rest(self, content: dict[str, Any]) -> tuple[list[bytes], list[tuple[DocumentTable, DocumentRows]]]:
        tables = [pair for writer in self._tables if (pair := writer.write(content)) is not None]
        if not self.mapping.rest:
            return [], tables
        taken = {group.name for group in self.mapping.groups} | {table.name for table in self.mapping.tables}
        groups, more = write_rest(rest_of(content, self.mapping, self._named), taken, self.mapping)
        for table, rows in more:
            pair = TableWriter(table, self.mapping.absent, self.options.history).write(rows)
            if pair is not None:
                tables.append(pair)
        return [_members(group, members) for group, members in groups], tables

    def _citations(self, content: dict[str, Any], earlier: Sequence[Earlier]) -> bytes:
        for rule in self.mapping.cite_rules:
            if value_at(content, rule.path) == rule.equals and earlier:
                cited = b"".join(
                    b'\n<EventIVORN cite="%b">%b</EventIVORN>' % (rule.cite.encode(), escape(item.ivorn))
                    for item in earlier[-MOST_CITED:]
                )
                return b"\n<Citations>" + cited + b"</Citations>"
        return b""

    def _page(self, content: dict[str, Any]) -> bytes:
        """The first reference that the notice has all values for; a packet has one at its end."""
        for item in self.mapping.references:
            uri = _filled_uri(item.uri, content)
            if uri:
                return b"\n" + elements.reference(escape(uri), item.about)
        return b""


@lru_cache(maxsize=64)
def document_translator(mapping: Mapping, options: TranslateOptions | None = None) -> DocumentTranslator:
    """The translator for a mapping that reads documents, made once; raises as `DocumentTranslator`."""
    return DocumentTranslator(mapping, options or TranslateOptions())


def _meets(rule: RoleRule, value: Any) -> bool:
    if rule.matches:
        return value is not None and re.search(rule.matches, str(value)) is not None
    return bool(value == rule.equals)


def _members(group: Group, members: dict[str, Any]) -> bytes:
    params = []
    for name, raw in members.items():
        value = Value(name=name, paths=())
        text = text_of_value(raw)
        if text is not None:
            params.append(param_element(value, text))
    return group_element(group, params)


def _filled_uri(template: str, content: dict[str, Any]) -> str:
    """The template with its values, or empty text where one is missing or the result is no URI."""
    texts = [text_of_value(value_at(content, path)) for path in parts.HOLE.findall(template)]
    values = [text[0] for text in texts if text is not None]
    if len(values) < len(texts):
        return ""
    # A whole address stands as it is.
    quoted = iter(values if parts.HOLE.fullmatch(template) else (quote(value, safe="") for value in values))
    uri = parts.HOLE.sub(lambda _: next(quoted), template)
    return uri if is_uri(uri) else ""
