"""What is drawn of a model and its customers, as plain numbers: curves, shares, drivers and grids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, product

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from sparklab.evaluation import Prediction
from sparklab.tuning import Combination, FoldScore, Proposals


def roc_points(predictions: Sequence[Prediction]) -> list[tuple[float, float]]:
    """Give (false positive rate, true positive rate) from the strictest threshold to the most lenient."""
    positives = sum(p.label for p in predictions)
    negatives = len(predictions) - positives
    if not positives or not negatives:
        raise ValueError(f"ROC curve: got {positives:.0f} who left of {len(predictions)}; expected some of both.")
    points, found, missed = [(0.0, 0.0)], 0.0, 0.0
    ordered = sorted(predictions, key=lambda p: -p.probability)
    for _, same in groupby(ordered, key=lambda p: p.probability):
        labels = [p.label for p in same]
        found += sum(labels)
        missed += len(labels) - sum(labels)
        points.append((missed / negatives, found / positives))
    return points


def calibration(predictions: Sequence[Prediction], bins: int = 10) -> list[tuple[float, float, int]]:
    """Give for each band of probabilities that occurs its mean probability, the share that left, and its size."""
    bands: dict[int, list[Prediction]] = {}
    for p in predictions:
        bands.setdefault(min(int(p.probability * bins), bins - 1), []).append(p)
    return [
        (sum(p.probability for p in band) / len(band), sum(p.label for p in band) / len(band), len(band))
        for _, band in sorted(bands.items())
    ]


def churn_drivers(customers: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Give for each column the churn rates of its best and worst value and their distance, largest first."""
    pairs = F.explode(
        F.array(*(F.struct(F.lit(name).alias("column"), F.col(name).cast("string").alias("value")) for name in columns))
    )
    rates = (
        customers.select(pairs.alias("pair"), (F.col("churn") == "yes").cast("double").alias("left"))
        .groupBy("pair.column", "pair.value")
        .agg(F.avg("left").alias("rate"))
    )
    return (
        rates.groupBy("column")
        .agg(
            F.min_by("value", "rate").alias("most_loyal"),
            F.min("rate").alias("lowest_rate"),
            F.max_by("value", "rate").alias("least_loyal"),
            F.max("rate").alias("highest_rate"),
        )
        .withColumn("distance", F.col("highest_rate") - F.col("lowest_rate"))
        .orderBy(F.desc("distance"), "column")
    )


def grid(depths: Sequence[int], bins: Sequence[int], trees: Sequence[int]) -> Proposals:
    """Propose every combination of some settings; the scores that are sent back change nothing."""
    for depth, bin_count, tree_count in product(depths, bins, trees):
        yield Combination(depth, bin_count, tree_count)


def mean_scores(scores: Sequence[FoldScore]) -> dict[tuple[int, int], float]:
    """Give the mean area under the precision-recall curve by depth and number of trees."""
    found: dict[tuple[int, int], list[float]] = {}
    for one in scores:
        found.setdefault((one.combination.max_depth, one.combination.num_trees), []).append(one.area_prc)
    return {key: sum(values) / len(values) for key, values in sorted(found.items())}
