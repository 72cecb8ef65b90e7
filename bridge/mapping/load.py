"""Mapping files: TOML in, `Mapping` out, every mistake named with its place and what was probably meant."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from bridge.errors import MappingError
from bridge.mapping.content import Reference
from bridge.mapping.load_content import (
    read_cutout,
    read_each,
    read_group,
    read_inference,
    read_params,
    read_scalars,
    read_table,
)
from bridge.mapping.model import CiteRule, Instant, Mapping, Match, Observatory, Place, RoleRule, Who
from bridge.mapping.section import Section
from bridge.mapping.times import ISO_SCALE, SCALES

__all__ = ["parse_mapping"]

ROLES = ("observation", "prediction", "utility", "test")
CITES = ("followup", "supersedes", "retraction")
SYSTEMS = (
    "UTC-ICRS-TOPO",
    "UTC-FK5-TOPO",
    "UTC-ICRS-GEO",
    "UTC-FK5-GEO",
    "TT-ICRS-TOPO",
    "TT-FK5-TOPO",
    "TT-ICRS-GEO",
    "TT-FK5-GEO",
    "TDB-ICRS-BARY",
    "TDB-FK5-BARY",
)


def parse_mapping(text: str, *, key: str, filename: str = "") -> Mapping:
    """Read a mapping from TOML text.

    Parameters
    ----------
    text
        The file's content.
    key
        Short name of the mapping ("ztf").
    filename
        Where the text came from, for messages.

    Raises
    ------
    MappingError
        If it is not TOML, lacks something, or has a key, conversion, scale or role that does not exist.
    """
    where = f"Mapping {filename or key}"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{where} is not TOML: {error}.") from error
    top = Section(where, data)
    event = top.section("event")
    reads_documents = top.choice("reads", ("alerts", "documents"), "alerts") == "documents"
    where_section = top.section("where")
    how = top.section("how")
    why = top.section("why")
    role_rules = tuple(_role_rule(rule) for rule in event.sections("role_rules"))
    mapping = Mapping(
        key=key,
        filename=filename,
        title=top.take("title", str, needed=True),
        about=top.take("about", str),
        match=_match(top.section("match")),
        event_id=_event_id(event),
        object_key=event.paths("object"),
        role=event.choice("role", ROLES, "observation"),
        role_rules=role_rules,
        absent=read_scalars(event, "absent") or (),
        who=_who(top.section("who")),
        place=_place(where_section, reads_documents),
        instants=_instants(top, reads_documents),
        how=how.take("about", str),
        how_references=_references(how),
        why=why.take("about", str),
        inferences=tuple(read_inference(item) for item in why.sections("inference")),
        references=_references(top),
        groups=tuple(read_group(item) for item in top.sections("group")),
        tables=tuple(read_table(item) for item in top.sections("table")),
        cutouts=tuple(read_cutout(item) for item in top.sections("cutout")),
        left_out=_left_out(top),
        rest=top.take("rest", bool),
        reads_documents=reads_documents,
        params=read_params(top.section("params")),
        author=event.take("author", str),
        subject=event.take("about", str),
        cite_rules=tuple(_cite_rule(rule) for rule in event.sections("cite_rules")),
        how_each=read_each(how.section("each")),
    )
    for section in (event, where_section, how, why, top):
        section.finish()
    _check_names(where, mapping)
    if not reads_documents:
        _check_alert_keys(where, mapping)
    elif any(table.current for table in mapping.tables):
        raise MappingError(f"{where}: 'current' is for tables of alerts; a document has all its rows itself.")
    return mapping


def _match(section: Section) -> Match:
    match = Match(
        name=section.take("name", str),
        fields=section.paths("fields"),
        without=section.paths("without"),
        schema_url=section.take("schema_url", str),
        topic=section.take("topic", str),
    )
    for key in ("name", "schema_url", "topic"):
        _check_expression(section, key, getattr(match, key))
    section.finish()
    return match


def _check_expression(section: Section, key: str, text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise MappingError(f"{section.where}, {key!r}: not a regular expression ({error}).") from error


def _event_id(section: Section) -> str:
    template = section.take("id", str, needed=True)
    if template.count("#") != 1 or template.startswith(("#", "/", "ivo:")) or template.endswith("#"):
        raise MappingError(
            f"{section.where}, 'id': {template!r} must be a stream, '#' and what identifies the event in it, "
            "for example 'ztf#{candid}'; the author's ivo://... is put before it."
        )
    return template


def _role_rule(section: Section) -> RoleRule:
    matches = section.take("matches", str)
    _check_expression(section, "matches", matches)
    rule = RoleRule(
        path=section.take("path", str, needed=True),
        equals=None if matches else _equals(section),
        role=section.choice("role", ROLES, "test"),
        matches=matches,
    )
    section.finish()
    return rule


def _cite_rule(section: Section) -> CiteRule:
    rule = CiteRule(
        path=section.take("path", str, needed=True),
        equals=_equals(section),
        cite=section.choice("cite", CITES, "supersedes"),
    )
    section.finish()
    return rule


def _equals(section: Section) -> Any:
    if "equals" not in section.left:
        raise MappingError(f"{section.where} has no 'equals', the value for which the rule holds.")
    section.known.append("equals")
    return section.left.pop("equals")


def _who(section: Section) -> Who:
    who = Who(
        title=section.take("title", str, "voevent-bridge"),
        short_name=section.take("short_name", str),
        contact_name=section.take("contact_name", str),
        contact_email=section.take("contact_email", str),
        contributors=section.paths("contributors"),
        about=section.take("about", str),
        reference=section.take("reference", str),
    )
    section.finish()
    return who


def _place(section: Section, reads_documents: bool) -> Place:
    observatory = None
    if "observatory" in section.left:
        inner = section.section("observatory")
        observatory = Observatory(
            name=inner.take("name", str, needed=True),
            longitude_deg=inner.take("longitude_deg", float) if "longitude_deg" in inner.left else None,
            latitude_deg=inner.take("latitude_deg", float) if "latitude_deg" in inner.left else None,
            altitude_m=inner.take("altitude_m", float) if "altitude_m" in inner.left else None,
        )
        inner.finish()
    section.known.append("observatory")
    return Place(
        ra=section.paths("ra", needed=not reads_documents),
        dec=section.paths("dec", needed=not reads_documents),
        error_deg=section.take("error_deg", float, needed=not reads_documents),
        error_from=section.paths("error_from"),
        about=section.take("about", str),
        system=section.choice("system", SYSTEMS, "UTC-ICRS-TOPO"),
        observatory=observatory,
        error=section.paths("error"),
        needed=section.take("needed", bool, not reads_documents),
    )


def _instants(top: Section, reads_documents: bool) -> tuple[Instant, ...]:
    if isinstance(top.left.get("when"), dict):
        top.left["when"] = [top.left["when"]]
    scales = (*SCALES, ISO_SCALE) if reads_documents else tuple(SCALES)
    instants = []
    for section in top.sections("when"):
        instants.append(
            Instant(
                paths=section.paths("path", needed=True),
                scale=section.choice("scale", scales),
                half_of=section.paths("add_half_of"),
                or_earlier=section.take("or_earlier", bool),
            )
        )
        if not instants[-1].scale:
            raise MappingError(f"{section.where} has no 'scale': one of {', '.join(scales)}.")
        section.finish()
    if not instants:
        raise MappingError(f"{top.where} has no [when]: path and scale of the observation's time.")
    return tuple(instants)


def _references(section: Section) -> tuple[Reference, ...]:
    references = []
    for item in section.sections("reference"):
        references.append(Reference(uri=item.take("uri", str, needed=True), about=item.take("about", str)))
        item.finish()
    return tuple(references)


def _left_out(top: Section) -> dict[str, str]:
    section = top.take("left_out", dict)
    for pattern, reason in section.items():
        if not isinstance(reason, str) or not reason:
            raise MappingError(f"{top.where}, [left_out], {pattern!r}: the reason is missing.")
    return section


def _check_alert_keys(where: str, mapping: Mapping) -> None:
    """What only documents can have is refused elsewhere, because it would be passed over in silence."""
    values = [value for group in mapping.groups for value in group.params]
    values += [value for table in mapping.tables for value in table.columns]
    wrong = {
        "[params]": mapping.params,
        "[event] author": mapping.author,
        "[event] about": mapping.subject,
        "[event] cite_rules": mapping.cite_rules,
        "[how] each": mapping.how_each,
        "[match] schema_url": mapping.match.schema_url,
        "[match] topic": mapping.match.topic,
        "[where] error": mapping.place.error,
        "'or_earlier' under [when]": any(item.or_earlier for item in mapping.instants),
        "'each' in an inference": any(item.each for item in mapping.inferences),
        "'each' and 'type' in a group": any(group.each or group.type for group in mapping.groups),
        "'param' and 'group' in a cutout": any(item.param or item.group for item in mapping.cutouts),
        "'matches' in a role rule": any(rule.matches for rule in mapping.role_rules),
        "'value' and 'type' of a Param": any(item.constant is not None or item.type for item in values),
    }
    for name, used in wrong.items():
        if used:
            raise MappingError(f'{where}: {name} is for documents: write reads = "documents" at the top.')


def _check_names(where: str, mapping: Mapping) -> None:
    """Names must be unique at each level (VOEvent 2.1, beyond the XSD), or readers find only one of two."""
    names = [group.name for group in mapping.groups] + [table.name for table in mapping.tables]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise MappingError(f"{where}: two groups or tables are named {sorted(twice)[0]!r}; rename one.")
