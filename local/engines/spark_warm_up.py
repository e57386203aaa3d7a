"""Uses the parts of Spark that the lab's jobs use, so that their classes are in the class data archive.

Usage: spark-submit spark_warm_up.py FOLDER
"""

import sys

from pyspark.ml import Pipeline
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T


def main(folder: str) -> None:
    """Read, shape, join, write, train, save and load a few rows."""
    spark = SparkSession.builder.getOrCreate()
    rows = [(f"id-{i}", "ab"[i % 2], float(i), i % 2) for i in range(40)]
    fields = [
        T.StructField("id", T.StringType()),
        T.StructField("kind", T.StringType()),
        T.StructField("amount", T.DoubleType()),
        T.StructField("label", T.IntegerType()),
    ]
    spark.createDataFrame(rows, T.StructType(fields)).write.mode("overwrite").csv(
        f"{folder}/csv", header=True
    )
    customers = spark.read.csv(f"{folder}/csv", header=True, inferSchema=True).cache()
    totals = customers.groupBy("kind").agg(
        F.count("*").alias("n"), F.avg("amount").alias("mean")
    )
    joined = (
        customers.join(totals, "kind").orderBy("amount").select("*", F.upper("kind"))
    )
    joined.write.mode("overwrite").partitionBy("label").parquet(f"{folder}/parquet")
    spark.read.parquet(f"{folder}/parquet").where("label = 1").exceptAll(
        joined
    ).collect()
    customers.select(F.udf(lambda x: x + 1, "double")("amount")).toPandas()
    pipeline = Pipeline(
        stages=[
            StringIndexer(
                inputCols=["kind"], outputCols=["index"], handleInvalid="keep"
            ),
            OneHotEncoder(inputCols=["index"], outputCols=["encoded"]),
            VectorAssembler(inputCols=["encoded", "amount"], outputCol="features"),
            RandomForestClassifier(numTrees=2, maxDepth=2),
        ]
    )
    model = pipeline.fit(customers)
    model.write().overwrite().save(f"{folder}/model")
    scored = type(model).load(f"{folder}/model").transform(customers)
    BinaryClassificationEvaluator().evaluate(scored)
    scored.select("probability", "prediction").collect()


if __name__ == "__main__":
    main(sys.argv[1])
