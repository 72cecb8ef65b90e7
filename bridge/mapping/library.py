"""Which mappings there are, and which one a writer schema gets: by the schema's identity, never by trying."""

from __future__ import annotations

import difflib
from functools import cache, lru_cache
from pathlib import Path

from bridge.alerts.fields import has_path
from bridge.alerts.schema import Schema
from bridge.errors import MappingError
from bridge.mapping.load import parse_mapping
from bridge.mapping.model import Mapping
from bridge.resources import mappings_folder
from bridge.small_files import read_small_text

__all__ = ["GENERIC", "GENERIC_DOCUMENT", "choose_mapping", "list_mappings", "load_mapping"]

GENERIC = "generic"
"""Key of the mapping that every alert falls back to."""

GENERIC_DOCUMENT = "generic-json"
"""Key of the mapping that every JSON document falls back to."""


@cache
def list_mappings() -> tuple[Mapping, ...]:
    """All mappings that come with the package, the generic ones last."""
    keys = sorted(path.stem for path in mappings_folder().glob("*.toml"))
    keys.sort(key=lambda key: key in (GENERIC, GENERIC_DOCUMENT))
    return tuple(load_mapping(key) for key in keys)


def load_mapping(name_or_path: str | Path) -> Mapping:
    """Load a mapping by its name ("ztf") or from a file; equal files give the same object.

    Raises
    ------
    MappingError
        If there is no such mapping, or it is malformed.
    """
    text = str(name_or_path)
    folder = mappings_folder()
    named = folder / f"{text}.toml"
    path = Path(text)
    if isinstance(name_or_path, str) and "/" not in text and not text.endswith(".toml"):
        if named.is_file():
            path = named
        elif not path.is_file():
            keys = sorted(item.stem for item in folder.glob("*.toml"))
            near = difflib.get_close_matches(text, keys, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise MappingError(
                f"There is no mapping {text!r}.{hint} Known: {', '.join(keys)}; "
                "or give the path of a TOML file."
            )
    try:
        content = read_small_text(path)
    except OSError as error:
        raise MappingError(f"The mapping {path} cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"The mapping {path} is not text in UTF-8 ({error}).") from error
    return _interned(content, path.stem, path.name if path == named else str(path))


@lru_cache(maxsize=64)
def _interned(content: str, key: str, filename: str) -> Mapping:
    return parse_mapping(content, key=key, filename=filename)


@lru_cache(maxsize=512)
def choose_mapping(schema: Schema) -> Mapping:
    """The mapping for a writer schema: the most specific one that claims it, else the generic one.

    Raises
    ------
    MappingError
        If two mappings claim the schema with equal right.
    """
    claims = [item for item in list_mappings() if item.key != GENERIC and _may_claim(item, schema)]
    if not claims:
        return load_mapping(GENERIC)
    claims.sort(key=_specificity, reverse=True)
    if len(claims) > 1 and _specificity(claims[0]) == _specificity(claims[1]):
        raise MappingError(
            f"Schema {schema.name} is claimed by mappings {claims[0].key!r} and {claims[1].key!r} alike: "
            "choose one with --mapping."
        )
    return claims[0]


def _may_claim(mapping: Mapping, schema: Schema) -> bool:
    # A mapping for documents claims Avro alerts only by name.
    return (bool(mapping.match.name) or not mapping.reads_documents) and mapping.match.accepts(
        schema, has_path
    )


def _specificity(mapping: Mapping) -> tuple[bool, int]:
    return bool(mapping.match.name), len(mapping.match.fields) + len(mapping.match.without)
