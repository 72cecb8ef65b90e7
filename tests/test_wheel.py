"""The package as others get it: built, looked into, installed in a clean environment, and used there."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from bridge import __version__
from bridge.resources import mappings_folder, schemas_folder

PROJECT = Path(__file__).resolve().parent.parent

pytest.importorskip("build", reason="the wheel cannot be built: pip install build hatchling")
pytest.importorskip("hatchling", reason="the wheel cannot be built: pip install build hatchling")


def do(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program that knows nothing of this checkout but what the command line names."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The source distribution, the wheel made of it, and what was said meanwhile."""
    folder = tmp_path_factory.mktemp("dist")
    done = do(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, PROJECT)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel, done.stdout + done.stderr


@pytest.fixture(scope="module")
def metadata(built: tuple[Path, Path, str]) -> Message:
    with zipfile.ZipFile(built[1]) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_string(wheel.read(name).decode("utf-8"))


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that has the wheel, and for the rest borrows this one's dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    do(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", built[1])
    (packages,) = folder.glob("lib/python*/site-packages")
    # Read last, and without the .pth files in it: an editable installation there does not show through.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path


def test_building_says_nothing_alarming(built: tuple[Path, Path, str]) -> None:
    said = built[2].lower()
    assert "warn" not in said
    assert "deprecat" not in said
    assert "successfully built" in said


def test_wheel_has_the_package_and_its_data_and_nothing_else(built: tuple[Path, Path, str]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    code = {p.relative_to(PROJECT).as_posix() for p in (PROJECT / "bridge").rglob("*.py")}
    pages = {p.relative_to(PROJECT).as_posix() for p in (PROJECT / "bridge/web/files").iterdir()}
    mappings = {f"bridge/_data/mappings/{p.name}" for p in mappings_folder().glob("*.toml")}
    schemas = {
        f"bridge/_data/schemas/{p.relative_to(schemas_folder()).as_posix()}"
        for p in schemas_folder().rglob("*")
        if p.is_file()
    }
    benchmarks = {
        f"bridge/_data/{p.relative_to(PROJECT).as_posix()}"
        for p in (PROJECT / "benchmarks").rglob("*")
        if p.is_file() and p.parent.name != "__pycache__"
    }
    assert len(mappings) > 4
    assert len(schemas) > 3
    about = f"voevent_bridge-{__version__}.dist-info"
    described = {f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert len(pages) > 5
    assert names == code | pages | {"bridge/py.typed"} | mappings | schemas | benchmarks | described | {
        f"{about}/licenses/LICENSE"
    }


def test_source_distribution_can_test_itself(built: tuple[Path, Path, str]) -> None:
    with tarfile.open(built[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {"README.md", "LICENSE", "Makefile", "pyproject.toml", "docs/cli.md", "tests/conftest.py"}
    assert wanted <= names
    assert {p.relative_to(PROJECT).as_posix() for p in (PROJECT / "tests").rglob("test_*.py")} <= names
    assert not {name for name in names if name.endswith((".pyc", ".avro", ".journal"))}


def test_metadata_tell_what_it_is(metadata: Message) -> None:
    assert metadata["Name"] == "voevent-bridge"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == (PROJECT / "README.md").read_text("utf-8").strip()


def test_each_dependency_has_a_lower_bound(metadata: Message) -> None:
    for requirement in metadata.get_all("Requires-Dist", []):
        assert ">=" in requirement.partition(";")[0], requirement


def test_installed_package_is_the_wheel_s_and_works_from_anywhere(installed: Path, elsewhere: Path) -> None:
    where = do(installed / "python", "-c", "import bridge; print(bridge.__file__)", cwd=elsewhere).stdout
    assert Path(where.strip()).is_relative_to(installed.parent)
    command = installed / "voevent-bridge"
    assert do(command, "--version", cwd=elsewhere).stdout.split()[-1] == __version__

    do(command, "simulate", "ztf", "--visits", "1", "--alerts", "3", "-o", "alerts/", cwd=elsewhere)
    done = do(command, "convert", "alerts/", "-o", "voevents/", "--json", cwd=elsewhere)
    assert json.loads(done.stdout)["written"] == 3
    events = list((elsewhere / "voevents").iterdir())
    assert len(events) == 3
    assert all(b"<voe:VOEvent " in event.read_bytes() for event in events)


def test_installed_package_brings_its_mappings_and_schemas(installed: Path, elsewhere: Path) -> None:
    command = installed / "voevent-bridge"
    mappings = json.loads(do(command, "mapping", "list", "--json", cwd=elsewhere).stdout)
    assert {item["name"] for item in mappings} == {path.stem for path in mappings_folder().glob("*.toml")}
    schemas = json.loads(do(command, "schemas", "list", "--json", cwd=elsewhere).stdout)
    inside = [item for item in schemas if Path(item["path"]).is_relative_to(installed.parent)]
    assert {"ztf/3.3", "ztf/4.02"} <= {item["short_name"] for item in inside}


def test_benchmarks_run_from_an_installation(installed: Path, elsewhere: Path) -> None:
    done = do(installed / "voevent-bridge", "bench", "lens", "--rounds", "1", "--json", cwd=elsewhere)
    assert json.loads(done.stdout)["benchmark"] == "lens"
