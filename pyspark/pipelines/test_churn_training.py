"""The compiled churn training pipeline, and its own steps as functions."""

import json
from pathlib import Path

import pytest
from churn_training import CATALOGUE, COMPILED, churn_training
from evaluation import evaluate_model
from judgement import better_model, champion_or_challenger
from kfp import compiler, dsl

SPEC = json.loads(COMPILED.read_text())
ROOT = SPEC["root"]["dag"]["tasks"]
DAGS = [ROOT, *(c["dag"]["tasks"] for c in SPEC["components"].values() if "dag" in c)]
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


def test_a_version_is_deployed_before_it_is_promoted_and_a_run_without_a_champion_of_its_own_follows_the_other() -> (
    None
):
    titles = {task["taskInfo"]["name"]: task for dag in DAGS for task in dag.values()}
    promote = titles["Promote"]
    assert promote["dependentTasks"] == [titles["Deploy to the endpoint"]["componentRef"]["name"].removeprefix("comp-")]
    follow = titles["Follow the champion"]
    assert {"endpoint", "folder", "service_account"} <= {*follow["inputs"]["parameters"]}


def test_no_task_takes_an_earlier_result() -> None:
    assert [t["taskInfo"]["name"] for dag in DAGS for t in dag.values() if t.get("cachingOptions")] == []


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
