"""Times our training against the lab's own way on a local CSV, each in a fresh Spark process; prints one JSON object.

    python bench/training.py telco_customer_churn.csv [--rounds 3]

Each cleans the customers first and writes them to Parquet, the table's stand-in; the JVM is then as warm as after a
preprocessing in the same session, and starts as the local Spark engine starts it. Both then do what the job has to do:
train and measure a forest on each of the same five splits and save the first. `train_s` is all of that but the saving,
`first_fit_s` the way from the table to the first fitted forest, indexing and encoding included; `_cpu_s` are seconds of
the JVM's processors, which other load changes least. The median of the rounds counts.

AUROC is compared on the same features. The lab's encoders drop the rarest category of each column (23 features), ours
keep all (39), of which each split of a tree sees more: that alone is worth about 0.005, as much as another seed. So
`area_roc_difference` is that of our training on the lab's features; ours as it runs stands beside it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from pyspark.ml import Pipeline
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from bench_session import PARTITIONS, Stopwatch, in_fresh_process, run_way
from lab_baseline import evaluate_the_labs_way, feature_stages, train_the_labs_way
from sparklab.evaluation import evaluate, spread
from sparklab.training import (
    REPORTED_SPLIT,
    collect_predictions,
    encode_customers,
    fit_forest,
    in_test_side,
    train_churn_model,
    training_customers,
)

TEST_SHARE = 0.2
SPLITS = 5
# As the local Spark engine starts short drivers.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"


def lab(spark: SparkSession, table: str, model: str) -> dict[str, float]:
    """Train and measure every split from the start: the lab's way knows one split only."""
    watch = Stopwatch(spark)
    areas = []
    for split in range(1, SPLITS + 1):
        tested = in_test_side(split, TEST_SHARE)
        customers = spark.read.parquet(table).where(~F.col("scoring_candidate"))
        fitted = train_the_labs_way(customers.where(~tested))
        if split == REPORTED_SPLIT:
            watch.end("first_fit")
            first = fitted
        areas.append(evaluate_the_labs_way(fitted, customers.where(tested)))
    watch.end("train")
    watch.start()
    first.write().overwrite().save(model)
    watch.end("save")
    return watch.seconds | {name: statistics.fmean(area[name] for area in areas) for name in areas[0]}


def ours(spark: SparkSession, table: str, model: str) -> dict[str, float]:
    """Train and measure all splits as the job does."""
    watch = Stopwatch(spark)
    training = train_churn_model(spark.read.parquet(table), splits=SPLITS, test_share=TEST_SHARE, partitions=PARTITIONS)
    watch.end("train")
    watch.start()
    training.model.write().overwrite().save(model)
    watch.end("save")
    mean = spread(training.evaluations)["mean"]
    return watch.seconds | {name: mean[f"test_{name}"] for name in ("area_roc", "area_prc")}


def ours_first_fit(spark: SparkSession, table: str, _model: str) -> dict[str, float]:
    """Train the first split only, in a process of its own because the job does not stop there."""
    watch = Stopwatch(spark)
    _, encoded = encode_customers(training_customers(spark.read.parquet(table), PARTITIONS))
    fit_forest(encoded.where(~in_test_side(REPORTED_SPLIT, TEST_SHARE)))
    watch.end("first_fit")
    return watch.seconds


def ours_on_the_labs_features(spark: SparkSession, table: str, _model: str) -> dict[str, float]:
    """Train and measure all splits as the job does, but on features as the lab encodes them."""
    customers = training_customers(spark.read.parquet(table), PARTITIONS)
    encoding = Pipeline(stages=feature_stages()).fit(customers)
    encoded = encoding.transform(customers).select("customer_id", "label", "features").cache()
    areas = []
    for split in range(1, SPLITS + 1):
        tested = in_test_side(split, TEST_SHARE)
        forest = fit_forest(encoded.where(~tested))
        areas.append(evaluate(collect_predictions(forest, encoded.where(tested))).headline["test_area_roc"])
    return {"area_roc": statistics.fmean(areas)}


WAYS = {
    "lab": lab,
    "ours": ours,
    "ours_first_fit": ours_first_fit,
    "ours_on_the_labs_features": ours_on_the_labs_features,
}


def main() -> None:
    """Run every way `rounds` times and print medians, the ratio and the difference in AUROC."""
    parser = argparse.ArgumentParser(description="Times our training against the lab's own way.")
    parser.add_argument("customers", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        run_way(WAYS[args.way], str(args.customers), JAVA_OPTIONS)
        return
    rounds = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        # In turn, so that a busy minute of the machine meets all ways alike.
        for way in WAYS:
            rounds[way].append(in_fresh_process(__file__, str(args.customers), "--way", way))
    figures = {
        way: {name: round(statistics.median(one[name] for one in done), 4) for name in done[0]}
        for way, done in rounds.items()
    }
    figures["ours"] |= figures.pop("ours_first_fit")
    lab_, ours_ = figures["lab"], figures["ours"]
    for step in ("train", "first_fit"):
        for clock in ("s", "cpu_s"):
            figures[f"{step}_{clock}_ratio"] = round(lab_[f"{step}_{clock}"] / ours_[f"{step}_{clock}"], 2)
    figures["times_faster"] = figures["train_s_ratio"]
    figures["area_roc_difference"] = round(figures["ours_on_the_labs_features"]["area_roc"] - lab_["area_roc"], 4)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
