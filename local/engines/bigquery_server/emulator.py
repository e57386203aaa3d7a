"""bqemulator's parts on our database: its catalogue and SQL, without its HTTP server, jobs and table copies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from bqemulator.api.dependencies import AppContext
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.memory_repository import MemoryCatalogRepository
from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
from bqemulator.domain.clock import SystemClock
from bqemulator.domain.events import EventBus, TableDataChanged
from bqemulator.observability.logging_ import configure_logging
from bqemulator.observability.metrics import MetricsRegistry
from bqemulator.row_access.identity import CallerIdentity
from bqemulator.row_access.policy import RowAccessPolicyManager
from bqemulator.sql.builtin_udfs import register_builtin_udfs
from bqemulator.storage.engine import CATALOG_SCHEMA, SNAPSHOTS_SCHEMA, DuckDBEngine
from bqemulator.udf.runtime import UDFRegistry
from bqemulator.versioning.snapshots import SnapshotManager

from .database import Database
from .errors import unimplemented


class ScopedEngine(DuckDBEngine):
    """bqemulator shares one connection between all threads; here each piece of work has its own."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(settings)
        self._database = database

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return self._database.connection

    @asynccontextmanager
    async def write_lock(self) -> AsyncIterator[None]:
        """The surrounding scope holds the lock already."""
        yield


class Changes(SnapshotManager):
    """bqemulator copies a table at each change; here the change is only noted, and time travel is refused."""

    def record_change(self, project_id: str, dataset_id: str, table_id: str) -> None:
        catalog = self._catalog
        table = catalog.get_table(project_id, dataset_id, table_id)
        if table is not None:
            catalog.update_table(table.model_copy(update={"last_modified_time": self._clock.now()}))
        self._events.publish(TableDataChanged(project_id, dataset_id, table_id))

    def resolve_time_travel(self, project_id: str, dataset_id: str, table_id: str, target: datetime) -> Any:
        raise unimplemented(f"FOR SYSTEM_TIME AS OF {target.isoformat()}")


def build_emulator(database: Database, folder: Path, project: str) -> AppContext:
    configure_logging(level=LogLevel.WARNING, fmt=LogFormat.JSON)
    settings = Settings(
        persistence_mode=PersistenceMode.PERSISTENT,
        data_dir=folder,
        default_project_id=project,
        log_level=LogLevel.WARNING,
        metrics_enabled=False,
    )
    engine = ScopedEngine(database, settings)
    catalog = DuckDBCatalogRepository(engine)
    clock = SystemClock()
    events = EventBus()
    context = AppContext(
        settings=settings,
        clock=clock,
        engine=engine,
        catalog=catalog,
        metrics=MetricsRegistry(),
        events=events,
        udf_registry=UDFRegistry(settings),
        snapshots=Changes(engine=engine, catalog=catalog, clock=clock, events=events, retention_days=0),
        row_access=RowAccessPolicyManager(catalog=catalog, clock=clock),
    )
    register_builtin_udfs(database.root)
    with database.statements() as connection:
        for schema in (CATALOG_SCHEMA, SNAPSHOTS_SCHEMA):
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        catalog.ensure_ready()
        context.udf_registry.hydrate(catalog, engine)
    database.on_rollback = lambda: _reread(catalog)
    return context


def _reread(catalog: DuckDBCatalogRepository) -> None:
    """The catalogue is cached in memory, and the cache was written before the transaction failed."""
    catalog._cache = MemoryCatalogRepository()
    catalog._hydrate_from_duckdb()


def caller(principal: str) -> CallerIdentity:
    """Who calls, as row access policies and SESSION_USER() see it."""
    kind = "serviceAccount" if principal.endswith(".gserviceaccount.com") else "user"
    return CallerIdentity(principal=f"{kind}:{principal}")
