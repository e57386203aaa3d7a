"""The search for the forest's settings: equal to Spark's own fits, within its budgets, every score kept."""

import json
import random

import pytest
from pyspark.ml.classification import RandomForestClassifier
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from conftest import FolderLab
from sparklab import tuning
from sparklab.evaluation import areas_under_curves
from sparklab.fitted_trees import fitted_trees
from sparklab.training import collect_predictions, encode_customers, in_test_side, training_customers
from sparklab.tuning import SPACES, Combination, CrossValidation, FoldScore, best_combination, fold_of, proposals, tune


@pytest.fixture(scope="module")
def encoded(finished_lab: FolderLab, spark: SparkSession) -> DataFrame:
    _, encoded = encode_customers(training_customers(finished_lab.table(spark, "training_data"), 2))
    return encoded.where(~in_test_side(1, 0.2)).cache()


def naive_scores(encoded: DataFrame, combination: Combination, folds: int) -> list[FoldScore]:
    """Fit and predict with Spark alone, one forest for each combination and fold, with no setting but the searched."""
    scores = []
    settings = {name: value for name, value in combination.forest().items() if name != "cacheNodeIds"}
    for fold in range(1, folds + 1):
        forest = RandomForestClassifier(**settings).fit(encoded.where(fold_of(folds) != fold).coalesce(1))
        predictions = collect_predictions(forest, encoded.where(fold_of(folds) == fold))
        areas = areas_under_curves([(p.probability, p.label) for p in predictions])
        scores.append(FoldScore(combination, fold, *areas))
    return scores


def test_a_forest_cut_from_a_deeper_one_scores_exactly_as_sparks_own_fit(encoded: DataFrame) -> None:
    validation = CrossValidation(encoded, folds=2, greatest_depth=8)
    for depth in (3, 8):
        combination = Combination(depth, 24, 6)
        assert validation.score(combination) == naive_scores(encoded, combination, 2)


def test_fewer_trees_are_no_part_of_more_trees(encoded: DataFrame) -> None:
    def trees(number: int) -> list:
        return fitted_trees(RandomForestClassifier(**Combination(3, 24, number).forest()).fit(encoded))

    assert trees(2) == trees(2)
    assert trees(3)[:2] != trees(2)


@pytest.mark.deep
def test_a_seeded_sample_of_the_27_combinations_equals_sparks_own_fits(encoded: DataFrame) -> None:
    validation = CrossValidation(encoded, folds=5, greatest_depth=15)
    for combination in random.Random(1).sample(SPACES["full"], 3):
        assert validation.score(combination) == naive_scores(encoded, combination, 5)


def confirm_tuned(lab: FolderLab, spark: SparkSession, version: str, combinations: int) -> None:
    scores = lab.table(spark, "tuning_scores").where(F.col("model_version") == f"{version}-tuned")
    assert (scores.count(), scores.where("chosen").count()) == (combinations * 5, 5)
    metrics = lab.table(spark, "model_metrics").where("metric_nm = 'test_area_prc'").collect()
    values = {row.model_version: row.metric_value for row in metrics}
    assert values[f"{version}-tuned"] >= values["model-1"] - 0.01
    tracked = lab.table(spark, "model_asset_tracker").where(F.col("model_version") == f"{version}-tuned").collect()
    assert [row.operation for row in tracked] == ["hyperparameter-tuning"]


@pytest.mark.deep
def test_the_small_search_enters_a_tuned_model_that_is_no_worse_than_the_base(
    finished_lab: FolderLab, spark: SparkSession
) -> None:
    finished_lab.run("churn_tuning", tuning_search="small", model_version="small")
    confirm_tuned(finished_lab, spark, "small", combinations=2)
    finished_lab.run("churn_export", model_version="small-tuned")
    bundle = finished_lab.folder / "buckets/lab-bundles/customer-churn-model/small-tuned/bundle.json"
    assert json.loads(bundle.read_text(encoding="utf-8"))["model"]["operation"] == "hyperparameter-tuning"


@pytest.mark.deep
def test_the_full_search_reports_135_scores_and_is_no_worse_than_the_base(
    finished_lab: FolderLab, spark: SparkSession
) -> None:
    finished_lab.run("churn_tuning", tuning_search="full", model_version="full")
    confirm_tuned(finished_lab, spark, "full", combinations=27)


def test_every_fold_holds_a_fifth_of_the_customers_by_id_alone(encoded: DataFrame) -> None:
    counts = {row.fold: row["count"] for row in encoded.groupBy(fold_of(5).alias("fold")).count().collect()}
    assert set(counts) == {1, 2, 3, 4, 5}
    assert all(abs(count / sum(counts.values()) - 0.2) < 0.03 for count in counts.values())
    assert encoded.where(fold_of(5) == 1).where(F.col("customer_id").isNull()).isEmpty()


def score(combination: Combination) -> list[FoldScore]:
    return [FoldScore(combination, fold, 0.8, combination.max_depth / 100) for fold in (1, 2)]


def spent(search: str, trials: int, *, seconds: float = 1e9, times: tuple[float, ...] = ()) -> list[Combination]:
    clock = iter((*times, *([0.0] * 100)))
    scores = tune(score, proposals(search, trials), seconds=seconds, clock=lambda: next(clock))
    return list(dict.fromkeys(one.combination for one in scores))


def test_the_full_space_is_all_27_combinations_and_the_small_one_two() -> None:
    assert len(spent("full", 27)) == 27
    assert [c.max_depth for c in spent("small", 27)] == [5, 10]


def test_a_search_keeps_to_its_number_of_trials_and_is_repeatable() -> None:
    assert len(spent("random", 7)) == 7
    assert spent("random", 7) == spent("random", 7) != list(SPACES["full"][:7])
    assert len(spent("random", 99)) == 27


def test_a_search_ends_when_its_time_is_up_after_the_combination_under_way() -> None:
    assert len(spent("full", 27, seconds=10, times=(0, 4, 9, 13))) == 3
    assert len(spent("full", 27, seconds=10, times=(0, 60))) == 1


def test_optuna_is_asked_and_told_or_refused_by_name_where_it_is_missing() -> None:
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(ValueError, match=r"got 'optuna', which this runtime does not have; .* Use --search random"):
            spent("optuna", 5)
    else:
        assert 1 <= len(spent("optuna", 12)) <= 12
        assert spent("optuna", 12) == spent("optuna", 12)


def test_the_highest_mean_is_chosen_and_of_equals_the_smallest_forest() -> None:
    few, many = Combination(5, 24, 25), Combination(5, 24, 35)
    worse = [FoldScore(Combination(9, 24, 25), fold, 0.9, area) for fold, area in ((1, 0.7), (2, 0.4))]
    equal = [FoldScore(c, fold, 0.5, 0.6) for c in (many, few) for fold in (1, 2)]
    assert best_combination([*worse, *equal]) == few
    assert [row[-1] for row in tuning.score_rows([*worse, *equal])] == [False] * 4 + [True] * 2
