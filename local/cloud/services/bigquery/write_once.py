"""A driver of one run that writes its rows as the jobs do; with a pipe it waits for another driver at the last moment.

Usage: write_once.py SOURCES DATASET BUCKET PIPELINE_ID VALUE [PIPE MODE]

The rows are in no table yet when both drivers have looked: each opens one end of the pipe (MODE r or w) and goes on
when the other has opened the other end.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])

from sparklab.io import write_rows_once
from sparklab.load_jobs import LoadJobs
from sparklab.spark import start_session

DATASET, BUCKET, PIPELINE, VALUE, *PIPE = sys.argv[2:]
if PIPE:
    path, mode = PIPE
    load = LoadJobs.load

    def load_together(self: LoadJobs, uri: str, job_id: str) -> object:
        os.close(os.open(path, os.O_RDONLY if mode == "r" else os.O_WRONLY))
        return load(self, uri, job_id)

    LoadJobs.load = load_together

spark = start_session("write_once")
values = [(f"metric-{n}", float(VALUE) / 3**n) for n in range(50)]
rows = spark.createDataFrame(values, "metric_nm string, metric_value double")
lineage = {
    **{"operation": "training", "model_version": "m-1", "pipeline_id": PIPELINE},
    "pipeline_execution_dt": "2026-11-21 09:00:00.123456",
}
write_rows_once(rows, f"{DATASET}.model_metrics", lineage, f"gs://{BUCKET}/tables")
