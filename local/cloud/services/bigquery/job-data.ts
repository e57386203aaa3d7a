/**
 * What a job reads and writes: asked of who starts it before it starts.
 * Source: docs "Run a query", "Loading data", "Copy tables", the paragraphs "Required permissions".
 */
import type { Cloud } from "../../cloud";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { bucketResource } from "../storage/guard";
import { callEngine } from "./engine-call";
import { datasetResource, tableResource } from "./guard";
import { parseSource } from "./sources";

const READ = ["bigquery.tables.getData"];
const WRITE = ["bigquery.tables.create", "bigquery.tables.updateData"];
const UPDATE = "bigquery.tables.update";

/** Permissions by use. Source: docs "GoogleSQL DDL" and "DML", the paragraphs "Required permissions" of each statement. */
const USES: Readonly<Record<string, readonly string[]>> = {
  read: READ,
  append: ["bigquery.tables.updateData"],
  change: ["bigquery.tables.updateData", ...READ],
  create: ["bigquery.tables.create"],
  replace: [...WRITE, UPDATE],
  alter: ["bigquery.tables.get", UPDATE],
  drop: ["bigquery.tables.get", "bigquery.tables.delete"],
};
const DESCRIBE = ["bigquery.tables.get", "bigquery.tables.list"];
const DESCRIBE_ALL = [...DESCRIBE, "bigquery.jobs.listAll"];
/** Of a connection, to let work run as its account. */
const CONNECT = "bigquery.connections.use";
const connectionResource = (name: string) => `//bigqueryconnection.googleapis.com/${name}`;
/** What a script may do, whose statements are known only when it runs: who starts one needs all of it in the project. */
const ANYTHING = [
  ...new Set([...Object.values(USES).flat(), ...DESCRIBE_ALL]),
  ...["create", "update", "delete"].map((verb) => `bigquery.datasets.${verb}`),
  ...["get", "create", "update", "delete"].map((verb) => `bigquery.routines.${verb}`),
];

export const asksData =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    if (call.body !== undefined && !(await mayAll(call, cloud))) await requireData(call, call.body, cloud);
    return behaviour(call, cloud);
  };

/** Who may do everything to tables in the whole project need not be asked for each, which needs the query read. */
async function mayAll(call: Call, cloud: Cloud): Promise<boolean> {
  const resource = `//bigquery.googleapis.com/projects/${cloud.project.id}`;
  for (const permission of [...ANYTHING, CONNECT, "storage.objects.get", "storage.objects.list"]) {
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

/** A view is made by who may read what it reads, an external table by who may read its files. */
export const asksSources =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    const { view, materializedView, externalDataConfiguration: external } = call.body;
    for (const made of [view, materializedView])
      if (isObject(made) && made.query !== undefined) await requireQuery(call, made, cloud);
    if (isObject(external) && external.connectionId === undefined)
      await requireFiles(call, (external.sourceUris ?? []) as string[], cloud);
    return behaviour(call, cloud);
  };

type Asker = Pick<Call, "methodId" | "path" | "principal">;

async function requireLoad(call: Asker, load: JsonObject, cloud: Cloud): Promise<void> {
  await requireTable(call, load.destinationTable, WRITE, cloud);
  await requireFiles(call, (load.sourceUris ?? []) as string[], cloud);
}

async function requireFiles(call: Asker, uris: readonly string[], cloud: Cloud): Promise<void> {
  for (const uri of uris) {
    const { bucket } = parseSource(uri);
    const permissions = uri.includes("*") ? ["storage.objects.get", "storage.objects.list"] : ["storage.objects.get"];
    await ask(call, permissions, bucketResource(bucket), cloud);
  }
}

/** What the engine says that a query uses (bigquery_server/uses.py), as permissions. */
async function requireQuery(call: Asker, query: JsonObject, cloud: Cloud): Promise<void> {
  const { destinationTable, ...plain } = query;
  const body = { ...plain, useLegacySql: plain.useLegacySql ?? true };
  const request = { ...call, methodId: "queries.uses", query: {}, body };
  const { uses } = (await callEngine(cloud, request)) as { uses: Use[] };
  for (const use of uses) await requireUse(call, use, cloud);
  if (isObject(destinationTable) && textOf(destinationTable.tableId) !== "")
    await requireTable(call, destinationTable, WRITE, cloud);
}

interface Use extends JsonObject {
  use: string;
}

async function requireUse(call: Asker, { use, table, routine, connection }: Use, cloud: Cloud): Promise<void> {
  const project = `//bigquery.googleapis.com/projects/${cloud.project.id}`;
  if (use === "anything") return ask(call, ANYTHING, project, cloud);
  if (use === "call" && isObject(routine)) {
    const [projectId, datasetId, id] = [routine.projectId, routine.datasetId, routine.routineId].map(textOf);
    return ask(call, ["bigquery.routines.get"], `${datasetResource(projectId!, datasetId!)}/routines/${id}`, cloud);
  }
  if (use === "connect") return ask(call, [CONNECT], connectionResource(textOf(connection)), cloud);
  if (use === "describe" && isObject(table)) {
    // A region's views tell of the whole project.
    if (/^region-/i.test(textOf(table.datasetId))) return ask(call, DESCRIBE_ALL, project, cloud);
    return ask(call, DESCRIBE, datasetResource(textOf(table.projectId), textOf(table.datasetId)), cloud);
  }
  const permissions = USES[use];
  if (!permissions) throw new Error(`queries.uses: got '${use}'; expected one of ${Object.keys(USES).join(", ")}.`);
  await requireTable(call, table, permissions, cloud);
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
