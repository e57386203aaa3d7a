"""The DAGs as Airflow parses them, those of promoted notebooks too, and the batches that their tasks ask for."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from google.cloud.dataproc_v1 import Batch
from promote_notebook import main as promote

from tracked_champion import tracked_champion

HERE = Path(__file__).parent
CATALOGUE = yaml.safe_load((HERE.parent / "jobs.yaml").read_text())
RUN = SimpleNamespace(run_after=datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC))
PIPELINE_ID = "20261121-090000-123456"

EXECUTION = {
    "serviceAccount": "worker@p.iam.gserviceaccount.com",
    "stagingBucket": "staging",
    "authenticationConfig": {"userWorkloadAuthenticationType": "SERVICE_ACCOUNT"},
}
JOBS = {"dataset": "p.churn", "raw_bucket": "raw", "staging_bucket": "staging"}
LAB = {
    "project": "p",
    "region": "us-central1",
    "environment": "test",
    "code": "gs://code",
    "champion": "gs://bundles/customer-churn-model/champion.json",
    "jobs": JOBS,
    "batch": {"runtimeConfig": {"version": "2.3"}, "environmentConfig": {"executionConfig": EXECUTION}},
}


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=str(HERE))


def context(lab: dict) -> dict:
    """What a task's templates are filled in from."""
    ti = SimpleNamespace(xcom_pull=lambda task_ids: f"version-of-{task_ids}")
    return {"var": {"json": SimpleNamespace(sparklab=lab)}, "dag_run": RUN, "ti": ti}


def rendered(task, lab: dict) -> SimpleNamespace:
    """What an operator has when it runs: its templates filled in."""
    fields = ("project_id", "region", "batch_id", "batch")
    return SimpleNamespace(**{name: task.render_template(getattr(task, name), context(lab)) for name in fields})


def promoted(folder: Path) -> set[str]:
    """Names of the jobs that notebooks became: their DAGs are theirs alone."""
    return {file.stem for file in folder.glob("*.py") if "\n# Promoted from " in file.read_text(encoding="utf-8")}


def test_the_lab_s_dags_and_those_of_promoted_notebooks_parse_and_nothing_else_in_the_folder_is_one(
    bag: DagBag,
) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {"churn_batch_scoring", "churn_data_engineering"} | promoted(HERE)
    assert {name: bag.dags[name].task_ids for name in promoted(HERE)} == {name: [name] for name in promoted(HERE)}


def test_a_promoted_notebook_s_dag_runs_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "pyspark"
    for part in ("jobs", "dags", "tables"):
        shutil.copytree(HERE.parent / part, project / part, ignore=shutil.ignore_patterns("__pycache__", "*test*.py"))
    shutil.copy(HERE.parent / "jobs.yaml", project)
    assert promote(HERE.parents[1] / "notebooks" / "02-preprocess.ipynb", force=False, folder=project) == 0
    # The project's own builder of batches is to be imported, which knows the new job.
    monkeypatch.delitem(sys.modules, "catalogue_batch")
    monkeypatch.syspath_prepend(project / "dags")
    bag = DagBag(dag_folder=str(project / "dags"))
    assert bag.import_errors == {}
    assert promoted(project / "dags") - promoted(HERE) == {"notebook_customers"}
    asked = rendered(bag.dags["notebook_customers"].get_task("notebook_customers"), LAB)
    assert asked.batch_id == f"notebook-customers-{PIPELINE_ID}"
    assert asked.batch["pyspark_batch"]["main_python_file_uri"] == "gs://code/jobs/notebook_customers.py"


def test_the_three_steps_follow_each_other(bag: DagBag) -> None:
    dag = bag.dags["churn_data_engineering"]
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "churn_data_step_1": ["churn_data_step_2"],
        "churn_data_step_2": ["churn_data_step_3"],
        "churn_data_step_3": [],
    }
    assert [job for job, text in CATALOGUE["jobs"].items() if text["pipeline"] == dag.dag_id] == dag.task_ids


def test_scoring_takes_the_champion_s_version(bag: DagBag) -> None:
    dag = bag.dags["churn_batch_scoring"]
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "tracked_champion": ["churn_scoring"],
        "churn_scoring": [],
    }
    arguments = rendered(dag.get_task("churn_scoring"), LAB).batch["pyspark_batch"]["args"]
    assert arguments[arguments.index("--model-version") + 1] == "version-of-tracked_champion"


@pytest.mark.parametrize("step", ["churn_data_step_1", "churn_data_step_2", "churn_data_step_3"])
def test_a_step_is_the_catalogue_s_job_with_an_id_of_the_run(bag: DagBag, step: str) -> None:
    asked = rendered(bag.dags["churn_data_engineering"].get_task(step), LAB)
    assert (asked.project_id, asked.region) == ("p", "us-central1")
    assert asked.batch_id == f"{step.replace('_', '-')}-{PIPELINE_ID}"
    job = CATALOGUE["jobs"][step]
    settings = JOBS | {"pipeline_id": PIPELINE_ID, "execution_time": "2026-11-21T09:00:00.123456+00:00"}
    filled = [part for flag, text in job["arguments"].items() for part in (flag, text.format_map(settings))]
    batch = Batch(asked.batch)
    assert list(batch.pyspark_batch.args) == filled
    assert batch.pyspark_batch.main_python_file_uri == f"gs://code/{job['main']}"
    assert list(batch.pyspark_batch.python_file_uris) == ["gs://code/sparklab.zip"]
    assert dict(batch.runtime_config.properties) == job["properties"]
    assert batch.environment_config.execution_config.service_account == EXECUTION["serviceAccount"]
    assert batch.environment_config.execution_config.authentication_config.user_workload_authentication_type == 1


