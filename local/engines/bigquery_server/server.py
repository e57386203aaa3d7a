"""The engine's process: one data folder, two loopback ports, gone when the cloud that started it is gone."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import anyio
import uvicorn

from . import calls, storage_service, table_rows, tables, write_streams
from .database import Database
from .emulator import build_emulator
from .jobs import Jobs
from .state import State

_PARALLEL_JOBS = 8
# Requests wait for jobs in threads.
_THREADS = 200
_SWEEP_SECONDS = 600


def run(settings: dict[str, Any], announcements: TextIO) -> None:
    folder = Path(settings["folder"])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A dead cloud's engine may still be closing: wait for its file instead of failing on it.
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    asyncio.run(_serve(folder, settings, announcements))


async def _serve(folder: Path, settings: dict[str, Any], announcements: TextIO) -> None:
    state, jobs = _open(folder, settings)
    grpc_server, grpc_port = storage_service.serve(state, settings["token"])
    config = uvicorn.Config(
        calls.application(state, jobs, settings["token"]), host="127.0.0.1", port=0, log_config=None, lifespan="off"
    )
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    server = _Server(config, lambda port: _announce(announcements, port, grpc_port))
    _watch_parent(server)
    _sweep_now_and_then(state)
    await server.serve()
    state.stopping.set()
    grpc_server.stop(grace=1).wait()
    jobs.close()
    state.database.close()


def _open(folder: Path, settings: dict[str, Any]) -> tuple[State, Jobs]:
    database = Database(folder / "bigquery.duckdb", settings["memoryMb"], settings["threads"])
    emulator = build_emulator(database, folder, settings["project"])
    state = State(folder, settings["project"], settings["location"], database, emulator)
    state.prepare()
    table_rows.recall(state)
    jobs = Jobs(state, _PARALLEL_JOBS)
    jobs.recover()
    return state, jobs


class _Server(uvicorn.Server):
    """Tells its address once it listens, and nothing before."""

    def __init__(self, config: uvicorn.Config, ready: Any) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._ready(self.servers[0].sockets[0].getsockname()[1])


def _announce(to: TextIO, rest_port: int, grpc_port: int) -> None:
    print(json.dumps({"rest": f"http://127.0.0.1:{rest_port}", "grpc": f"127.0.0.1:{grpc_port}"}), file=to, flush=True)


def _watch_parent(server: uvicorn.Server) -> None:
    """The cloud holds our standard input open while it lives; when it is gone, however it went, so are we."""

    def watch() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()


def _sweep_now_and_then(state: State) -> None:
    """Results, read sessions and streams whose time has run out."""

    def sweep() -> None:
        while True:
            try:
                tables.sweep(state)
                write_streams.sweep(state)
                sessions = state.folder / "sessions"
                for file in sessions.glob("*") if sessions.exists() else []:
                    if file.stat().st_mtime < _hours_ago(6):
                        file.unlink(missing_ok=True)
            except Exception:
                logging.exception("sweep failed; the next one is in %d s", _SWEEP_SECONDS)
            if state.stopping.wait(_SWEEP_SECONDS):
                return

    threading.Thread(target=sweep, daemon=True).start()


def _hours_ago(hours: int) -> float:
    return time.time() - hours * 3600
