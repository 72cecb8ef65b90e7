"""How and Why of a document: the instruments that took part, and the classes with their probabilities."""

from __future__ import annotations

from typing import Any

from bridge.mapping import elements
from bridge.mapping.content import Inference
from bridge.mapping.documents.paths import first_value, value_at
from bridge.mapping.documents.texts import renderer, text_of_value
from bridge.mapping.model import Mapping
from bridge.mapping.parts import inference_renderer
from bridge.voevent.xmltext import escape

__all__ = ["how_element", "why_element"]


def how_element(mapping: Mapping, content: dict[str, Any]) -> bytes:
    """How; empty where the mapping says nothing of it, or the notice lacks what the mapping asks for."""
    described = []
    if mapping.how_each is not None:
        members, _ = first_value(content, mapping.how_each.paths)
        if not members:
            return b""
        render = renderer(mapping.how_each, ())
        texts = [render(each) for each in (members if isinstance(members, list) else [members])]
        described = [elements.described(text[0]) for text in texts if text is not None]
    inner = elements.described(mapping.how) + b"".join(described)
    inner += b"".join(elements.reference(escape(item.uri), item.about) for item in mapping.how_references)
    return b"\n<How>%b</How>" % inner if inner else b""


def why_element(mapping: Mapping, content: dict[str, Any]) -> bytes:
    """Why; empty where there is no class with a probability from 0 to 1."""
    inferences = b"".join(_inferences(item, content) for item in mapping.inferences)
    if not inferences:
        return b""
    return b"\n<Why>" + elements.described(mapping.why) + inferences + b"</Why>"


def _inferences(inference: Inference, content: dict[str, Any]) -> bytes:
    if not inference.each:
        value, _ = first_value(content, inference.probability)
        return _inference(inference, inference.name, value, content)
    members, _ = first_value(content, inference.each)
    if not isinstance(members, dict):
        return b""
    return b"".join(_inference(inference, name, value, content) for name, value in members.items())


def _inference(inference: Inference, name: str, value: Any, content: dict[str, Any]) -> bytes:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return b""
    text = text_of_value(value)
    concept = next((value_at(content, path) for path in inference.concept_from), None)
    named = Inference(
        name=inference.name or name,
        probability=(),
        concept=inference.concept,
        codes=inference.codes,
        relation=inference.relation,
        about=inference.about,
    )
    return inference_renderer(named)(value, text[0].encode() if text else None, concept)
