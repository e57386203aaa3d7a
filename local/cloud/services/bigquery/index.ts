/** BigQuery (bigquery.v2) and the BigQuery Storage API: the engine's answers, and the bytes that its jobs load. */
import type { Behaviour, Service } from "../../service";
import { callEngine } from "./engine-call";
import { changesTables, insertTable, readsTables } from "./external-tables";
import { changesAccess, datasetBindings } from "./guard";
import { asksData, asksSources } from "./job-data";
import { insertJob } from "./jobs";
import { callsProcedures, cancelsProcedures, deletesProcedures } from "./spark-calls";
import { addStorageApi, closeStorageApi } from "./storage-api";
import { recoverUploads } from "./upload-sessions";
import { continueUpload } from "./uploads";

/** What the engine does as it is; methods of the description that are not named here answer UNIMPLEMENTED. */
const FORWARDED = {
  projects: ["list", "getServiceAccount"],
  datasets: ["insert", "get", "list", "update", "patch", "delete"],
  tables: ["insert", "get", "list", "update", "patch", "delete"],
  tabledata: ["list", "insertAll"],
  routines: ["insert", "get", "list", "update", "delete"],
  jobs: ["getQueryResults", "get", "list"],
};

const forward: Behaviour = (call, cloud) => callEngine(cloud, call);

export const bigquery: Service = {
  apis: ["bigquery.v2"],
  types: [],
  methods: {
    ...Object.fromEntries(
      Object.entries(FORWARDED).flatMap(([resource, verbs]) =>
        verbs.map((verb) => [`bigquery.${resource}.${verb}`, forward]),
      ),
    ),
    "bigquery.tables.insert": changesTables(asksSources(insertTable)),
    "bigquery.tables.update": changesTables(asksSources(forward)),
    "bigquery.tables.patch": changesTables(asksSources(forward)),
    "bigquery.tables.delete": changesTables(forward),
    "bigquery.datasets.insert": changesAccess(forward),
    "bigquery.datasets.update": changesAccess(forward),
    "bigquery.datasets.patch": changesAccess(forward),
    "bigquery.datasets.delete": changesAccess(changesTables(forward)),
    "bigquery.tabledata.list": readsTables(forward),
    "bigquery.jobs.query": asksData(readsTables(callsProcedures(forward))),
    "bigquery.jobs.insert": asksData(readsTables(callsProcedures(insertJob))),
    "bigquery.jobs.cancel": cancelsProcedures(forward),
    "bigquery.jobs.delete": deletesProcedures(forward),
  },
  // The Python client asks for a job so.
  unlisted: { "bigquery.jobs.get": ["projection"], "bigquery.jobs.cancel": ["projection"] },
  grpcHosts: ["bigquerystorage.googleapis.com"],
  grpc: addStorageApi,
  undescribed: continueUpload,
  bindings: datasetBindings,
  recover: recoverUploads,
  close: async (cloud) => {
    closeStorageApi(cloud);
    await cloud.engines.bigquery.stop();
  },
};
