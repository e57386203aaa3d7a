"""The lab's own Spark procedure, called by Google's Python client: its rows, its job, its errors, its log."""

import io
import json
import sys
import zipfile
from pathlib import Path

from google.api_core.exceptions import BadRequest
from google.cloud import bigquery, storage
from google.cloud.bigquery import QueryJobConfig, Routine, RoutineArgument, ScalarQueryParameter, StandardSqlDataType
from google.cloud.bigquery.enums import StandardSqlTypeNames

PYSPARK, CONNECTION, BUCKET = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
client = bigquery.Client(location="us-central1")
DATASET = f"{client.project}.spark"
CUSTOMERS = [("a", "Two year", "no"), ("b", "Two year", "no"), ("c", "Month-to-month", "yes"), ("d", "Two year", "yes")]


def upload() -> tuple[str, str]:
    """The procedure and its package, as the program has them in its bucket."""
    bucket = storage.Client().bucket(BUCKET)
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for file in sorted((PYSPARK / "src").rglob("*.py")):
            archive.write(file, file.relative_to(PYSPARK / "src"))
        archive.write(PYSPARK / "tables" / "training_data.json", "sparklab/tables/training_data.json")
    bucket.blob("sparklab.zip").upload_from_string(package.getvalue())
    bucket.blob("churn_rates.py").upload_from_filename(PYSPARK / "procedures" / "churn_rates.py")
    return f"gs://{BUCKET}/churn_rates.py", f"gs://{BUCKET}/sparklab.zip"


def make_customers() -> None:
    fields = json.loads((PYSPARK / "tables" / "training_data.json").read_text())
    client.create_table(bigquery.Table(f"{DATASET}.training_data", schema=fields))
    rows = ", ".join(
        f"('{customer}', '{contract}', '{churn}', FALSE, 'run-1', CURRENT_TIMESTAMP())"
        for customer, contract, churn in CUSTOMERS
    )
    columns = "customer_id, contract, churn, scoring_candidate, pipeline_id, pipeline_execution_dt"
    client.query(f"INSERT INTO `{DATASET}.training_data` ({columns}) VALUES {rows}").result()


def make_procedure(main: str, package: str) -> None:
    routine = Routine(f"{DATASET}.churn_rates", type_="PROCEDURE", language="PYTHON")
    text = StandardSqlDataType(StandardSqlTypeNames.STRING)
    routine.arguments = [RoutineArgument(name=name, data_type=text) for name in ("pipeline_id", "column")]
    routine._properties["sparkOptions"] = {
        "connection": CONNECTION,
        "runtimeVersion": "2.3",
        "mainFileUri": main,
        "pyFileUris": [package],
        "properties": {"spark.sparklab.dataset": DATASET},
    }
    client.create_routine(routine)


make_customers()
make_procedure(*upload())
config = QueryJobConfig(query_parameters=[ScalarQueryParameter("run", "STRING", "run-1")])
job = client.query(f"CALL `{DATASET}.churn_rates`(@run, LOWER('CONTRACT'))", job_config=config)
assert list(job.result()) == []
assert job.statement_type == "CALL", job.statement_type
rates = client.query(f"SELECT value, customers, churned, rate FROM `{DATASET}.churn_rates` ORDER BY value").result()
found = [tuple(row.values()) for row in rates]
assert found == [("Month-to-month", 1, 1, 1.0), ("Two year", 3, 1, 1 / 3)], found

try:
    client.query(f"CALL `{DATASET}.churn_rates`('run-1', 'colour')").result()
except BadRequest as error:
    assert "churn rates: got column 'colour'; expected one of" in str(error), error
else:
    raise AssertionError("a procedure that failed was no failed job")
print("all as it should be")
