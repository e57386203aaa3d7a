"""Runs one part of Airflow as its command line does: `airflow_part.py scheduler ...`.

The parts that run DAG code load Google's operators before: their children, one for each task and each parsing, are forks
of this process, and would otherwise take seconds each to import them.
"""

import sys
from importlib import import_module

DAG_CODE = {
    "scheduler": "airflow.sdk.execution_time.task_runner",
    "dag-processor": "airflow.dag_processing.dagbag",
}

if __name__ == "__main__":
    if part := DAG_CODE.get(sys.argv[1]):
        for module in ("airflow.providers.google.cloud.operators.dataproc", part):
            import_module(module)
    sys.argv[0] = "airflow"
    from airflow.__main__ import main

    main()
