"""Runs one command as a workload that outlives its parent: records who it is, then how it ended.

Usage: python -I spark_process.py FOLDER COMMAND [ARGUMENT ...]

`process.json` (pid and start time) is on disk before the command starts; a byte on file descriptor 3 says so.
`exit.json` (exit code or signal, processor time, memory) is on disk before this process ends, so that whoever looks later
learns the outcome.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

RECORD_BYTES = 512


def main(folder: Path, command: list[str]) -> None:
    # A stop is sent to the whole group. This process stays to record it; handlers (unlike SIG_IGN) do not pass to the
    # command.
    stops: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: stops.append(received))
    if not first(folder):
        # A cloud that was killed had started the command already, and the next one did not see it yet.
        tell()
        return
    # The room of the last record is taken now: a command that fills the disk must not keep its end from being recorded.
    draft(folder / "exit.json", {})
    tell()
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        # A stop that came before the command could hear it.
        if stops:
            process.send_signal(stops[0])
        code = process.wait()
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        code = 127
    failed = code < 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    end = {
        "exitCode": None if failed else code,
        "signal": signal.Signals(-code).name if failed else None,
        "cpuSeconds": round(used.ru_utime + used.ru_stime, 2),
        # Kilobytes on Linux, bytes on macOS.
        "peakMb": used.ru_maxrss // (1024 if sys.platform == "linux" else 1024**2),
    }
    record(folder / "exit.json", end)


def first(folder: Path) -> bool:
    """Whether this process is the one for the folder; its identity is on disk then.

    The lock is held until then: who waits for it finds the record, or takes the place of one that died before.
    """
    with (folder / "claim").open("w") as claim:
        fcntl.flock(claim, fcntl.LOCK_EX)
        if (folder / "process.json").exists():
            return False
        identity = {"pid": os.getpid(), "started": started(os.getpid())}
        record(folder / "process.json", identity)
        return True


def tell() -> None:
    """The identity is on disk. A cloud that died meanwhile does not hear it; the next one reads it."""
    with contextlib.suppress(BrokenPipeError):
        os.write(3, b"\n")
    os.close(3)


def record(file: Path, content: dict[str, object]) -> None:
    """Writes whole or not at all, and durably."""
    draft(file, content).rename(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def draft(file: Path, content: dict[str, object]) -> Path:
    """Always of one size, padded with spaces, and over what is there: a second time it needs no more room."""
    path = file.with_suffix(".draft")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(content).ljust(RECORD_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    return path


def started(pid: int) -> str:
    """What tells this process from a later one with the same id; spark-process.ts reads the same two sources."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        boot = (
            Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        )
        return (
            f"{boot}:{stat.read_text(encoding='utf-8').rpartition(')')[2].split()[19]}"
        )
    listing = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    return " ".join(listing.stdout.split())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
