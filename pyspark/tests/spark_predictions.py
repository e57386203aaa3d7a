"""Writes a bundle of a real model and what Spark itself predicts, for readers in other languages to be compared with.

python spark_predictions.py CUSTOMERS.csv FOLDER           all customers, in FOLDER/{bundle.json,predictions.jsonl}
python spark_predictions.py CUSTOMERS.csv FOLDER 60        of the first 60 by id
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from pyspark.sql import Row, SparkSession

from folder_lab import spark_conf
from sparklab.exporting import export_bundle
from sparklab.features import AMOUNTS, CATEGORIES
from sparklab.io import read_csv
from sparklab.preprocessing import clean_customers, hold_out_customers
from sparklab.spark import start_session
from sparklab.training import predict, train_churn_model

TRACKED = Row(
    model_nm="CUSTOMER_CHURN_PREDICTION",
    model_version="golden",
    operation="training",
    pipeline_id="golden",
    model_gcs_uri="gs://golden/customer-churn-model/training/golden",
)


def main(file: str, folder: str, most: int | None = None) -> None:
    """Train as the training job does, export as the export job does, predict for everyone."""
    builder = SparkSession.builder
    with tempfile.TemporaryDirectory() as lab:
        for key, value in spark_conf(Path(lab)).items():
            builder = builder.config(key, value)
        builder.getOrCreate().sparkContext.setLogLevel("ERROR")
        spark = start_session("spark_predictions")
        customers = hold_out_customers(clean_customers(read_csv(spark, Path(file).resolve().as_uri())).cache(), 411)
        training = train_churn_model(customers.cache(), splits=1, test_share=0.2, partitions=2)
        scored = predict(training.model, customers).orderBy("customer_id").collect()[:most]
        bundle = export_bundle(training.model, TRACKED)
        spark.stop()
    columns = (*AMOUNTS, *CATEGORIES)
    lines = [
        json.dumps({"instance": {name: row[name] for name in columns}, "probability": row.probability})
        for row in scored
    ]
    Path(folder, "bundle.json").write_text(json.dumps(bundle) + "\n", encoding="utf-8")
    Path(folder, "predictions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
