"""From a notebook to a job: what is written, what is refused, and that both make the same rows."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from promote_notebook import main
from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from conftest import DATASET, PYSPARK, SETTINGS, FolderLab
from folder_lab import keep_tables_in
from sparklab import io
from sparklab.catalogue import read_catalogue
from sparklab.notebook import Lab
from sparklab.promotion import PromotionError, promote, tagged_cells

LESSON = PYSPARK.parent / "notebooks" / "02-preprocess.ipynb"
NAME = "notebook_customers"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a promotion reads and writes."""
    folder = tmp_path / "pyspark"
    for part in ("jobs", "dags", "tables"):
        shutil.copytree(PYSPARK / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("jobs.yaml", "pyproject.toml"):
        shutil.copy(PYSPARK / name, folder)
    return folder


def written(project: Path) -> dict[str, str]:
    files = (project / "jobs" / f"{NAME}.py", project / "jobs.yaml", project / "dags" / f"{NAME}.py")
    return {path.name if path.suffix == ".yaml" else path.parent.name: path.read_text() for path in files}


def test_a_lesson_becomes_a_job_of_the_catalogue_with_a_dag(project: Path) -> None:
    before = read_catalogue(project / "jobs.yaml")
    assert main(LESSON, False, project) == 0
    after = read_catalogue(project / "jobs.yaml")
    job = after.jobs[NAME]
    assert {**before.jobs, NAME: job} == dict(after.jobs)
    assert job.arguments["--customers"] == "gs://{raw_bucket}/telco_customer_churn.csv"
    assert job.writes == ("training_data", "batch_scoring_candidates")
    assert f'catalogue_batch("{NAME}")' in written(project)["dags"]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", project / job.main]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_a_second_promotion_changes_nothing(project: Path) -> None:
    main(LESSON, False, project)
    first = written(project)
    assert main(LESSON, False, project) == 0
    assert written(project) == first


def test_what_was_changed_by_hand_is_named_and_kept_unless_forced(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(LESSON, False, project)
    clean = written(project)
    job, catalogue = project / "jobs" / f"{NAME}.py", project / "jobs.yaml"
    job.write_text(job.read_text().replace("main()", "main()  # by hand"))
    catalogue.write_text(catalogue.read_text().replace("'411'", "'12'"))
    changed = written(project)
    assert main(LESSON, False, project) == 2
    told = capsys.readouterr().err
    assert told.splitlines()[0] == "notebook 02-preprocess.ipynb: 2 problems."
    assert f"jobs/{NAME}.py: was changed by hand" in told
    assert f"jobs.yaml, job {NAME}: was changed by hand" in told
    assert written(project) == changed
    assert main(LESSON, True, project) == 0
    assert written(project) == clean


def test_a_changed_notebook_replaces_what_nobody_has_touched(project: Path, tmp_path: Path) -> None:
    main(LESSON, False, project)
    changed = tmp_path / LESSON.name
    changed.write_text(LESSON.read_text().replace('\\"411\\"', '\\"100\\"'))
    assert main(changed, False, project) == 0
    assert read_catalogue(project / "jobs.yaml").jobs[NAME].arguments["--scoring-customers"] == "100"


def test_all_problems_of_a_notebook_are_told_at_once() -> None:
    def cell(source: str, *tags: str) -> dict:
        return {"cell_type": "code", "metadata": {"tags": tags}, "source": source}

    cells = [
        cell("import os\nx = 1", "imports"),
        cell("arguments = [1]", "arguments"),
        cell("%time work()", "job"),
        cell('text = """a\nb"""', "job"),
    ]
    with pytest.raises(PromotionError) as refused:
        promote({"cells": cells}, "x.ipynb", {"name": "X", "description": "d", "reads": [], "writes": "t"})
    assert refused.value.problems == [
        "tag catalogue: got 0 cells; expected one.",
        "tag imports, cell 'import os': expected imports alone.",
        "tag job, cell '%time work()': invalid syntax; expected plain Python, no magics.",
        'tag job, cell \'text = """a\': a text of several lines; expected texts of one line, which can be indented.',
        "tag catalogue, name: got 'X'; expected 3 to 20 of a-z, 0-9 and _, a letter first.",
        "tag catalogue, writes: got 't'; expected a list of tables.",
        'tag arguments: got \'arguments = [1]\'; expected one cell with arguments = {"name": (reader, "text"), ...}.',
    ]


def test_the_lab_s_tables_and_settings_are_asked_for(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / LESSON.name
    text = LESSON.read_text().replace("{raw_bucket}", "{row_bucket}").replace("[training_data,", "[data,")
    changed.write_text(text)
    assert main(changed, False, project) == 2
    told = capsys.readouterr().err
    assert "tag arguments, --customers: got {row_bucket}; expected one of project, region, dataset" in told
    assert "no table data; expected a schema tables/data.json." in told


def test_notebook_and_job_write_the_same_rows(
    project: Path, empty_lab: FolderLab, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("load_table", "append_once"):
        monkeypatch.setattr(io, name, getattr(io, name))
    # Tables of its own: those of the shared lab are counted by other tests.
    keep_tables_in(project)
    cells = tagged_cells(json.loads(LESSON.read_text()))
    lab = Lab(spark, SETTINGS | {"pipeline_id": "by-notebook"})
    space: dict[str, object] = {"spark": spark, "lab": lab}
    steps = [*cells["imports"], *cells["arguments"], "args = lab.arguments(arguments)", *cells["job"]]
    for step in steps:
        exec(compile(step, LESSON.name, "exec"), space)
    main(LESSON, False, project)
    job = read_catalogue(project / "jobs.yaml").jobs[NAME]
    arguments = job.command_arguments(SETTINGS | {"pipeline_id": "by-batch"})
    monkeypatch.setattr(sys, "argv", [job.main, *arguments])
    runpy.run_path(str(project / job.main), run_name="__main__")
    for table in job.writes:
        rows = lab_rows(lab, table)
        assert rows["by-notebook"].count() > 400
        assertDataFrameEqual(rows["by-notebook"], rows["by-batch"])


def lab_rows(lab: Lab, table: str) -> dict:
    """The rows of each of the two runs, without what names the run."""
    found = io.read_rows(lab.spark, f"{DATASET}.{table}")
    lineage = ("pipeline_id", "pipeline_execution_dt", "batch_id")
    return {run: found.where(found.pipeline_id == run).drop(*lineage) for run in ("by-notebook", "by-batch")}
