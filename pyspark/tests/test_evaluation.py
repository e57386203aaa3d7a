"""Metrics of literal predictions."""

import pytest

from sparklab.evaluation import Evaluation, Prediction, areas_under_curves, class_metrics, evaluate, spread


def test_the_labs_published_confusion_gives_the_labs_published_metrics() -> None:
    headline, precision, recall = class_metrics([[1028, 61], [202, 158]])
    assert headline == pytest.approx(
        {"test_accuracy": 0.8185, "test_f1": 0.80191, "test_precision": 0.80737, "test_recall": 0.8185}, abs=5e-6
    )
    assert recall == pytest.approx({"no": 0.94399, "yes": 0.43889}, abs=5e-6)
    assert precision == pytest.approx({"no": 0.83577, "yes": 0.72146}, abs=5e-6)


@pytest.mark.parametrize(
    ("scored", "roc", "prc"),
    [
        ([(0.9, 1.0), (0.8, 1.0), (0.1, 0.0)], 1.0, 1.0),
        ([(0.9, 0.0), (0.1, 1.0)], 0.0, 0.25),
        ([(0.5, 1.0), (0.5, 0.0), (0.5, 0.0), (0.5, 0.0)], 0.5, 0.25),
        ([(0.9, 1.0), (0.6, 0.0), (0.6, 1.0), (0.2, 0.0)], 0.875, 11 / 12),
        ([(0.9, 0.0), (0.1, 0.0)], 0.0, 0.0),
        ([], 0.0, 0.0),
    ],
)
def test_areas_count_equal_scores_as_one_point(scored: list, roc: float, prc: float) -> None:
    assert areas_under_curves(scored) == pytest.approx((roc, prc))


def test_a_class_that_is_never_predicted_has_metrics_of_zero() -> None:
    headline, precision, recall = class_metrics([[3, 0], [1, 0]])
    assert (precision["yes"], recall["yes"], headline["test_accuracy"]) == (0, 0, 0.75)


def test_the_spread_is_mean_and_sample_deviation() -> None:
    def evaluation(*labels: float) -> Evaluation:
        return evaluate([Prediction(f"id-{n}", label, n / 10, 0.0) for n, label in enumerate(labels)])

    evaluations = [evaluation(0, 0, 0, 1), evaluation(0, 1, 0, 1)]
    result = spread(evaluations)
    assert (result["mean"]["test_accuracy"], result["stddev"]["test_accuracy"]) == (0.625, 0.17678)
    assert result["mean"]["test_area_roc"] == 0.875
    assert spread(evaluations[:1])["stddev"]["test_accuracy"] == 0
