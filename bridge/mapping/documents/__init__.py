"""From a JSON notice, or an Avro alert read as a whole, to a VOEvent."""

from __future__ import annotations

from bridge.mapping.documents.choose import choose_for_notice, document_mappings
from bridge.mapping.documents.notice import Notice, notice_of_document, notice_of_packet
from bridge.mapping.documents.rest import top_names
from bridge.mapping.documents.scaffold import write_notice_scaffold
from bridge.mapping.documents.translate import DocumentTranslator, document_translator

__all__ = [
    "DocumentTranslator",
    "Notice",
    "choose_for_notice",
    "document_mappings",
    "document_translator",
    "notice_of_document",
    "notice_of_packet",
    "top_names",
    "write_notice_scaffold",
]
