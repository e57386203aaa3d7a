"""What all parts share: the database, bqemulator's context, and the documents of resources, jobs and streams."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bqemulator.api.dependencies import AppContext

from .database import Database
from .errors import invalid

Json = dict[str, Any]

_TABLES = """
CREATE SCHEMA IF NOT EXISTS sparklab;
CREATE SCHEMA IF NOT EXISTS sparklab_streams;
CREATE TABLE IF NOT EXISTS sparklab.resources (name VARCHAR PRIMARY KEY, body VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS sparklab.jobs (
  project VARCHAR, id VARCHAR, created BIGINT NOT NULL, body VARCHAR NOT NULL, PRIMARY KEY (project, id));
CREATE TABLE IF NOT EXISTS sparklab.insert_ids (target VARCHAR NOT NULL, id VARCHAR NOT NULL, seen DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS sparklab.streams (
  name VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, state VARCHAR NOT NULL,
  next_offset BIGINT NOT NULL, flushed BIGINT NOT NULL, created BIGINT NOT NULL);
"""


@dataclass(frozen=True)
class State:
    """Everything that lives as long as the process."""

    folder: Path
    project: str
    location: str
    database: Database
    emulator: AppContext
    # Cleared when the engine stops: work that waits must not hold it up.
    stopping: threading.Event = field(default_factory=threading.Event)

    def prepare(self) -> None:
        with self.database.writing() as connection:
            connection.execute(_TABLES)


@dataclass(frozen=True)
class Call:
    """One method of BigQuery's description, as the cloud hands it over."""

    method: str
    path: Json
    query: Json
    body: Json
    principal: str
    # Precondition of the request, an etag.
    if_match: str | None = None

    def number(self, name: str, default: int) -> int:
        value = self.query.get(name, self.body.get(name))
        return default if value in (None, "") else int(value)

    def position(self) -> int | None:
        """Where the page that the request's token asks for begins; the token is that position."""
        token = str(self.query.get("pageToken") or "")
        if token and not token.isdecimal():
            raise invalid(f"Invalid value for pageToken: {token}")
        return int(token) if token else None

    def flag(self, name: str) -> bool:
        return str(self.query.get(name, "false")).lower() == "true"


def put_document(state: State, name: str, body: Json) -> None:
    state.database.connection.execute(
        "INSERT OR REPLACE INTO sparklab.resources VALUES (?, ?)", [name, json.dumps(body)]
    )


def get_document(state: State, name: str) -> Json | None:
    row = state.database.connection.execute("SELECT body FROM sparklab.resources WHERE name = ?", [name]).fetchone()
    return json.loads(row[0]) if row else None


def delete_document(state: State, name: str) -> None:
    state.database.connection.execute("DELETE FROM sparklab.resources WHERE name = ?", [name])


def list_documents(state: State, prefix: str) -> Iterator[tuple[str, Json]]:
    rows = state.database.connection.execute(
        "SELECT name, body FROM sparklab.resources WHERE starts_with(name, ?) ORDER BY name", [prefix]
    ).fetchall()
    for name, body in rows:
        yield name, json.loads(body)


def milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def now() -> datetime:
    return datetime.now(tz=UTC)


def page(items: list[Any], call: Call, default: int = 1000) -> tuple[list[Any], str | None]:
    """One page of a list and the token of the next; the token is the position."""
    start = call.position() or 0
    size = min(call.number("maxResults", default), default)
    rest = items[start:]
    return rest[:size], str(start + size) if len(rest) > size else None
