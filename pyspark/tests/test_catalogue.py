"""The job catalogue and its reader."""

import shutil
from pathlib import Path

import pytest
import yaml

from sparklab.catalogue import Catalogue, CatalogueError, read_catalogue

PYSPARK = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("jobs", "tables"):
        shutil.copytree(PYSPARK / folder, tmp_path / folder)
    shutil.copy(PYSPARK / "jobs.yaml", tmp_path)
    return tmp_path / "jobs.yaml"


def changed(file: Path, change) -> list[str]:
    content = yaml.safe_load(file.read_text())
    change(content)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(CatalogueError) as error:
        read_catalogue(file)
    return error.value.problems


def test_each_job_follows_the_one_whose_tables_it_reads(catalogue: Catalogue) -> None:
    written = set()
    for job in catalogue.in_order():
        assert set(job.reads) <= written
        written |= set(job.writes)
    jobs = [job.name for job in catalogue.in_order("churn_training")]
    assert jobs == ["churn_preprocessing", "churn_training", "churn_scoring", "churn_export"]


def test_every_table_with_a_schema_is_written_by_a_job(catalogue: Catalogue) -> None:
    written = [table for job in catalogue.jobs.values() for table in job.writes]
    assert set(written) == {path.stem for path in (PYSPARK / "tables").glob("*.json")}


def test_arguments_are_filled_in_order(catalogue: Catalogue) -> None:
    run = {"pipeline_id": "run-1", "model_version": "m", "execution_time": "t"}
    settings = {"dataset": "p.d", "staging_bucket": "between", "unused": "", **run}
    assert catalogue.jobs["churn_scoring"].command_arguments(settings) == [
        *("--dataset", "p.d", "--staging", "gs://between/tables"),
        *("--pipeline-id", "run-1", "--model-version", "m", "--execution-time", "t"),
    ]


def test_missing_settings_are_named_together(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError) as error:
        catalogue.jobs["churn_scoring"].command_arguments({"dataset": "p.d", "pipeline_id": ""})
    assert error.value.problems == [
        "setting execution_time: missing.",
        "setting model_version: missing.",
        "setting pipeline_id: missing.",
        "setting staging_bucket: missing.",
    ]


def test_the_longest_batch_id_is_one_that_dataproc_takes(catalogue: Catalogue) -> None:
    assert catalogue.jobs["churn_training"].batch_id("run-1") == "churn-training-run-1"
    assert max(len(job.batch_id("x" * 42)) for job in catalogue.jobs.values()) <= 63


def test_all_problems_of_a_catalogue_are_named_at_once(copy: Path) -> None:
    def spoil(content: dict) -> None:
        training, scoring = content["jobs"]["churn_training"], content["jobs"]["churn_scoring"]
        training["main"] = "jobs/other.py"
        training["after"] = ["cleaning"]
        training["arguments"] = {"--dataset": "{data_set}", "-m": "gs://{models_bucket", "--splits": "5"}
        training["properties"] = {"memory": "1g"}
        training["writes"] = ["nowhere"]
        scoring["arguments"] = {"--splits": 5}
        scoring["retries"] = 3
        del scoring["after"]

    settings = "project, region, dataset, raw_bucket, models_bucket, metrics_bucket, bundles_bucket, staging_bucket, pipeline_id"
    assert changed(copy, spoil) == [
        "job churn_training: main: got jobs/other.py; expected jobs/churn_training.py, an existing file.",
        "job churn_training: after: no job cleaning; expected one of churn_preprocessing, churn_training, churn_scoring, churn_export, churn_tuning, churn_data_step_1, churn_data_step_2, churn_data_step_3.",
        f"job churn_training: arguments: --dataset names {{data_set}}; expected one of {settings}, model_version, tuning_search, execution_time.",
        "job churn_training: arguments: got -m; expected a flag such as --pipeline-id.",
        "job churn_training: arguments: -m has an unpaired brace in 'gs://{models_bucket'.",
        "job churn_training: properties: got memory; expected a Spark property (spark.*, dataproc.*).",
        "job churn_training: reads, writes: no schema tables/nowhere.json.",
        "job churn_scoring: after is missing.",
        "job churn_scoring: arguments: got --splits; expected a map of texts.",
        "job churn_scoring: retries is not expected.",
    ]


def test_a_circle_of_jobs_is_refused(copy: Path) -> None:
    problems = changed(copy, lambda content: content["jobs"]["churn_preprocessing"].update(after=["churn_scoring"]))
    assert len(problems) == 1
    assert problems[0].endswith("follow each other in a circle.")


def test_a_key_that_stands_twice_is_refused(copy: Path) -> None:
    copy.write_text(copy.read_text() + "\njobs: {}\n")
    with pytest.raises(CatalogueError, match="key twice: jobs"):
        read_catalogue(copy)
