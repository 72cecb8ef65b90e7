"""Apache Kafka's server and MirrorMaker from Maven Central, fetched once per user for all checkouts."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["MIRROR_MAKER", "SERVER", "UnavailableError", "fetch_jars"]

VERSION = "4.1.0"
POM = Path(__file__).with_name("pom.xml")
PATIENCE_S = 300.0

SERVER = "kafka_2.13"
MIRROR_MAKER = "connect-mirror"
_FOLDERS = {SERVER: f"kafka-{VERSION}", MIRROR_MAKER: f"connect-mirror-{VERSION}"}


class UnavailableError(Exception):
    """Why no broker can be started here."""


def fetch_jars(part: str = SERVER) -> Path:
    """The folder of jars of a part of Kafka; downloads them (43 or 36 MB) where they are not there yet.

    Two processes that come at once take turns, and a folder appears under its name when it is whole.
    """
    for program in ("java", "mvn", "openssl"):
        if shutil.which(program) is None:
            raise UnavailableError(f"the program {program} is not installed")
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if base.startswith("/") else Path.home() / ".cache"
    folder = cache / "voevent-bridge" / _FOLDERS[part]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _download(part, folder)
    return folder


def _download(part: str, folder: Path) -> None:
    fresh = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), f"-Dpart={part}"]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"Maven did not finish within {PATIENCE_S:g} s") from None
    if done.returncode or not any(fresh.glob(f"{part}*.jar")):
        raise UnavailableError(f"Maven could not fetch Kafka: {(done.stdout + done.stderr).strip()[-500:]}")
    fresh.replace(folder)
