"""From an alert to a VOEvent: mapping files, and the translators compiled from them."""

from __future__ import annotations

from bridge.mapping.compile import Translator, compile_translator
from bridge.mapping.library import choose_mapping, list_mappings, load_mapping
from bridge.mapping.model import Mapping
from bridge.mapping.options import TranslateOptions

__all__ = [
    "Mapping",
    "TranslateOptions",
    "Translator",
    "choose_mapping",
    "compile_translator",
    "list_mappings",
    "load_mapping",
]
