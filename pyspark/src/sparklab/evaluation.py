"""How good a churn model is: the lab's six metrics, what each class gets of them, and their spread over splits."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from sparklab.schemas import CHURN_LABELS


@dataclass(frozen=True)
class Prediction:
    """What the model says of one test customer, and the truth; classes as labels, 1.0 for churn."""

    customer_id: str
    label: float
    probability: float
    prediction: float


@dataclass(frozen=True)
class Evaluation:
    """A model's quality on the customers of one split's test side."""

    predictions: Sequence[Prediction]
    """In the order of the customer ids."""
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
            "test_rows": len(self.predictions),
        }


def evaluate(predictions: Sequence[Prediction]) -> Evaluation:
    """Measure predictions; the class is the model's own majority, no threshold is looked for.

    The definitions are those of Spark's evaluators (exact, without bins), which need some twenty jobs for this; here
    the test customers are read once. Rounded to five decimals, as the lab does.
    """
    pairs = [(p.label, p.prediction) for p in predictions]
    confusion = [[pairs.count((actual, predicted)) for predicted in (0.0, 1.0)] for actual in (0.0, 1.0)]
    roc, prc = areas_under_curves([(p.probability, p.label) for p in predictions])
    headline, precision, recall = class_metrics(confusion)
    return Evaluation(
        predictions=sorted(predictions, key=lambda p: p.customer_id),
        headline=_rounded({"test_area_roc": roc, "test_area_prc": prc, **headline}),
        precision=_rounded(precision),
        recall=_rounded(recall),
        confusion=confusion,
    )


def areas_under_curves(scored: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Give the areas under the ROC and precision-recall curves of (score, label) pairs; equal scores are one point."""
    positives = sum(label for _, label in scored)
    negatives = len(scored) - positives
    roc, prc = [(0.0, 0.0)], []
    found = missed = 0.0
    for _, same in groupby(sorted(scored, reverse=True), key=lambda pair: pair[0]):
        labels = [label for _, label in same]
        found += sum(labels)
        missed += len(labels) - sum(labels)
        roc.append((_ratio(missed, negatives), _ratio(found, positives)))
        prc.append((_ratio(found, positives), _ratio(found, found + missed)))
    # As Spark has it: the precision-recall curve begins at recall 0 with the precision of its first point.
    return _area(roc), _area([(0.0, prc[0][1]), *prc]) if prc else 0.0


def class_metrics(confusion: list[list[int]]) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Give accuracy and the weighted metrics, and precision and recall by class; a ratio with nothing below is 0."""
    actual = [sum(row) for row in confusion]
    predicted = [sum(column) for column in zip(*confusion, strict=True)]
    correct = [confusion[label][label] for label in (0, 1)]
    precision = [_ratio(correct[label], predicted[label]) for label in (0, 1)]
    recall = [_ratio(correct[label], actual[label]) for label in (0, 1)]
    f1 = [_ratio(2 * precision[label] * recall[label], precision[label] + recall[label]) for label in (0, 1)]

    def weighted(values: list[float]) -> float:
        return _ratio(sum(value * weight for value, weight in zip(values, actual, strict=True)), sum(actual))

    headline = {
        "test_accuracy": _ratio(sum(correct), sum(actual)),
        "test_f1": weighted(f1),
        "test_precision": weighted(precision),
        "test_recall": weighted(recall),
    }
    by_class = (dict(zip(CHURN_LABELS, values, strict=True)) for values in (precision, recall))
    return headline, *by_class


def spread(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, float]]:
    """Give mean and sample standard deviation of the six headline metrics over several splits."""
    names = evaluations[0].headline
    values = {name: [evaluation.headline[name] for evaluation in evaluations] for name in names}
    return {
        "mean": _rounded({name: statistics.fmean(values[name]) for name in names}),
        "stddev": _rounded({name: statistics.stdev(values[name]) if len(evaluations) > 1 else 0.0 for name in names}),
    }


def _area(points: list[tuple[float, float]]) -> float:
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(points))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
