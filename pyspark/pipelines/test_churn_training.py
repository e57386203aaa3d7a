"""The compiled churn training pipeline, and its own steps as functions."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import google.auth
import pytest
from churn_training import CATALOGUE, COMPILED, churn_training
from evaluation import evaluate_model
from google.auth.transport import requests
from judgement import better_model, champion_or_challenger
from kfp import compiler, dsl
from registration import promote

from sparklab.champion import champion_pointer

SPEC = json.loads(COMPILED.read_text())
ROOT = SPEC["root"]["dag"]["tasks"]
TITLES = {task["taskInfo"]["name"]: name for name, task in ROOT.items()}


def inputs(title: str) -> dict:
    return {
        name: value.get("runtimeValue", {}).get("constant")
        for name, value in task(title)["inputs"]["parameters"].items()
    }


def task(title: str) -> dict:
    return ROOT[TITLES[title]]


def after(title: str) -> list[str]:
    return [ROOT[name]["taskInfo"]["name"] for name in task(title).get("dependentTasks", [])]


def test_the_compiled_file_is_what_the_source_says(tmp_path: Path) -> None:
    compiler.Compiler().compile(churn_training, str(tmp_path / "now.json"))
    assert json.loads((tmp_path / "now.json").read_text()) == SPEC, "python pyspark/pipelines/churn_training.py"


def test_training_and_the_registration_of_its_data_wait_for_preprocessing_and_not_for_each_other() -> None:
    assert after("Churn preprocessing") == []
    assert after("Churn training") == after("Register the training data") == ["Churn preprocessing"]
    assert after("Metrics") == ["Churn training"]
    assert after("Evaluate the model") == ["Metrics"]
    assert after("Good enough") == ["Evaluate the model"]
    assert after("Join the experiment") == []


def test_a_model_goes_on_from_the_threshold_on() -> None:
    condition = task("Good enough")["triggerPolicy"]["condition"]
    produced, threshold = "pipelinechannel--evaluate-model-Output", "pipelinechannel--threshold"
    assert condition == f"inputs.parameter_values['{produced}'] >= inputs.parameter_values['{threshold}']"
    assert SPEC["root"]["inputDefinitions"]["parameters"]["threshold"]["defaultValue"] == 0.5


@pytest.mark.parametrize("job", ["churn_preprocessing", "churn_training"])
def test_a_spark_step_is_the_job_of_the_catalogue_with_a_batch_id_of_the_run(job: str) -> None:
    found = inputs(job.replace("_", " ").capitalize())
    parameter = "{{$.inputs.parameters['pipelinechannel--%s']}}"
    settings = {name: parameter % name for name in CATALOGUE.settings}
    assert found["batch_id"] == f"{job.replace('_', '-')}-{parameter % 'pipeline_id'}"
    assert found["args"] == CATALOGUE.jobs[job].command_arguments(settings)
    assert found["main_python_file_uri"] == f"{parameter % 'code'}/{CATALOGUE.jobs[job].main}"
    assert found["runtime_config_properties"] == CATALOGUE.jobs[job].properties


def test_no_task_takes_an_earlier_result() -> None:
    dags = [ROOT, *(c["dag"]["tasks"] for c in SPEC["components"].values() if "dag" in c)]
    assert [t["taskInfo"]["name"] for dag in dags for t in dag.values() if t.get("cachingOptions")] == []


def evaluate(tmp_path: Path, document: dict) -> tuple[float, dict, dict]:
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(document))
    scalars, curves = dsl.Metrics(), dsl.ClassificationMetrics()
    given = dsl.Artifact(uri=str(file))
    return evaluate_model.python_func(given, scalars, curves), scalars.metadata, curves.metadata


SCALARS = {
    "test_area_roc": 0.75,
    "test_area_prc": 0.83,
    "test_accuracy": 0.8,
    "test_f1": 0.79,
    "test_precision": 0.78,
    "test_recall": 0.8,
}
MATRIX = {"labels": ["no", "yes"], "actual_by_predicted": [[1, 1], [0, 2]]}


def test_the_evaluation_logs_six_metrics_the_matrix_in_its_own_order_and_the_curve(tmp_path: Path) -> None:
    document = {**SCALARS, "confusion_matrix": MATRIX, "true": [0, 1, 0, 1], "score": [0.1, 0.9, 0.8, 0.8]}
    area, scalars, curves = evaluate(tmp_path, document)
    assert area == 0.83
    assert scalars == {name.removeprefix("test_"): value for name, value in SCALARS.items()}
    assert [row["row"] for row in curves["confusionMatrix"]["rows"]] == MATRIX["actual_by_predicted"]
    assert [label["displayName"] for label in curves["confusionMatrix"]["annotationSpecs"]] == ["no", "yes"]
    points = [tuple(point.values()) for point in curves["confidenceMetrics"]]
    assert sorted(points) == sorted([(1.0, 0.0, 0.0), (0.9, 0.5, 0.0), (0.8, 1.0, 0.5), (0.1, 1.0, 1.0)])


def test_the_evaluation_refuses_metrics_that_are_not_a_training_batch_s(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got no test_f1, confusion_matrix, true, score; expected the full metrics"):
        evaluate(tmp_path, {name: value for name, value in SCALARS.items() if name != "test_f1"})


@pytest.mark.parametrize(("tuned", "offered"), [(0.59, "v"), (0.6, "v"), (0.61, "v-tuned")])
def test_the_tuned_model_is_offered_if_it_is_better(tuned: float, offered: str) -> None:
    assert better_model.python_func("v", 0.6, "v-tuned", tuned)[0] == offered


@pytest.mark.parametrize(
    ("pointer", "role", "rival"),
    [
        (None, "champion", ""),
        ({"version": "old", "areaPrc": 0.59}, "champion", "old"),
        ({"version": "old", "areaPrc": 0.6}, "challenger", "old"),
        ({"version": "old", "areaPrc": 0.61}, "challenger", "old"),
        ({"version": "new", "areaPrc": 0.6}, "champion", "new"),
        ({"version": "old"}, "champion", "old"),
    ],
)
def test_a_model_becomes_champion_only_by_being_better(
    tmp_path: Path, pointer: dict | None, role: str, rival: str
) -> None:
    file = tmp_path / "champion.json"
    if pointer:
        file.write_text(json.dumps(pointer))
    verdict = champion_or_challenger.python_func("new", 0.6, dsl.Artifact(uri=str(file)))
    assert verdict[:4] == ("new", 0.6, role, rival)
    assert verdict[4]


class Session:
    """Cloud Storage with or without a pointer, which another promotion may have replaced."""

    def __init__(self, pointer: dict | None, status: int = 200) -> None:
        self.pointer, self.status, self.written = pointer, status, []

    def get(self, url: str, **_: object) -> SimpleNamespace:
        ok = self.pointer is not None
        raise_for_status = lambda: None  # noqa: E731
        headers = {"x-goog-generation": "7"}
        return SimpleNamespace(
            ok=ok,
            status_code=200 if ok else 404,
            headers=headers,
            json=lambda: self.pointer,
            raise_for_status=raise_for_status,
        )

    def post(self, url: str, params: dict, data: bytes, **_: object) -> SimpleNamespace:
        self.written.append((params["name"], params["ifGenerationMatch"], data.decode()))
        return SimpleNamespace(ok=self.status == 200, status_code=self.status, text="conditionNotMet")


PROMOTION = {"version": "new", "rival": "", "area": 0.6, "pipeline_id": "run", "pipeline_job": "projects/p/x"}


def promoted(monkeypatch: pytest.MonkeyPatch, session: Session, **more: str) -> list:
    monkeypatch.setattr(google.auth, "default", lambda **_: (None, "p"))
    monkeypatch.setattr(requests, "AuthorizedSession", lambda _: session)
    given = {**PROMOTION, "folder": "gs://b/models", "set_at": "2026-11-21T09:00:00.123Z", **more}
    promote.python_func(**given)
    return session.written


@pytest.mark.parametrize(("pointer", "rival", "generation"), [(None, "", "0"), ({"version": "old"}, "old", "7")])
def test_a_promotion_writes_the_pointer_that_the_schema_describes_over_the_one_it_was_compared_with(
    monkeypatch: pytest.MonkeyPatch, pointer: dict | None, rival: str, generation: str
) -> None:
    expected = champion_pointer(
        "gs://b/models",
        "new",
        pipeline_id="run",
        pipeline_job="projects/p/x",
        set_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
        area_prc=0.6,
    )
    written = promoted(monkeypatch, Session(pointer), rival=rival)
    assert written == [("models/champion.json", generation, expected)]


def test_a_promotion_that_is_repeated_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert promoted(monkeypatch, Session({"version": "new"}), rival="old") == []


@pytest.mark.parametrize(
    ("session", "problem"),
    [
        (Session({"version": "other"}), "got champion 'other'; expected 'old', which new was compared with"),
        (Session({"version": "old"}, status=412), "412 conditionNotMet"),
    ],
)
def test_a_promotion_after_another_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, session: Session, problem: str
) -> None:
    with pytest.raises(RuntimeError, match=problem):
        promoted(monkeypatch, session, rival="old")
