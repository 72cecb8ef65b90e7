"""What the documentation says about the command line is so: options, defaults, examples, links.

Examples marked ``<!-- runs -->`` are run as they stand, those of a page one after the other in one folder; a
block marked ``<!-- file: NAME -->`` is put there as a file.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from bridge.cli import main, root

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
CLI = PROJECT / "docs" / "cli.md"
# What needs a network or a broker, or takes long, and has tests of its own.
NOT_RUN = {
    "archive",
    "consume",
    "demo",
    "monitor",
    "produce",
    "schemas fetch",
    "status",
    "submit",
    "subscribe",
}


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    mark: str


@dataclass(frozen=True)
class Example:
    line: str
    words: tuple[str, ...]
    target: str = ""


def named(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def blocks(page: Path) -> list[Block]:
    pattern = re.compile(r"(?:^<!-- ([^\n]+) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [Block(m[2], m[3], m[1] or "") for m in pattern.finditer(page.read_text(encoding="utf-8"))]


def examples(text: str) -> Iterator[Example]:
    """Calls of the command in a block: on lines of their own, with or without prompt or folder."""
    for line in text.replace("\\\n", " ").splitlines():
        found = re.match(r"\s*(?:\$ |ExecStart=)?(?:\S*/)?voevent-bridge(?: (.*))?$", line)
        if found:
            words = shlex.split(found[1] or "", comments=True)
            stops = [words.index(sign) for sign in ("|", ">", "&", "&&") if sign in words]
            end = min(stops, default=len(words))
            target = words[end + 1] if words[end : end + 1] == [">"] else ""
            yield Example(line.strip(), tuple(words[:end]), target)


def new_context(command: click.Command, **others: Any) -> click.Context:
    # A command remembers the names of its help option from the first context that asks.
    return click.Context(command, **root.context_settings, **others)


def find_command(words: tuple[str, ...]) -> tuple[click.Command, click.Context, list[str]]:
    command: click.Command = root
    context = new_context(root, info_name="voevent-bridge")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        below = command.get_command(context, name)
        assert below is not None, f"there is no command {name!r}"
        command, context = below, new_context(below, info_name=name, parent=context)
    return command, context, rest


def check_example(words: tuple[str, ...]) -> None:
    """Parse as click does, without looking at files; fails on what the command would refuse."""
    command, context, rest = find_command(words)
    if isinstance(command, click.Group):
        assert set(rest) <= {name for option in command.get_params(context) for name in option.opts}
        return
    if any(word.startswith("[") or word.endswith("]") for word in rest):
        known = {n for p in command.get_params(context) for n in (*p.opts, *p.secondary_opts)}
        assert set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", " ".join(rest))) <= known
        return
    given, _, _ = command.make_parser(context).parse_args(list(rest))
    for param in command.get_params(context):
        value = given.get(param.name or "")
        present = isinstance(value, (str, tuple, list)) and bool(value)
        # A command's bare name is a mention of it.
        assert present or not param.required or not rest, f"{param.name} is missing"
        if isinstance(param.type, click.Choice) and present and not str(value).isupper():
            param.type.convert(value, param, context)


def leaves(command: click.Command = root, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = new_context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from leaves(below, f"{path} {name}".strip())


def section(name: str) -> str:
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", CLI.read_text("utf-8"), re.M | re.S)
    assert found, f"docs/cli.md has no section '## {name}'"
    return found[1]


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Option names of a table -> the metavar in its first cell, and its default."""
    found = {}
    for line in text.splitlines():
        if line.startswith("| `-"):
            first, default, says = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
            assert says, f"{first} is not explained"
            words = first.replace("`", "").replace("\\|", "|").replace(",", "").split(" ")
            names = [word for word in words if word.startswith("-")]
            found[" ".join(names)] = (" ".join(word for word in words if not word.startswith("-")), default)
    return found


def options(command: click.Command) -> list[click.Option]:
    everyone = new_context(command)
    return [p for p in command.params if isinstance(p, click.Option) and p in command.get_params(everyone)]


def test_page_has_a_section_for_each_command_and_no_other() -> None:
    titles = re.findall(r"^## ([a-z][a-z ]*)$", CLI.read_text("utf-8"), re.M)
    assert sorted(titles) == sorted(name for name, _ in leaves())


