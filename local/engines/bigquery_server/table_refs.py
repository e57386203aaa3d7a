"""Names of tables: as BigQuery's references, as DuckDB's, as keys of their documents."""

from __future__ import annotations

from dataclasses import dataclass

from bqemulator.storage.sql_identifiers import quoted_table_ref

from .errors import invalid
from .state import Call, Json


@dataclass(frozen=True)
class TableRef:
    """`project:dataset.table`."""

    project: str
    dataset: str
    table: str

    @property
    def sql(self) -> str:
        return quoted_table_ref(self.project, self.dataset, self.table)

    @property
    def name(self) -> str:
        return f"tables/{self.project}/{self.dataset}/{self.table}"

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @staticmethod
    def of(reference: Json, project: str) -> TableRef:
        ids = (reference.get("projectId") or project, reference.get("datasetId"), reference.get("tableId"))
        if not ids[1] or not ids[2]:
            raise invalid(f"Required parameter is missing: tableReference; got {reference}")
        return TableRef(*map(str, ids))

    @property
    def rest(self) -> Json:
        return {"projectId": self.project, "datasetId": self.dataset, "tableId": self.table}

    @staticmethod
    def path(call: Call) -> TableRef:
        return TableRef(call.path["projectId"], call.path["datasetId"], call.path["tableId"])
