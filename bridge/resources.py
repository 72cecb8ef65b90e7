"""Where the data folders that travel with the package lie: ``mappings/`` and ``schemas/``.

An installed wheel carries them inside the package; a checkout has them at its top level.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["mappings_folder", "schemas_folder"]


def mappings_folder() -> Path:
    """Folder of the mapping files (TOML) that come with the package."""
    return _folder("mappings")


def schemas_folder() -> Path:
    """Folder of the Avro schemas that come with the package."""
    return _folder("schemas")


def _folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name
