/** What a job reads and writes: asked of who starts it before it starts. Source: docs "Run a query", "Loading data", "Required permissions". */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { bucketResource } from "../storage/guard";
import { callEngine } from "./engine-call";
import { datasetResource, tableResource } from "./guard";
import { parseSource } from "./sources";

const READ = ["bigquery.tables.getData"];
const WRITE = ["bigquery.tables.create", "bigquery.tables.updateData"];

export const asksData =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    if (call.body !== undefined && !(await mayAll(call, cloud))) await requireData(call, call.body, cloud);
    return behaviour(call, cloud);
  };

/** Who may do everything to tables in the whole project need not be asked for each, which needs the query read. */
async function mayAll(call: Call, cloud: Cloud): Promise<boolean> {
  const resource = `//bigquery.googleapis.com/projects/${cloud.project.id}`;
  for (const permission of [...READ, ...WRITE, "storage.objects.get"]) {
    const permitted = await cloud.access.permits({
      principal: call.principal,
      permission,
      resource,
      method: call.methodId,
    });
    if (!permitted) return false;
  }
  return true;
}

/** Also for uploads, whose job comes with the bytes. */
export async function requireData(
  call: Pick<Call, "methodId" | "path" | "principal">,
  job: JsonObject,
  cloud: Cloud,
): Promise<void> {
  const configuration = (job.configuration ?? { query: job }) as JsonObject;
  const { load, copy, query, extract } = configuration;
  if (isObject(load)) await requireLoad(call, load, cloud);
  if (isObject(copy)) {
    const from = copy.sourceTables ?? [copy.sourceTable ?? null];
    for (const table of from as Json[]) await requireTable(call, table, READ, cloud);
    await requireTable(call, copy.destinationTable, WRITE, cloud);
  }
  if (isObject(extract)) await requireTable(call, extract.sourceTable, READ, cloud);
  if (isObject(query)) await requireQuery(call, query, cloud);
}

type Asker = Pick<Call, "methodId" | "path" | "principal">;

async function requireLoad(call: Asker, load: JsonObject, cloud: Cloud): Promise<void> {
  await requireTable(call, load.destinationTable, WRITE, cloud);
  for (const uri of (load.sourceUris ?? []) as string[]) {
    const { bucket } = parseSource(uri);
    const permissions = uri.includes("*") ? ["storage.objects.get", "storage.objects.list"] : ["storage.objects.get"];
    await ask(call, permissions, bucketResource(bucket), cloud);
  }
}

/** A script's tables are known when it runs: who starts one needs the project's. A text that is wrong fails as a job. */
async function requireQuery(call: Asker, query: JsonObject, cloud: Cloud): Promise<void> {
  const { destinationTable, ...plain } = query;
  const told = await dryRun(call, plain, cloud);
  if (!told) return;
  if (told.statementType === "SCRIPT")
    return ask(call, [...READ, ...WRITE], `//bigquery.googleapis.com/projects/${cloud.project.id}`, cloud);
  const changes = told.statementType !== "SELECT";
  for (const table of (told.referencedTables ?? []) as JsonObject[])
    await requireTable(call, table, changes ? [...READ, "bigquery.tables.updateData"] : READ, cloud);
  if (isObject(destinationTable)) await requireTable(call, destinationTable, WRITE, cloud);
}

async function dryRun(call: Asker, query: JsonObject, cloud: Cloud): Promise<JsonObject | undefined> {
  const configuration = { dryRun: true, query: { useLegacySql: query.useLegacySql ?? true, ...query } };
  const request = { ...call, methodId: "bigquery.jobs.insert", query: {}, body: { configuration } };
  try {
    const { statistics } = (await callEngine(cloud, request)) as JsonObject;
    return (statistics as JsonObject).query as JsonObject;
  } catch (error) {
    if (error instanceof ApiError && error.http < 500) return undefined;
    throw error;
  }
}

async function requireTable(call: Asker, table: Json | undefined, permissions: readonly string[], cloud: Cloud) {
  if (!isObject(table)) return;
  const project = textOf(table.projectId) || cloud.project.id;
  const dataset = textOf(table.datasetId);
  // Making is asked of the data set, the rest of the table.
  for (const permission of permissions) {
    const resource = permission.endsWith(".create")
      ? datasetResource(project, dataset)
      : tableResource(project, dataset, textOf(table.tableId));
    await ask(call, [permission], resource, cloud);
  }
}

async function ask(call: Asker, permissions: readonly string[], resource: string, cloud: Cloud): Promise<void> {
  for (const permission of permissions)
    await cloud.access.require({ principal: call.principal, permission, resource, method: call.methodId });
}
