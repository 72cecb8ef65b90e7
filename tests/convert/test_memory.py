"""However much goes through, memory stays what it was: archives are larger than machines."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
from pathlib import Path

from processes import bridge_command

from bridge.simulate import simulate

ROUNDS = 12


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_hundreds_of_megabytes_through_a_pipe_leave_memory_flat(tmp_path: Path) -> None:
    """A tar.gz of 2,500 LSST alerts that nobody has on disk goes in at one end, and out at the other."""
    alerts = [alert.data for visit in simulate("lsst", visits=1, alerts=100, seed=4) for alert in visit]
    out = tmp_path / "events.tar"
    command = bridge_command("convert", "-", "-o", out, "--where", "diaSource.snr > 50", "--jobs", 1)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    sent = 0
    peaks: list[float] = []
    with (
        gzip.GzipFile(fileobj=process.stdin, mode="wb", compresslevel=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        for number in range(ROUNDS):
            for index, data in enumerate(alerts):
                info = tarfile.TarInfo(f"{number}/{index}.bin")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
                sent += len(data)
            tar.members.clear()  # type: ignore[attr-defined]
            peaks.append(resident_mb(process.pid))
    process.stdin.close()
    assert process.wait(60) == 0
    assert sent > 200e6
    # A quarter of the way it has seen all it needs to hold; from there on it grows by less than a batch.
    assert max(peaks[ROUNDS // 4 :]) - peaks[ROUNDS // 4] < 30
    assert max(peaks) < 250