def test_list_of_commands_is_that_of_the_help() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\(#", CLI.read_text("utf-8"), re.M)
    assert sorted(listed) == root.list_commands(new_context(root))


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_table_has_each_option_with_its_metavar_and_default(name: str, command: click.Command) -> None:
    table = rows(section(name))
    context = new_context(command)
    known = {" ".join([*p.opts, *p.secondary_opts]): p for p in options(command)}
    assert table.keys() == known.keys()
    for names, option in known.items():
        metavar, default = table[names]
        if option.is_flag:
            assert not metavar
        elif option.metavar or isinstance(option.type, click.Choice):
            assert metavar == option.make_metavar(context)
        else:
            assert re.fullmatch(r"[A-Z]+", metavar)
        real: Any = option.to_info_dict()["default"]
        if option.required:
            assert default == "required"
        elif isinstance(real, (int, float)) and not isinstance(real, bool):
            assert float(default) == real
        elif real:
            assert default == str(real)


def test_options_of_the_program_itself_are_listed() -> None:
    head = CLI.read_text("utf-8").split("\n## simulate")[0]
    context = new_context(root)
    root.get_help(context)
    listed = {name for names in rows(head) for name in names.split()}
    assert listed == {"--version", "-h", "--help"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_examples_on_each_page_name_commands_and_options_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = [each for block in blocks(page) for each in examples(block.text)]
    # Indented blocks, and code within sentences.
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    found += [each for line in re.findall(r"^ {4,}(.+)$", prose, re.M) for each in examples(line)]
    inline = re.findall(r"`(voevent-bridge [^`]+)`", prose)
    found += [each for code in inline for each in examples(" ".join(code.split()))]
    for example in found:
        try:
            check_example(example.words)
        except (AssertionError, click.UsageError) as error:
            pytest.fail(f"{named(page)}: {example.line}: {error}")


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=[name for name, _ in leaves()])
def test_examples_in_the_help_are_calls_of_their_command(name: str, command: click.Command) -> None:
    found = list(examples(new_context(command, info_name=name).get_help().split("Options:")[0]))
    for example in found:
        assert example.words[: len(name.split())] == tuple(name.split())
        check_example(example.words)
    assert found


def test_each_command_has_an_example_that_runs_with_json_if_it_has_that() -> None:
    run = [e.words for b in blocks(CLI) if b.mark == "runs" for e in examples(b.text)]
    for name, command in leaves():
        mine = [words for words in run if words[: len(name.split())] == tuple(name.split())]
        if name in NOT_RUN or name.startswith("bench "):
            assert any(f"voevent-bridge {name}" in block.text for block in blocks(CLI))
            continue
        assert mine, f"no example of {name} runs"
        if any("--json" in option.opts for option in options(command)):
            assert any("--json" in words for words in mine), f"no example of {name} --json runs"


@pytest.mark.parametrize("page", [p for p in PAGES if any(b.mark == "runs" for b in blocks(p))], ids=named)
@pytest.mark.no_cover
def test_marked_examples_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    for block in blocks(page):
        if block.mark.startswith("file: "):
            (tmp_path / block.mark.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
        if block.mark != "runs":
            continue
        todo = list(examples(block.text))
        lines = [line for line in block.text.replace("\\\n", " ").splitlines() if line.strip()]
        assert len(todo) == len(lines), "a marked block holds commands and nothing else"
        for example in todo:
            status, out, err = run(example.words, capfdbinary)
            assert status == 0, f"{example.line}\n{out.decode()}{err.decode()}"
            if example.target:
                (tmp_path / example.target).write_bytes(out)
            elif "--json" in example.words:
                check_keys(example, json.loads(out))


def run(words: tuple[str, ...], captured: pytest.CaptureFixture[bytes]) -> tuple[object, bytes, bytes]:
    captured.readouterr()
    if words[0] == "serve":
        # Twisted's reactor runs once in a process.
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        command = [sys.executable, "-m", "bridge", *words]
        done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr
    with pytest.raises(SystemExit) as end:
        main(list(words))
    out, err = captured.readouterr()
    return end.value.code, out, err


def check_keys(example: Example, document: Any) -> None:
    """Each key of a JSON document is named in the command's section."""
    name = next(name for name, _ in leaves() if example.words[: len(name.split())] == tuple(name.split()))
    told = set(re.findall(r"`(\w+)`", section(name)))
    first = document[0] if isinstance(document, list) else document
    nested = [values[0] for values in (first.get("events"), first.get("faults")) if values and values != []
              and isinstance(values, list)]  # fmt: skip
    keys = {key for each in (first, *nested) for key in each}
    assert keys <= told, f"{example.line}: {sorted(keys - told)} are not explained"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{named(page)} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{named(page)} links to {target}"


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_page_speaks_of_no_particular_machine(page: Path) -> None:
    private = r"/home/\w|/Users/\w|--(?:extra-)?index-url|--trusted-host|pip\.conf"
    # This one's own folders, wherever they are; but not a home that is the root of all paths.
    own = [folder for folder in (PROJECT, PROJECT.parent / "shared", Path.home()) if folder.name]
    private = "|".join([private, *(re.escape(f"{folder}/") for folder in own)])
    assert not re.findall(private, page.read_text(encoding="utf-8"))
