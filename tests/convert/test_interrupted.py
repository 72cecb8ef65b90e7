"""Ended in the middle by whatever means, a run leaves nothing half-written; run again, it is complete."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from calling import contents, make_tar
from lxml import etree
from processes import bridge_command, wait_for

from bridge.simulate import simulate

ALERTS = 600


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    visits = simulate("ztf", visits=3, alerts=ALERTS // 3, seed=12, backlog=20)
    files = {f"{alert.identifier}.avro": alert.data for visit in visits for alert in visit}
    return make_tar(tmp_path_factory.mktemp("night") / "night.tar", files)


def begun(archive: Path, out: Path, *words: object) -> subprocess.Popen[bytes]:
    """A run of which nothing is seen yet."""
    # As the command, but for the first second without other processes; and SIGINT as on a terminal, which a
    # shell takes away from what it runs in the background.
    start = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import bridge.convert.run as run; run.ALONE_S = 0; from bridge.cli import main; main()"
    )
    command = [sys.executable, "-c", start, "convert", str(archive), "-o", str(out), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def half_done(archive: Path, out: Path, *words: object) -> subprocess.Popen[bytes]:
    """A run that is in the middle of its work."""
    process = begun(archive, out, *words)
    some = (
        (lambda: len(list(out.iterdir())) > 50) if out.suffix != ".tar" else (lambda: any_bytes(out.parent))
    )
    wait_for(lambda: (out.exists() or out.suffix) and some(), "the run to begin")
    assert len(ours(process.pid)) >= 4, "itself, two workers, and the server that forks them"
    return process


def any_bytes(folder: Path) -> bool:
    return any(path.stat().st_size > 100_000 for path in folder.glob(".*.tmp"))


def ours(session: int) -> list[int]:
    """Processes of a run's session that are still there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                os.getsid(int(folder.name)) == session
                and "\nState:\tZ" not in (folder / "status").read_text()
            ):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def imports(process: int) -> bool:
    """Whether it has loaded NumPy, which is in the middle of what it imports."""
    try:
        return "numpy" in Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
@pytest.mark.no_cover
def test_killed_in_the_middle_it_leaves_whole_files_and_no_process(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = half_done(archive, out, "--jobs", 2)
    process.kill()
    process.wait()
    for name, content in contents(out).items():
        if not name.startswith("."):
            assert etree.fromstring(content).get("ivorn")
    assert len(contents(out)) < ALERTS
    wait_for(lambda: not ours(process.pid), "the workers to end with the process that started them", 10)
    done = subprocess.run(bridge_command("convert", archive, "-o", out), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    files = contents(out)
    assert len(files) == ALERTS
    assert all(name.endswith(".xml") and content.rstrip().endswith(b">") for name, content in files.items())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.no_cover
def test_ended_by_a_signal_it_removes_what_is_half_written_and_says_no_more_than_that(
    archive: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    process = half_done(archive, tmp_path / "out.tar", "--jobs", 2)
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_it_starts_other_processes_it_says_no_more_than_that(
    archive: Path, tmp_path: Path
) -> None:
    process = begun(archive, tmp_path / "out.tar", "--jobs", 2)
    wait_for(lambda: any(imports(other) for other in set(ours(process.pid)) - {process.pid}), "its imports")
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.decode().split() == ["Interrupted."]
    assert list(tmp_path.iterdir()) == []
