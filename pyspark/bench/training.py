"""Times our training against the lab's own way on a local CSV, each in a fresh Spark process; prints one JSON object.

    python bench/training.py telco_customer_churn.csv [--rounds 3]

Each cleans the customers first and writes them to Parquet, the table's stand-in, so that the JVM is as warm as after a
preprocessing in the same session; then both train on the same split. `train_s` is everything between the table and the
fitted forest, indexing and encoding included, the first time in the session; `train_again_s` is a second time, when
the JVM has compiled what it runs. The median of the rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from lab_baseline import evaluate_the_labs_way, train_the_labs_way  # noqa: E402
from sparklab.evaluation import evaluate_forest, spread  # noqa: E402
from sparklab.preprocessing import clean_customers, hold_out_customers  # noqa: E402
from sparklab.training import (  # noqa: E402
    REPORTED_SPLIT,
    encode_customers,
    fit_forest,
    in_test_side,
    train_churn_model,
    training_customers,
)

TEST_SHARE = 0.2
PARTITIONS = 2
CANDIDATES = 411


def lab(spark: SparkSession, table: str, model: str) -> dict[str, float]:
    """Train one split the lab's way."""

    def train() -> PipelineModel:
        return train_the_labs_way(spark.read.parquet(table).where(~F.col("scoring_candidate") & ~tested()))

    watch = Stopwatch(spark)
    fitted = train()
    watch.lap("train")
    areas = evaluate_the_labs_way(fitted, spark.read.parquet(table).where(~F.col("scoring_candidate") & tested()))
    watch.lap("evaluate")
    fitted.write().overwrite().save(model)
    watch.lap("save")
    train()
    watch.lap("train_again")
    return watch.laps | areas


def ours(spark: SparkSession, table: str, model: str) -> dict[str, float]:
    """Train one split step by step as the job does."""

    def train() -> tuple[PipelineModel, DataFrame]:
        spark.catalog.clearCache()
        encoding, encoded = encode_customers(training_customers(spark.read.parquet(table), PARTITIONS))
        return PipelineModel([*encoding.stages, fit_forest(encoded.where(~tested()))]), encoded

    watch = Stopwatch(spark)
    fitted, encoded = train()
    watch.lap("train")
    evaluation = evaluate_forest(fitted.stages[-1], encoded.where(tested()))
    watch.lap("evaluate")
    fitted.write().overwrite().save(model)
    watch.lap("save")
    train()
    watch.lap("train_again")
    return watch.laps | {name: evaluation.headline[f"test_{name}"] for name in ("area_roc", "area_prc")}


def ours_five_splits(spark: SparkSession, table: str, model: str) -> dict[str, float]:
    """Train and measure all five splits and save the model: what the job does."""
    watch = Stopwatch(spark)
    training = train_churn_model(spark.read.parquet(table), splits=5, test_share=TEST_SHARE, partitions=PARTITIONS)
    watch.lap("train_and_evaluate")
    training.model.write().overwrite().save(model)
    watch.lap("save")
    mean = spread(training.evaluations)["mean"]
    return watch.laps | {name: mean[f"test_{name}"] for name in ("area_roc", "area_prc")}


def tested() -> Column:
    """Say whether a customer is on the test side of the split that both ways use."""
    return in_test_side(REPORTED_SPLIT, TEST_SHARE)


WAYS = {"lab": lab, "ours": ours, "ours_five_splits": ours_five_splits}


class Stopwatch:
    """Seconds on the clock and of the JVM's processors, step by step: the second is what other load does not change."""

    def __init__(self, spark: SparkSession) -> None:
        self.laps: dict[str, float] = {}
        self._process = spark._jvm.java.lang.ProcessHandle.current()
        self._last = self._now()

    def lap(self, step: str) -> None:
        """End a step."""
        now = self._now()
        self.laps |= {f"{step}_s": now[0] - self._last[0], f"{step}_cpu_s": now[1] - self._last[1]}
        self._last = now

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), self._process.info().totalCpuDuration().get().toMillis() / 1000


def run_way(way: str, source: str) -> None:
    """Run one way in this process and print its figures as the last line."""
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(PARTITIONS))
        .getOrCreate()
    )
    with tempfile.TemporaryDirectory() as folder:
        table = f"{folder}/training_data"
        cleaned = clean_customers(spark.read.csv(source, header=True)).cache()
        hold_out_customers(cleaned, CANDIDATES).write.parquet(table)
        print(json.dumps(WAYS[way](spark, table, f"{folder}/model")))


def in_fresh_process(way: str, source: Path) -> dict[str, float]:
    """Run one way in a Python and JVM of its own, so that none profits from another's warm-up."""
    command = [sys.executable, __file__, str(source), "--way", way]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run every way `rounds` times and print medians, the ratio and the difference in AUROC."""
    parser = argparse.ArgumentParser(description="Times our training against the lab's own way.")
    parser.add_argument("customers", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        run_way(args.way, str(args.customers))
        return
    rounds = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        # In turn, so that a busy minute of the machine meets all ways alike.
        for way in WAYS:
            rounds[way].append(in_fresh_process(way, args.customers))
    figures = {
        way: {name: round(statistics.median(one[name] for one in done), 4) for name in done[0]}
        for way, done in rounds.items()
    }
    lab_, ours_ = figures["lab"], figures["ours"]
    figures["times_faster"] = round(lab_["train_s"] / ours_["train_s"], 2)
    figures["times_faster_again"] = round(lab_["train_again_s"] / ours_["train_again_s"], 2)
    figures["times_less_cpu"] = round(lab_["train_cpu_s"] / ours_["train_cpu_s"], 2)
    figures["area_roc_difference"] = round(ours_["area_roc"] - lab_["area_roc"], 4)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
