"""What the tests share: the real data, one Spark session, and one run of the three jobs on the real data."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True

import pytest  # noqa: E402
from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from folder_lab import keep_tables_in, spark_conf  # noqa: E402
from sparklab import args, io  # noqa: E402
from sparklab.catalogue import Catalogue, read_catalogue  # noqa: E402
from sparklab.spark import start_session  # noqa: E402

PYSPARK = Path(__file__).parents[1]
MANIFEST = PYSPARK.parent / ".lab" / "tools" / "manifest.json"
DATASET = "lab-local.churn"
PIPELINE = "run-1"
# As the program delivers it in the package's archive.
ORIGIN = {"stack": "test-stack", "git_commit": "0f0f-dirty"}
SETTINGS = {
    "dataset": DATASET,
    "raw_bucket": "lab-raw",
    "models_bucket": "lab-models",
    "metrics_bucket": "lab-metrics",
    "staging_bucket": "lab-staging",
    "bundles_bucket": "lab-bundles",
    "pipeline_id": PIPELINE,
    "model_version": "model-1",
    "execution_time": "2026-11-21T09:00:00Z",
}


@pytest.fixture(scope="session")
def customers_file() -> Path:
    """The real customers' file: SPARKLAB_DATA, else what the set-up restored."""
    named = os.environ.get("SPARKLAB_DATA")
    if not named and not MANIFEST.is_file():
        pytest.fail("the customers' file is not there: run `npm start`, or set SPARKLAB_DATA to the CSV.")
    return Path(named or json.loads(MANIFEST.read_text(encoding="utf-8"))["data"])


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return read_catalogue(PYSPARK / "jobs.yaml")


@pytest.fixture(scope="session")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder whose subfolders are the buckets and tables of a lab without a cloud."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def spark(lab_folder: Path) -> Iterator[SparkSession]:
    """The session in which transforms are tested, with the lab's buckets; small, because they run on few rows."""
    builder = SparkSession.builder
    for key, value in (spark_conf(lab_folder) | {"spark.sql.warehouse.dir": str(lab_folder / "warehouse")}).items():
        builder = builder.config(key, value)
    builder.getOrCreate().sparkContext.setLogLevel("ERROR")
    session = start_session("tests")
    yield session
    session.stop()


@dataclass(frozen=True)
class FolderLab:
    """A lab without a cloud, in which job files run under spark-submit as they are."""

    folder: Path
    catalogue: Catalogue
    archive: Path

    def submit(self, job: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run one job with the catalogue's arguments and properties; `changed` replaces settings."""
        entry = self.catalogue.jobs[job]
        conf = spark_conf(self.folder) | entry.properties
        conf |= {"spark.log.level": "ERROR", "spark.sql.warehouse.dir": str(self.folder / "warehouse")}
        command = [
            str(Path(sys.executable).parent / "spark-submit"),
            *(part for key, value in conf.items() for part in ("--conf", f"{key}={value}")),
            *("--py-files", str(self.archive)),
            *(str(PYSPARK / "tests" / "folder_lab.py"), str(self.folder), str(PYSPARK / entry.main)),
            *entry.command_arguments(SETTINGS | changed),
        ]
        environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=self.folder, check=False)

    def run(self, job: str, **changed: str) -> None:
        """Run one job as `submit` does, but in the session that is there: seconds instead of a new JVM."""
        entry = self.catalogue.jobs[job]
        SparkSession.active().catalog.clearCache()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("load_table", "append_once"):
                patch.setattr(io, name, getattr(io, name))
            patch.setattr(args, "origin", lambda: ORIGIN)
            keep_tables_in(self.folder)
            patch.setattr(sys, "argv", [entry.main, *entry.command_arguments(SETTINGS | changed)])
            runpy.run_path(str(PYSPARK / entry.main), run_name="__main__")

    def table(self, spark: SparkSession, name: str) -> DataFrame:
        """Read what the jobs wrote into a table."""
        return spark.read.parquet(str(self.folder / "tables" / f"{DATASET}.{name}"))

    def metrics(self, extent: str) -> dict:
        """Read a metrics file, strictly."""
        path = self.folder / f"buckets/lab-metrics/customer-churn-model/training/model-1/{extent}/metrics.json"

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.fixture(scope="session")
def empty_lab(lab_folder: Path, catalogue: Catalogue, customers_file: Path) -> FolderLab:
    """A lab that holds the customers' file and nothing else; the package as the archive that batches get."""
    archive = lab_folder / "sparklab.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for source in sorted((PYSPARK / "src" / "sparklab").glob("*.py")):
            target.write(source, f"sparklab/{source.name}")
        for source in sorted((PYSPARK / "tables").glob("*.json")):
            target.write(source, f"sparklab/tables/{source.name}")
        target.writestr("sparklab/origin.json", json.dumps(ORIGIN))
    spark_conf(lab_folder)
    (lab_folder / "buckets/lab-raw/telco_customer_churn.csv").write_bytes(customers_file.read_bytes())
    return FolderLab(lab_folder, catalogue, archive)


@pytest.fixture(scope="session")
def finished_lab(empty_lab: FolderLab, spark: SparkSession) -> FolderLab:
    """The lab after the jobs that make rows, in the catalogue's order: the first by spark-submit, as Dataproc runs it."""
    first, *others = (job for job in empty_lab.catalogue.in_order("churn_training") if job.writes)
    done = empty_lab.submit(first.name)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    for job in others:
        empty_lab.run(job.name)
    return empty_lab
