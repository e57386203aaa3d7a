/** Permissions of the BigQuery methods; what jobs read and write besides is asked by the data of the job. */
import type { AccessTable } from "../../access/table";

export const bigqueryAccess: AccessTable = {
  source: "https://cloud.google.com/bigquery/docs/access-control (methods: each one's reference page)",
  rows: {
    // Lists show what the caller may see; being in the project is enough to ask.
    "bigquery.projects": "bigquery.projects: list= getServiceAccount=resourcemanager.projects.get",
    "bigquery.datasets": "bigquery.datasets: insert=create get list= update patch=update delete",
    "bigquery.tables": "bigquery.tables: insert=create get list update patch=update delete",
    "bigquery.tabledata": "bigquery.tables: list=getData insertAll=updateData",
    "bigquery.routines": "bigquery.routines: insert=create get list update delete",
    // Who started a job may follow it with jobs.create alone.
    "bigquery.jobs": "bigquery.jobs: insert=create query=create get=* getQueryResults=* cancel=* list=create delete",
  },
};

export const connectionAccess: AccessTable = {
  source: "https://cloud.google.com/bigquery/docs/access-control#bq-permissions",
  rows: {
    "bigqueryconnection.projects.locations.connections":
      "bigquery.connections: create get list patch=update delete getIamPolicy setIamPolicy testIamPermissions=",
  },
};
