"""Puts the DuckDB extensions that came as packages where DuckDB looks for them, and loads each once as the proof.

Usage: install_extensions.py, with HOME at the folder that the BigQuery engine will have as its home. DuckDB copies the
file; the copy is then replaced by a second name of the packaged file, so that its 93 MB are stored once.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import duckdb

EXTENSIONS = ("avro", "spatial")


def packaged(extension: str) -> Path:
    """The file in the package of this extension."""
    spec = importlib.util.find_spec(f"duckdb_extension_{extension}")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit(f"DuckDB extension {extension}: its package is not installed in this environment.")
    return next(Path(spec.submodule_search_locations[0]).glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension"))


def install(extension: str) -> None:
    """Install one extension, make its copy a second name of the package's file, and load it."""
    source = packaged(extension)
    with duckdb.connect() as connection:
        connection.execute(f"INSTALL '{source}'")
    with duckdb.connect() as connection:
        query = "SELECT install_path FROM duckdb_extensions() WHERE extension_name = ?"
        installed = Path(connection.execute(query, [extension]).fetchone()[0])
    link = installed.with_suffix(".link")
    os.link(source, link)
    link.replace(installed)
    with duckdb.connect() as connection:
        connection.execute(f"LOAD {extension}")
    print(installed)


if __name__ == "__main__":
    for name in EXTENSIONS:
        install(name)