def test_parts_of_the_lab_that_are_off_leave_empty_fields_and_those_that_are_on_reach_the_batch(bag: DagBag) -> None:
    task = bag.dags["churn_data_engineering"].get_task("churn_data_step_1")
    plain = Batch(rendered(task, LAB).batch)
    assert plain.runtime_config.container_image == ""
    assert plain.environment_config.peripherals_config.spark_history_server_config.dataproc_cluster == ""
    history = {"sparkHistoryServerConfig": {"dataprocCluster": "history"}, "metastoreService": "metastore"}
    environment = {"executionConfig": EXECUTION | {"subnetworkUri": "subnet"}, "peripheralsConfig": history}
    whole = LAB | {
        "batch": {"runtimeConfig": {"version": "2.3", "containerImage": "image"}, "environmentConfig": environment}
    }
    full = Batch(rendered(task, whole).batch)
    assert full.runtime_config.container_image == "image"
    assert full.environment_config.execution_config.subnetwork_uri == "subnet"
    assert full.environment_config.peripherals_config.metastore_service == "metastore"
    assert full.environment_config.peripherals_config.spark_history_server_config.dataproc_cluster == "history"


def test_a_lab_without_a_needed_value_is_refused(bag: DagBag) -> None:
    task = bag.dags["churn_data_engineering"].get_task("churn_data_step_1")
    with pytest.raises(Exception, match="'dict object' has no attribute 'code'"):
        rendered(task, {name: value for name, value in LAB.items() if name != "code"})


class Answer:
    """What an address answers."""

    def __init__(self, status: int, content: dict) -> None:
        self.status_code, self.ok, self.text = status, status == 200, str(content)
        self.json = lambda: content


POINTER = "gs://bundles/customer-churn-model/champion.json"
PROMOTED = Answer(200, {"version": "model-7"})
TRACKED = Answer(200, {"jobComplete": True, "rows": [{"f": [{"v": "model-7"}]}]})


def champion_of(monkeypatch: pytest.MonkeyPatch, pointer: Answer, tracker: Answer) -> tuple[str, list]:
    """What the task gives for these answers, and what it asked."""
    asked = []
    session = SimpleNamespace(
        get=lambda url, **more: asked.append((url, more)) or pointer,
        post=lambda url, **more: asked.append((url, more)) or tracker,
    )
    monkeypatch.setattr("tracked_champion.GoogleBaseHook", lambda: SimpleNamespace(get_credentials=lambda: None))
    monkeypatch.setattr("tracked_champion.AuthorizedSession", lambda _: session)
    return tracked_champion.function("p", "us-central1", "p.churn", POINTER), asked


@pytest.mark.parametrize(
    ("pointer", "tracker", "problem"),
    [
        (Answer(404, {}), TRACKED, f"No champion yet: {POINTER} does not exist. Run the training pipeline"),
        (Answer(403, {"error": "Denied"}), TRACKED, f"{POINTER}: got 403 .*Denied"),
        (PROMOTED, Answer(200, {"jobComplete": True}), f"tracker of p.churn: got no model model-7; .* of {POINTER}"),
        (PROMOTED, Answer(403, {"error": "Access Denied"}), "the model tracker: got 403 .*Access Denied"),
        (PROMOTED, Answer(200, {"jobComplete": False}), "the model tracker: got no answer within 60 s"),
    ],
)
def test_no_champion_is_said_so(
    monkeypatch: pytest.MonkeyPatch, pointer: Answer, tracker: Answer, problem: str
) -> None:
    with pytest.raises(Exception, match=problem):
        champion_of(monkeypatch, pointer, tracker)


def test_the_champion_is_the_version_that_the_pointer_names_as_the_tracker_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version, [(place, _), (url, more)] = champion_of(monkeypatch, PROMOTED, TRACKED)
    assert version == "model-7"
    assert place == "https://storage.googleapis.com/storage/v1/b/bundles/o/customer-churn-model%2Fchampion.json"
    assert url == "https://bigquery.googleapis.com/bigquery/v2/projects/p/queries"
    assert "`p.churn.model_asset_tracker` WHERE model_version = @version" in more["json"]["query"]
    assert more["json"]["queryParameters"][0]["parameterValue"] == {"value": "model-7"}


def test_scoring_looks_where_the_lab_says_that_the_champion_is(bag: DagBag) -> None:
    task = bag.dags["churn_batch_scoring"].get_task("tracked_champion")
    given = {name: task.render_template(value, context(LAB)) for name, value in task.op_kwargs.items()}
    assert given == {"project": "p", "region": "us-central1", "dataset": "p.churn", "pointer": POINTER}
