"""Reads through Google's Spark connector, in a JVM that has written nothing, and prints what is there as JSON."""

import json
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f

DATASET, TABLES = sys.argv[1], [word for word in sys.argv[2:] if ":" not in word]
QUESTIONS = [word.split(":")[1] for word in sys.argv[2:] if ":" in word]


def plain(value: Any) -> Any:
    if isinstance(value, Row):
        return {name: plain(item) for name, item in value.asDict().items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def table(spark: SparkSession, name: str, **options: str) -> DataFrame:
    return spark.read.format("bigquery").options(**options).load(f"{DATASET}.{name}")


def summary(rows: DataFrame) -> dict[str, Any]:
    """Enough to tell a lost, doubled or changed row: counts, sums and texts that belong to their numbers."""
    if "twice" not in rows.columns:
        return {"rows": [plain(row) for row in rows.orderBy("id").collect()]}
    right = (f.col("twice") == f.col("id") * 2) & (f.col("text") == f.concat(f.lit("row "), f.col("id").cast("string")))
    totals = rows.agg(
        f.count("*").alias("count"),
        f.countDistinct("id").alias("distinct"),
        f.min("id").alias("first"),
        f.max("id").alias("last"),
        f.sum(f.when(right, 0).otherwise(1)).alias("wrong"),
    )
    return plain(totals.first())


def questions(spark: SparkSession, name: str) -> dict[str, Any]:
    rows = table(spark, name)
    view = {"viewsEnabled": "true", "materializationDataset": DATASET.split(".")[-1]}
    query = (
        f"SELECT MOD(id, 2) AS odd, COUNT(*) AS n, SUM(twice) AS s FROM `{DATASET}.{name}` GROUP BY odd ORDER BY odd"
    )
    asked = spark.read.format("bigquery").options(**view).option("query", query).load()
    return {
        "count": rows.count(),
        "filtered": rows.where("id >= 10 AND id < 15 AND text <> 'row 12'").count(),
        "like": rows.where("text LIKE 'row 1%'").count(),
        "isIn": [row.id for row in rows.where(f.col("id").isin(3, 4, 5)).orderBy("id").select("id").collect()],
        "pruned": rows.select("text").where("text = 'row 7'").columns,
        "option": table(spark, name, filter="id BETWEEN 1 AND 3").count(),
        "avro": table(spark, name, readDataFormat="AVRO").agg(f.sum("twice")).first()[0],
        "query": [plain(row) for row in asked.orderBy("odd").collect()],
        "partitions": rows.rdd.getNumPartitions(),
        "pandas": int(rows.where("id < 100").toPandas()["twice"].sum()),
    }


spark = SparkSession.builder.getOrCreate()
found: dict[str, Any] = {name: summary(table(spark, name)) for name in TABLES}
for name in QUESTIONS:
    found[f"questions:{name}"] = questions(spark, name)
print("FOUND " + json.dumps(found))
