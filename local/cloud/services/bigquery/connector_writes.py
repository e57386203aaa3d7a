"""Writes through Google's Spark connector in every mode; what arrived is read by another JVM (connector_reads.py)."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

DATASET, BUCKET, ROWS = sys.argv[1], sys.argv[2], int(sys.argv[3])
WANTED = sys.argv[4:]

NESTED = t.StructType(
    [
        t.StructField("number", t.LongType()),
        t.StructField("order", t.StringType()),
        t.StructField("days", t.ArrayType(t.DateType())),
    ]
)
ALL_TYPES = t.StructType(
    [
        t.StructField("id", t.LongType(), nullable=False),
        t.StructField("text", t.StringType()),
        t.StructField("whole", t.LongType()),
        t.StructField("fraction", t.DoubleType()),
        t.StructField("flag", t.BooleanType()),
        t.StructField("raw", t.BinaryType()),
        t.StructField("day", t.DateType()),
        t.StructField("moment", t.TimestampType()),
        t.StructField("amount", t.DecimalType(38, 9)),
        t.StructField("nested", NESTED),
        t.StructField("tags", t.ArrayType(t.StringType())),
        t.StructField("steps", t.ArrayType(NESTED)),
    ]
)
VALUES = [
    Row(
        1,
        'é, "quoted"\n',
        -(2**62),
        0.1,
        True,
        b"\x00\xff",
        date(1969, 12, 31),
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        Decimal("-12345678901234567890.123456789"),
        Row(7, "asc", [date(2026, 1, 1), date(2026, 12, 31)]),
        ["a", "b"],
        [Row(1, "x", []), Row(2, None, [date(2000, 2, 29)])],
    ),
    Row(2, *[None] * 9, [], []),
]


def numbered(spark: SparkSession, start: int, count: int) -> DataFrame:
    ids = spark.range(start, start + count, numPartitions=3)
    return ids.select(
        "id", f.concat(f.lit("row "), f.col("id").cast("string")).alias("text"), (f.col("id") * 2).alias("twice")
    )


def save(rows: DataFrame, table: str, mode: str, **options: str) -> None:
    rows.write.format("bigquery").mode(mode).options(**options).save(f"{DATASET}.{table}")


DIRECT = {"writeMethod": "direct"}
INDIRECT = {"writeMethod": "indirect", "temporaryGcsBucket": BUCKET}
AT_LEAST_ONCE = {"writeMethod": "direct", "writeAtLeastOnce": "true"}


def modes(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    """Creates, appends to and overwrites one table for each, so that each result can be told."""
    save(numbered(spark, 0, ROWS), f"{name}_created", "errorifexists", **options)
    save(numbered(spark, 0, ROWS), f"{name}_appended", "append", **options)
    save(numbered(spark, ROWS, 10), f"{name}_appended", "append", **options)
    save(numbered(spark, 0, ROWS), f"{name}_overwritten", "overwrite", **options)
    save(numbered(spark, 5, 20), f"{name}_overwritten", "overwrite", **options)


def types(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    rows = spark.createDataFrame(VALUES, ALL_TYPES)
    save(rows, f"{name}_types", "append", **options)
    # Tables that a program has made beforehand, with REQUIRED columns, partitioned and clustered.
    save(rows.select("id", "day", "text"), f"made_{name}", "append", **options)
    save(rows.select("id", "day", "text").where("id = 1"), f"made_{name}_overwritten", "append", **options)
    save(rows.select("id", "day", "text").where("id = 2"), f"made_{name}_overwritten", "overwrite", **options)


def empty(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    save(numbered(spark, 0, 0), f"{name}_empty", "append", **options)
    save(numbered(spark, 0, 5), f"{name}_emptied", "append", **options)
    save(numbered(spark, 0, 0), f"{name}_emptied", "overwrite", **options)


def once(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    save(numbered(spark, 0, ROWS), f"{name}_once", "append", **options)


def together(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    """Two writers of one table at once."""
    save(numbered(spark, 0, 1), f"{name}_together", "append", **options)
    with ThreadPoolExecutor(2) as pool:
        parts = [numbered(spark, start, 500) for start in (1000, 2000)]
        jobs = [pool.submit(save, part, f"{name}_together", "append", **options) for part in parts]
        for job in jobs:
            job.result()


spark = SparkSession.builder.getOrCreate()
for name, options in {"direct": DIRECT, "indirect": INDIRECT, "atleastonce": AT_LEAST_ONCE}.items():
    if name in WANTED:
        modes(spark, name, options)
    for part in (types, empty, once, together):
        if f"{name}:{part.__name__}" in WANTED:
            part(spark, name, options)
print("written")
