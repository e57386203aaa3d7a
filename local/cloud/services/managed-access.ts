/** Permissions of the managed services: metastore, Airflow, notebooks, Cloud Run, functions. */
import type { AccessTable } from "../access/table";

const POLICY = "getIamPolicy setIamPolicy testIamPermissions=";
const OPERATIONS = "get list cancel delete wait=get";

export const managedAccess: Readonly<Record<string, AccessTable>> = {
  metastore: {
    source: "https://cloud.google.com/dataproc-metastore/docs/iam-and-access-control",
    rows: {
      "metastore.projects.locations.services": `metastore.services: create get list patch=update delete ${POLICY}`,
      "metastore.projects.locations.services.backups": "metastore.backups: create get list delete",
      "*.operations": `metastore.operations: ${OPERATIONS}`,
    },
  },
  composer: {
    source: "https://cloud.google.com/composer/docs/how-to/access-control",
    rows: {
      "composer.projects.locations.environments":
        "composer.environments: create get list patch=update delete " +
        "executeAirflowCommand pollAirflowCommand=executeAirflowCommand stopAirflowCommand=executeAirflowCommand",
      "*.operations": `composer.operations: ${OPERATIONS}`,
    },
  },
  notebooks: {
    source: "https://cloud.google.com/vertex-ai/docs/workbench/instances/iam",
    rows: {
      "notebooks.projects.locations.instances": `notebooks.instances: create get list patch=update delete start stop ${POLICY}`,
      "*.operations": `notebooks.operations: ${OPERATIONS}`,
    },
  },
  run: {
    source: "https://cloud.google.com/run/docs/reference/iam/permissions",
    rows: {
      "run.projects.locations.services": `run.services: create get list patch=update delete ${POLICY}`,
      "*.operations": `run.operations: ${OPERATIONS}`,
    },
  },
  cloudfunctions: {
    source: "https://cloud.google.com/functions/docs/reference/iam/permissions",
    rows: {
      "cloudfunctions.projects.locations.functions": `cloudfunctions.functions: create get list patch=update delete generateUploadUrl=sourceCodeSet generateDownloadUrl=sourceCodeGet ${POLICY}`,
      "*.operations": `cloudfunctions.operations: ${OPERATIONS}`,
    },
  },
};
