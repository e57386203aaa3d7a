"""The driver of a notebook batch: one Spark application, and a notebook that runs in it from top to bottom.

Usage: spark-submit ... notebook_batch.py FOLDER NOTEBOOK_URI OUTPUT_URI PARAMETERS

PARAMETERS is a JSON object of texts: a cell that sets them follows the one tagged "parameters", or comes first. The
notebook is read, and kept with all that it showed, by what Spark itself reads with: as the batch's account. It is kept
when a cell has failed too; the driver's error then says which cell, and how.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell
from pyspark.sql import SparkSession
from session_server import specify_kernel

TAG = "parameters"


class NotebookError(Exception):
    """A notebook that did not run to its end, by its name, its cell and the cell's own error."""


def main(folder: Path, source: str, target: str, parameters: Mapping[str, str]) -> None:
    """Run the notebook in this Spark and keep it."""
    # As in a session: its own kernel goes before the one that the environment has.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "0"
    spark = SparkSession.builder.getOrCreate()
    specify_kernel(folder, "Spark batch")
    notebook = read_notebook(spark, source)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Spark batch", "language": "python"}
    set_parameters(notebook, parameters)
    try:
        # How long is too long is the batch's to say.
        NotebookClient(notebook, timeout=None, on_cell_executed=show).execute()
    except CellExecutionError as error:
        print(error.traceback, flush=True)
        name = source.rsplit("/", 1)[-1]
        raise NotebookError(f"{name}, In [{failed_cell(notebook)}]: {error.ename}: {error.evalue}") from None
    finally:
        write_text(spark, target, nbformat.writes(notebook))
        print(f"Executed notebook: {target}", flush=True)
        spark.stop()


def read_notebook(spark: SparkSession, uri: str) -> nbformat.NotebookNode:
    """Read a notebook of a bucket in the newest form."""
    text = spark.read.text(uri, wholetext=True).collect()[0][0]
    try:
        return nbformat.reads(text, as_version=4)
    except nbformat.reader.NotJSONError:
        raise NotebookError(f"{uri}: got text that is not JSON; expected a Jupyter notebook.") from None


def set_parameters(notebook: nbformat.NotebookNode, parameters: Mapping[str, str]) -> None:
    """Add a cell that gives the parameters their values, after the defaults that it replaces."""
    if not parameters:
        return
    tagged = [at for at, cell in enumerate(notebook.cells) if TAG in cell.metadata.get("tags", [])]
    lines = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell = new_code_cell(lines, metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(tagged[0] + 1 if tagged else 0, cell)


def show(cell: nbformat.NotebookNode, cell_index: int, **_: object) -> None:
    """Print what a cell printed: the driver's output of a batch."""
    for output in cell.outputs:
        if output.output_type == "stream":
            print(output.text, end="", flush=True)


def failed_cell(notebook: nbformat.NotebookNode) -> int:
    """Give the number by which Jupyter shows the cell that failed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return next(cell.execution_count for cell in cells if any(one.output_type == "error" for one in cell.outputs))


def write_text(spark: SparkSession, uri: str, text: str) -> None:
    """Write one object, whole or not at all."""
    jvm = spark.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(uri)
    stream = path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()).create(path, True)
    try:
        stream.write(bytearray(text.encode("utf-8")))
    finally:
        stream.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
