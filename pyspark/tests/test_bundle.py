"""The exported bundle: equal to Spark, read without Spark, and refused where it cannot be right."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import Row, SparkSession

from conftest import PYSPARK, FolderLab
from sparklab.bundle import Bundle, main
from sparklab.exporting import export_bundle
from sparklab.features import AMOUNTS, CATEGORIES, feature_names
from sparklab.training import predict

INPUTS = (*AMOUNTS, *CATEGORIES)
Change = Callable[[dict], None]


@pytest.fixture(scope="module")
def file(finished_lab: FolderLab, spark: SparkSession) -> Path:
    finished_lab.run("churn_export")
    return finished_lab.folder / "buckets/lab-bundles/customer-churn-model/model-1/bundle.json"


@pytest.fixture(scope="module")
def document(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model(finished_lab: FolderLab, spark: SparkSession) -> PipelineModel:
    return PipelineModel.load("gs://lab-models/customer-churn-model/training/model-1")


@pytest.fixture(scope="module")
def customers(finished_lab: FolderLab, spark: SparkSession, model: PipelineModel) -> list[Row]:
    return predict(model, finished_lab.table(spark, "training_data")).collect()


@pytest.fixture
def customer(customers: list[Row]) -> dict:
    return {name: customers[0][name] for name in INPUTS}


def test_a_reader_without_spark_gives_sparks_probability_for_all_7032_customers(
    document: dict, customers: list[Row]
) -> None:
    bundle = Bundle(document)
    differences = [abs(bundle.probability({n: row[n] for n in INPUTS}) - row.probability) for row in customers]
    assert len(differences) == 7032
    assert max(differences) < 1e-15


def test_the_reader_needs_neither_spark_nor_a_package(file: Path, customers: list[Row]) -> None:
    lines = [json.dumps({name: row[name] for name in INPUTS}) for row in customers[:3]]
    # -I -S: no site packages, no PYTHON variables.
    command = [sys.executable, "-I", "-S", str(PYSPARK / "src/sparklab/bundle.py"), str(file)]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["probability"] for answer in answers] == pytest.approx([r.probability for r in customers[:3]])
    assert [answer["churn"] for answer in answers] == ["no" if r.prediction == 0 else "yes" for r in customers[:3]]


def test_the_bundle_names_its_model_and_its_inputs_in_the_order_of_the_slots(document: dict) -> None:
    assert document["model"] == {
        "name": "CUSTOMER_CHURN_PREDICTION",
        "version": "model-1",
        "operation": "training",
        "pipeline_id": "run-1",
        "gcs_uri": "gs://lab-models/customer-churn-model/training/model-1",
    }
    assert [entry["name"] for entry in document["inputs"]] == list(INPUTS)
    slots = [
        f"{entry['name']}={category}" if category else entry["name"]
        for entry in document["inputs"]
        for category in entry.get("categories", [""])
    ]
    assert slots == feature_names()
    assert len(document["trees"]) == 20


def test_exporting_again_gives_the_same_bytes(file: Path, finished_lab: FolderLab, document: dict) -> None:
    before = file.read_bytes()
    finished_lab.run("churn_export", execution_time="2026-11-22T09:00:00Z")
    assert file.read_bytes() == before


def test_a_version_that_holds_another_model_is_never_written_over(file: Path, finished_lab: FolderLab) -> None:
    before = file.read_bytes()
    file.with_name(".bundle.json.crc").unlink()  # what Hadoop keeps beside a file that it wrote on a disk
    file.write_bytes(before.replace(b'"run-1"', b'"run-2"'))
    try:
        with pytest.raises(ValueError, match=r"model-1/bundle\.json: got content that differs .* new model version"):
            finished_lab.run("churn_export")
    finally:
        file.write_bytes(before)


def test_an_unseen_category_sets_no_slot_as_in_spark(
    document: dict, customer: dict, model: PipelineModel, spark: SparkSession
) -> None:
    unseen = customer | {"contract": "Ten years", "payment_method": "Coins"}
    expected = predict(model, spark.createDataFrame([unseen])).collect()[0].probability
    assert Bundle(document).probability(unseen) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("blank", [None, "", " "])
def test_blank_total_charges_are_those_of_the_first_month(document: dict, customer: dict, blank: object) -> None:
    bundle = Bundle(document)
    assert bundle.probability(customer | {"total_charges": blank}) == bundle.probability(
        customer | {"total_charges": 0}
    )


def test_the_files_own_word_for_no_service_is_what_cleaning_makes_of_it(document: dict, customer: dict) -> None:
    bundle = Bundle(document)
    raw = bundle.probability(customer | {"tech_support": "No internet service"})
    assert raw == bundle.probability(customer | {"tech_support": "No"})


def test_all_problems_of_a_customer_are_named_at_once(document: dict, customer: dict) -> None:
    wrong = customer | {"contract": 1.5, "monthly_charges": "", "total_charges": "12", "churn": "yes"}
    del wrong["gender"]
    with pytest.raises(ValueError) as error:
        Bundle(document).probability(wrong)
    assert str(error.value).splitlines()[1:] == [
        "  churn: is not an input of this model.",
        "  contract: got 1.5; expected a category as text.",
        "  gender: is missing.",
        "  monthly_charges: got ''; expected an amount, which may not be blank here.",
        "  total_charges: got '12'; expected a finite number.",
    ]


def test_a_bundle_of_another_version_is_refused(document: dict) -> None:
    with pytest.raises(
        ValueError, match=r"got format \('sparklab-model-bundle', 2\); expected .* Export the model again"
    ):
        Bundle(document | {"format_version": 2})


@pytest.mark.parametrize(
    ("bundle", "lines", "problem"),
    [
        ("missing.json", "", "No such file or directory: 'missing.json'"),
        ("cut.json", "", "cut.json: is not JSON (400 characters): "),
        ("list.json", "", "list.json: got list; expected an object."),
        ("whole.json", "\n{", "customer in line 2: is not JSON (1 characters): "),
        ("whole.json", "[]", "customer in line 1: got list; expected an object."),
        ("whole.json", "{}", "customer:\n  contract: is missing."),
    ],
)
def test_the_reader_says_which_file_or_line_is_wrong_and_shows_no_stack(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    bundle: str,
    lines: str,
    problem: str,
) -> None:
    whole = file.read_text(encoding="utf-8")
    for name, text in {"whole.json": whole, "cut.json": whole[:400], "list.json": "[]"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main([bundle]) == 2
    assert problem in (said := capsys.readouterr().err)
    assert "Traceback" not in said
    assert main([]) == 2
    assert "bundle: got 0 files; expected one." in capsys.readouterr().err


def test_a_pipeline_that_a_bundle_cannot_describe_is_refused(model: PipelineModel, spark: SparkSession) -> None:
    other = PipelineModel([VectorAssembler(inputCols=list(AMOUNTS), outputCol="features"), model.stages[-1]])
    with pytest.raises(
        ValueError, match="got stages VectorAssembler, RandomForestClassificationModel; expected StringI"
    ):
        export_bundle(other, Row(model_version="m"))


@pytest.mark.parametrize(
    ("format_", "reason"),
    [("mleap", "MLeap has no release for Spark 3.5"), ("onnx", "probabilities differ by up to 0.41")],
)
def test_another_format_is_refused_with_its_reason(
    finished_lab: FolderLab,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    format_: str,
    reason: str,
) -> None:
    export = finished_lab.catalogue.jobs["churn_export"]
    monkeypatch.setitem(export.arguments, "--format", format_)
    with pytest.raises(SystemExit):
        finished_lab.run("churn_export")
    assert f"--format: got '{format_}'; expected bundle. " in (message := capsys.readouterr().err)
    assert reason in message
