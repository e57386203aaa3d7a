"""Times our search for the forest's settings against the lab's own way on a local CSV; prints one JSON object.

    python bench/tuning.py telco_customer_churn.csv [--combinations 27]

Both score the same combinations by five folds of the same customers, each in a fresh Spark process with the optimising
compiler on, after cleaning the customers in it. Ours has the Spark properties of its job (../jobs.yaml), the lab's way
has Spark's defaults, as the lab had. The lab's way also fits the best combination on everybody, which ours leaves to
the training after it: `tune_s` of ours has one such fit added. With fewer combinations than 27 both run an evenly drawn
part of them, and nothing is extrapolated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from bench_session import PARTITIONS, Stopwatch, in_fresh_process, run_way
from lab_baseline import tune_the_labs_way
from sparklab.catalogue import read_catalogue
from sparklab.training import (
    REPORTED_SPLIT,
    encode_customers,
    fit_forest,
    in_test_side,
    training_customers,
)
from sparklab.tuning import SPACES, Combination, CrossValidation, FoldScore, best_combination, deepest

FOLDS = 5
TEST_SHARE = 0.2
JOBS = Path(__file__).parents[1] / "jobs.yaml"
JAVA_OPTIONS = "-XX:TieredStopAtLevel=4"


def combinations(number: int) -> list[Combination]:
    """Draw so many combinations evenly from the full space."""
    space = SPACES["full"]
    return [space[position * len(space) // number] for position in range(number)]


def lab(spark: SparkSession, table: str, number: int) -> dict[str, float]:
    """Search as the lab does."""
    watch = Stopwatch(spark)
    customers = spark.read.parquet(table).where(~F.col("scoring_candidate"))
    model = tune_the_labs_way(customers.where(~in_test_side(REPORTED_SPLIT, TEST_SHARE)), combinations(number), FOLDS)
    watch.end("tune")
    return watch.seconds | {"scores": number * FOLDS, "best_area_roc": max(model.avgMetrics)}


def ours(spark: SparkSession, table: str, number: int) -> dict[str, float]:
    """Search as the job does."""
    watch = Stopwatch(spark)
    _, encoded = encode_customers(training_customers(spark.read.parquet(table), PARTITIONS))
    rest = encoded.where(~in_test_side(REPORTED_SPLIT, TEST_SHARE))
    validation = CrossValidation(rest, FOLDS, deepest("full"))
    scores = [one for combination in combinations(number) for one in validation.score(combination)]
    fit_forest(rest, best_combination(scores).forest())
    watch.end("tune")
    return watch.seconds | {"scores": len(scores), "best_area_roc": best_area(scores)}


def best_area(scores: list[FoldScore]) -> float:
    """Give the highest mean AUROC of a combination, which is what the lab chooses by."""
    areas: dict[Combination, list[float]] = {}
    for one in scores:
        areas.setdefault(one.combination, []).append(one.area_roc)
    return max(map(statistics.fmean, areas.values()))


WAYS = {"lab": lab, "ours": ours}


def main() -> None:
    """Run both ways and print their figures and the ratio of their times."""
    parser = argparse.ArgumentParser(description="Times our search for settings against the lab's own way.")
    parser.add_argument("customers", type=Path)
    parser.add_argument("--combinations", type=int, default=27)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        way = WAYS[args.way]
        job = read_catalogue(JOBS).jobs["churn_tuning"]
        properties = job.properties if way is ours else {}
        run_way(
            lambda spark, table, _: way(spark, table, args.combinations), str(args.customers), JAVA_OPTIONS, properties
        )
        return
    number = ("--combinations", str(args.combinations))
    figures = {way: in_fresh_process(__file__, str(args.customers), *number, "--way", way) for way in WAYS}
    for clock in ("s", "cpu_s"):
        figures[f"tune_{clock}_ratio"] = round(figures["lab"][f"tune_{clock}"] / figures["ours"][f"tune_{clock}"], 2)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
