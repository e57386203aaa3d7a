"""A batch of seconds that touches everything: reads an object, writes objects and two tables, reads one back.

Usage: small_batch.py BUCKET DATASET NAME
"""

import sys

from pyspark.sql import SparkSession

bucket, dataset, name = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
rows = spark.read.csv(f"gs://{bucket}/in.csv", header=True, schema="id INT, text STRING").coalesce(1)
rows.write.format("bigquery").option("writeMethod", "direct").mode("overwrite").save(f"{dataset}.direct_{name}")
loaded = rows.write.format("bigquery").option("writeMethod", "indirect").option("temporaryGcsBucket", bucket)
loaded.mode("overwrite").save(f"{dataset}.loaded_{name}")
back = spark.read.format("bigquery").load(f"{dataset}.direct_{name}")
back.coalesce(1).write.mode("overwrite").json(f"gs://{bucket}/out_{name}")
print("rows", back.count())
