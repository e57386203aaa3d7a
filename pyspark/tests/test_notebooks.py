"""The notebooks as they are kept: nothing in them but what a reader needs; and the functions that their charts draw."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conftest import PYSPARK
from sparklab.curves import calibration, churn_drivers, grid, mean_scores, roc_points
from sparklab.evaluation import Prediction
from sparklab.notebook import SETTINGS, Lab, open_lab
from sparklab.pipeline_graph import pipeline_steps, step_arrows, step_levels
from sparklab.tuning import Combination, FoldScore

NOTEBOOKS = sorted((PYSPARK.parent / "notebooks").glob("*.ipynb"))
LOGIC = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.If, ast.For, ast.While, ast.With, ast.Try),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp),
)
COMES_WITH_JUPYTER = {"time", "pandas", "pyspark.sql"}


def cells(path: Path, kind: str = "code") -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path)]


def test_the_lessons_are_numbered() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        *("01-explore", "02-preprocess", "03-train", "04-tune", "05-score", "06-pipeline", "07-promote"),
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestEachNotebook:
    def test_is_kept_without_what_it_has_shown(self, path: Path) -> None:
        for cell in cells(path):
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
        assert set(json.loads(path.read_text())["metadata"]) == {"kernelspec", "language_info"}

    def test_holds_no_logic(self, path: Path) -> None:
        for source in sources(path):
            found = [type(node).__name__ for node in ast.walk(ast.parse(source)) if isinstance(node, LOGIC)]
            assert len(source.splitlines()) <= 12, source
            assert not found, source

    def test_imports_the_package_and_little_else(self, path: Path) -> None:
        nodes = [node for source in sources(path) for node in ast.walk(ast.parse(source))]
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        assert {name for name in modules if not str(name).startswith("sparklab.")} <= COMES_WITH_JUPYTER

    def test_names_no_bucket_and_no_project(self, path: Path) -> None:
        text = "\n".join(sources(path))
        assert "sparklab-local" not in text
        assert all(part.startswith("{") for part in text.split("gs://")[1:])

    def test_shows_data_and_a_plot_and_asks_a_question_with_its_answer(self, path: Path) -> None:
        text = "\n".join(sources(path))
        assert "draw_" in text
        assert any(word in text for word in (".toPandas()", "pd.DataFrame"))
        tags = [tag for cell in json.loads(path.read_text())["cells"] for tag in cell["metadata"].get("tags", ())]
        assert (tags.count("question"), tags.count("answer")) == (1, 1)
        assert tags.index("question") < tags.index("answer")


def prediction(probability: float, label: float) -> Prediction:
    return Prediction(f"{probability}-{label}", label, probability, float(probability > 0.5))


def test_a_roc_curve_goes_right_for_each_loyal_customer_and_up_for_each_that_left() -> None:
    points = roc_points([prediction(0.9, 1.0), prediction(0.7, 0.0), prediction(0.2, 1.0), prediction(0.2, 0.0)])
    assert points == [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 1.0)]


def test_a_roc_curve_needs_customers_of_both_kinds() -> None:
    with pytest.raises(ValueError, match="got 2 who left of 2; expected some of both"):
        roc_points([prediction(0.9, 1.0), prediction(0.8, 1.0)])


def test_calibration_compares_what_was_said_with_what_happened() -> None:
    bands = calibration([prediction(0.11, 0.0), prediction(0.19, 1.0), prediction(1.0, 1.0)])
    assert bands == [(pytest.approx(0.15), 0.5, 2), (1.0, 1.0, 1)]


def test_drivers_are_ordered_by_how_far_their_values_lie_apart(spark: SparkSession) -> None:
    rows = [("yes", "month", "f"), ("yes", "month", "m"), ("no", "year", "f"), ("no", "year", "m")]
    customers = spark.createDataFrame(rows, "churn string, contract string, gender string")
    found = churn_drivers(customers, ["gender", "contract"])
    assert [(row.column, row.lowest_rate, row.highest_rate) for row in found.collect()] == [
        ("contract", 0.0, 1.0),
        ("gender", 0.5, 0.5),
    ]


def test_a_grid_proposes_each_combination_and_scores_are_averaged_over_folds() -> None:
    combinations = list(grid([3, 5], [32], [10]))
    assert combinations == [Combination(3, 32, 10), Combination(5, 32, 10)]
    scores = [FoldScore(combination, fold, 0.0, fold / 10) for combination in combinations for fold in (1, 2)]
    assert mean_scores(scores) == {(3, 10): pytest.approx(0.15), (5, 10): pytest.approx(0.15)}


def test_a_pipeline_is_read_from_left_to_right_with_its_conditions() -> None:
    steps = pipeline_steps(json.loads((PYSPARK / "pipelines" / "churn_training.json").read_text()))
    levels = step_levels(steps)
    place = {name: level for level, names in enumerate(levels) for name in names}
    assert levels[0][0] == "Churn preprocessing"
    assert all(place[before] < place[after] for before, after in step_arrows(steps))
    (tuning,) = [step for step in steps if step.name == "Churn tuning"]
    assert "threshold" in str(tuning.condition)


def test_a_session_without_settings_says_which_property_is_missing(spark: SparkSession) -> None:
    with pytest.raises(LookupError, match=rf"Spark property {SETTINGS}: got none"):
        open_lab(spark)


def test_a_lab_gives_its_values_to_whoever_names_them(spark: SparkSession, tmp_path: Path) -> None:
    settings = {"project": "p", "region": "r", "code": "gs://c", "jobs": {"dataset": "my-project.churn"}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    session = spark.newSession()
    session.conf.set(SETTINGS, (tmp_path / "settings.json").as_uri())
    lab: Lab = open_lab(session, "lesson")
    assert lab.uri("{code}/{dataset}/{pipeline_id}") == "gs://c/my-project.churn/lesson"
    assert lab.run["batch_id"] == "notebook-lesson"
