"""Who says it, how it was seen, why it may matter, and what it cites (VOEvent 2.0, sections 3.2 to 3.7)."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.voevent.grammar import (
    attribute,
    child,
    children,
    content,
    number_attribute,
    text_child,
    text_children,
)
from bridge.voevent.what import Reference
from bridge.voevent.where import Number

__all__ = ["Author", "Citations", "Contributor", "EventIvorn", "How", "Inference", "Who", "Why"]


@dataclass(frozen=True, slots=True)
class Contributor:
    """A person or institution with a part in the event (2.1).

    Parameters
    ----------
    name
        Its name.
    alt_identifier
        URI such as an ORCID.
    role
        Part, in DataCite's words.
    ivorn
        Identifier in the registry.
    """

    name: str = content("name")
    alt_identifier: str | None = attribute("altIdentifier")
    role: str | None = attribute("role")
    ivorn: str | None = attribute("ivorn")


@dataclass(frozen=True, slots=True)
class Author:
    """Who is responsible for the packet; each part may be repeated."""

    titles: tuple[str, ...] = text_children("title")
    short_names: tuple[str, ...] = text_children("shortName")
    logo_urls: tuple[str, ...] = text_children("logoURL")
    contact_names: tuple[str, ...] = text_children("contactName")
    contact_phones: tuple[str, ...] = text_children("contactPhone")
    contact_emails: tuple[str, ...] = text_children("contactEmail")
    contributor_names: tuple[str, ...] = text_children("contributor")
    contributors: tuple[Contributor, ...] = children("Contributor", Contributor)


@dataclass(frozen=True, slots=True)
class Who:
    """Who says it, and when it was written (`date`: UTC, ISO 8601)."""

    author_ivorn: str | None = text_child("AuthorIVORN")
    author: Author | None = child("Author", Author)
    date: str | None = text_child("Date")
    description: str | None = text_child("Description")
    reference: Reference | None = child("Reference", Reference)


@dataclass(frozen=True, slots=True)
class How:
    """With which instruments and methods."""

    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)


@dataclass(frozen=True, slots=True)
class Inference:
    """What the author takes the event for.

    Parameters
    ----------
    probability
        From 0 to 1.
    relation
        Of the event to what is named: ``associated``, ``identified``, or free words.
    names, concepts, descriptions, references
        What it is.
    """

    probability: Number | None = number_attribute("probability")
    relation: str | None = attribute("relation")
    names: tuple[str, ...] = text_children("Name")
    concepts: tuple[str, ...] = text_children("Concept")
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)


@dataclass(frozen=True, slots=True)
class Why:
    """The first scientific assessment.

    Parameters
    ----------
    importance
        From 0 to 1.
    expires
        When the event is no more of interest, UTC in ISO 8601.
    names, concepts, descriptions, references
        What it is about.
    inferences
        What it may be.
    """

    importance: Number | None = number_attribute("importance")
    expires: str | None = attribute("expires")
    names: tuple[str, ...] = text_children("Name")
    concepts: tuple[str, ...] = text_children("Concept")
    inferences: tuple[Inference, ...] = children("Inference", Inference)
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)


@dataclass(frozen=True, slots=True)
class EventIvorn:
    """An earlier event.

    Parameters
    ----------
    ivorn
        Its identifier.
    cite
        followup, supersedes or retraction, as written.
    """

    ivorn: str = content("ivorn")
    cite: str | None = attribute("cite")


@dataclass(frozen=True, slots=True)
class Citations:
    """The events to which this one refers."""

    events: tuple[EventIvorn, ...] = children("EventIVORN", EventIvorn)
    description: str | None = text_child("Description")
