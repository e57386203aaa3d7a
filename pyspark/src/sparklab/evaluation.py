"""How good a churn model is: the lab's six metrics, and what each class gets of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.ml.classification import RandomForestClassificationModel
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.sql import DataFrame

from sparklab.schemas import CHURN_LABELS


@dataclass(frozen=True)
class Evaluation:
    """A model's quality on the customers of one split's test side."""

    rows: int
    headline: dict[str, float]
    """The lab's six; precision and recall are weighted over the classes, so this recall equals accuracy."""
    precision: dict[str, float]
    recall: dict[str, float]
    confusion: list[list[int]]
    """Customers by actual (row) and predicted (column) class, both in the order of CHURN_LABELS."""

    def metrics(self) -> dict[str, float]:
        """Give all of it as named numbers."""
        return {
            **self.headline,
            **{f"test_precision_{label}": self.precision[label] for label in CHURN_LABELS},
            **{f"test_recall_{label}": self.recall[label] for label in CHURN_LABELS},
            **{
                f"test_actual_{actual}_predicted_{predicted}": number
                for actual, numbers in zip(CHURN_LABELS, self.confusion, strict=True)
                for predicted, number in zip(CHURN_LABELS, numbers, strict=True)
            },
            "test_rows": self.rows,
        }


def evaluate_forest(forest: RandomForestClassificationModel, test: DataFrame) -> Evaluation:
    """Measure a forest on encoded customers with their labels; the threshold is the forest's own majority."""
    predictions = forest.transform(test).select("label", "rawPrediction", "prediction").cache()
    # One pass gives every metric that depends on the predicted class alone.
    counts = {(row[0], row[1]): row[2] for row in predictions.groupBy("label", "prediction").count().collect()}
    confusion = [[counts.get((actual, predicted), 0) for predicted in (0.0, 1.0)] for actual in (0.0, 1.0)]
    # Without bins the areas are exact and do not depend on how the rows lie in partitions.
    ranking = BinaryClassificationEvaluator(numBins=0)
    areas = {
        name: ranking.setMetricName(area).evaluate(predictions)
        for name, area in (("test_area_roc", "areaUnderROC"), ("test_area_prc", "areaUnderPR"))
    }
    predictions.unpersist()
    return evaluation_of(confusion, areas)


def evaluation_of(confusion: list[list[int]], areas: dict[str, float]) -> Evaluation:
    """Derive the class metrics from the confusion matrix; a ratio with nothing below the line is 0.

    Rounded to five decimals, as the lab does: what is left after that is the same on every machine.
    """
    actual = [sum(row) for row in confusion]
    predicted = [sum(column) for column in zip(*confusion, strict=True)]
    rows = sum(actual)
    correct = [confusion[label][label] for label in (0, 1)]
    precision = [_ratio(correct[label], predicted[label]) for label in (0, 1)]
    recall = [_ratio(correct[label], actual[label]) for label in (0, 1)]
    f1 = [_ratio(2 * precision[label] * recall[label], precision[label] + recall[label]) for label in (0, 1)]

    def weighted(values: list[float]) -> float:
        return _ratio(sum(value * weight for value, weight in zip(values, actual, strict=True)), rows)

    return Evaluation(
        rows=rows,
        headline=_rounded(
            {
                **areas,
                "test_accuracy": _ratio(sum(correct), rows),
                "test_f1": weighted(f1),
                "test_precision": weighted(precision),
                "test_recall": weighted(recall),
            }
        ),
        precision=_rounded(dict(zip(CHURN_LABELS, precision, strict=True))),
        recall=_rounded(dict(zip(CHURN_LABELS, recall, strict=True))),
        confusion=confusion,
    )


def spread(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, float]]:
    """Give mean and sample standard deviation of the six headline metrics over several splits."""
    names = evaluations[0].headline
    values = {name: [evaluation.headline[name] for evaluation in evaluations] for name in names}
    return {
        "mean": _rounded({name: statistics.fmean(values[name]) for name in names}),
        "stddev": _rounded({name: statistics.stdev(values[name]) if len(evaluations) > 1 else 0.0 for name in names}),
    }


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
