"""The house is built as docs/architecture.md says: no room imports what its table does not allow."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OPEN_TO_ALL = {"errors", "resources", "sky", "small_files", "units", "wording", "__version__"}
LONGEST_FILE = 500


def allowed() -> dict[str, set[str]]:
    rows = re.findall(
        r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|$", (PROJECT / "docs/architecture.md").read_text(), re.M
    )
    table = {room: set(re.findall(r"\w+", names)) for room, names in rows}
    assert len(table) > 10
    return table


def imported() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for file in (PROJECT / "bridge").rglob("*.py"):
        room = file.relative_to(PROJECT / "bridge").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            found[room] |= {name.split(".")[1] for name in names if name.startswith("bridge.")}
        found[room].discard(room)
    return found


def test_rooms_import_what_the_table_allows() -> None:
    table = allowed()
    for room, names in imported().items():
        if room.startswith("__"):
            continue
        if room in OPEN_TO_ALL:
            assert not names - OPEN_TO_ALL, f"{room} is open to all and may import no room"
        elif table[room] != {"all"}:
            assert not names - OPEN_TO_ALL - table[room], f"{room} imports what the table does not allow"


def test_the_table_names_every_room() -> None:
    rooms = {
        path.name.removesuffix(".py")
        for path in (PROJECT / "bridge").iterdir()
        if not path.name.startswith((".", "_"))
    }
    assert rooms - OPEN_TO_ALL - {"py.typed"} == set(allowed())


def test_there_are_no_cycles_between_rooms() -> None:
    graph = {room: names - OPEN_TO_ALL for room, names in imported().items()}
    while graph:
        leaves = {room for room, names in graph.items() if not names & graph.keys()}
        assert leaves, f"a cycle among {sorted(graph)}"
        graph = {room: names for room, names in graph.items() if room not in leaves}


def test_files_stay_small() -> None:
    for file in (PROJECT / "bridge").rglob("*.py"):
        assert len(file.read_text().splitlines()) <= LONGEST_FILE, file
