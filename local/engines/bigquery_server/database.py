"""One DuckDB file: a connection for each piece of work, one writer at a time, durable before the commit returns."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import duckdb
import duckdb_extension_avro
import duckdb_extension_spatial

_log = logging.getLogger(__name__)
_scope: ContextVar[duckdb.DuckDBPyConnection | None] = ContextVar("scope", default=None)
_writes: ContextVar[bool] = ContextVar("writes", default=False)


class Database:
    """Work runs in a scope: `reading` and `independent` run beside each other, `writing` alone among writers."""

    def __init__(self, file: Path, memory_mb: int, threads: int) -> None:
        self._writer = threading.RLock()
        self._root = duckdb.connect(
            str(file),
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": threads,
                "temp_directory": str(file.parent / "spill"),
                # Nothing is fetched when it runs: extensions are packages of the environment.
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        for package in (duckdb_extension_spatial, duckdb_extension_avro):
            extension = next(Path(package.__path__[0]).rglob("*.duckdb_extension"))
            self._root.execute(f"LOAD '{extension}'")
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")
        self._version = 0
        # Called when a transaction was undone: caches of what it had changed are wrong then.
        self.on_rollback: Callable[[], None] = lambda: None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection of the scope that this code runs in."""
        scope = _scope.get()
        if scope is None:
            raise RuntimeError("database used outside a scope: wrap the work in reading() or writing()")
        return scope

    @property
    def root(self) -> duckdb.DuckDBPyConnection:
        """For set-up only: functions registered here are seen by all connections."""
        return self._root

    @property
    def version(self) -> int:
        """Grows with each commit: what was computed at the same version is still true."""
        return self._version

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One consistent state of everything; joins the surrounding scope if there is one."""
        if _scope.get() is not None:
            yield self.connection
            return
        with self._transaction() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing, one writer at a time; joins a surrounding writing scope."""
        if _writes.get():
            yield self.connection
            return
        if _scope.get() is not None:
            raise RuntimeError("a reading scope cannot become a writing one")
        with self._writer:
            token = _writes.set(True)
            try:
                with self._transaction() as connection:
                    yield connection
            except BaseException:
                with self._bare():
                    self.on_rollback()
                raise
            finally:
                _writes.reset(token)

    @contextmanager
    def independent(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing beside other writers: for work that makes new tables and changes none that others see."""
        with self._transaction() as connection:
            yield connection

    @contextmanager
    def statements(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One writer at a time, each statement its own transaction: scripts, which go on after an error they caught."""
        with self._writer:
            token = _writes.set(True)
            try:
                with self._bare() as connection:
                    yield connection
            finally:
                self._version += 1
                _writes.reset(token)

    def close(self) -> None:
        self._root.close()

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._bare() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            except BaseException:
                _rollback(connection)
                raise
            connection.execute("COMMIT")
            self._version += 1

    @contextmanager
    def _bare(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._root.cursor()
        token = _scope.set(connection)
        try:
            yield connection
        except duckdb.FatalException:
            # DuckDB takes no more work in this process (a checkpoint that found the disk full ends so). What was
            # committed is whole: the next process, which the next request starts, reads it.
            _log.critical("the database cannot go on in this process; it ends", exc_info=True)
            logging.shutdown()
            os._exit(os.EX_IOERR)
        finally:
            _scope.reset(token)
            connection.close()


def _rollback(connection: duckdb.DuckDBPyConnection) -> None:
    """An error of the engine itself may have ended the transaction already; the cause must not be hidden by that."""
    try:
        connection.execute("ROLLBACK")
    except duckdb.TransactionException:
        return
