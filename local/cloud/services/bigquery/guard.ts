/** Which resource a BigQuery call asks about; access lists of data sets as bindings; who may follow a job. */
import type { Guard } from "../../access/table";
import type { Binding, Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Behaviour, Call, JsonObject, Principal } from "../../service";
import { callEngine } from "./engine-call";

export const datasetResource = (project: string, dataset: string) =>
  `//bigquery.googleapis.com/projects/${project}/datasets/${dataset}`;

export const tableResource = (project: string, dataset: string, table: string) =>
  `${datasetResource(project, dataset)}/tables/${table.replace(/[$@].*$/, "")}`;

const onProject = (cloud: Cloud) => `//bigquery.googleapis.com/projects/${cloud.project.id}`;

export const bigqueryGuard: Guard = {
  resource: (permission, call, cloud) => {
    const { projectId = cloud.project.id, datasetId, tableId, routineId } = call.path;
    if (permission.startsWith("bigquery.jobs.") || !datasetId) return onProject(cloud);
    if (tableId) return tableResource(projectId, datasetId, tableId);
    return datasetResource(projectId, datasetId) + (routineId ? `/routines/${routineId}` : "");
  },
  more: async (call, cloud) => {
    if (!/^bigquery\.jobs\.(get|getQueryResults|cancel)$/.test(call.methodId)) return [];
    return (await startedBy(call, cloud)) === call.principal.email ? [] : ["bigquery.jobs.get"];
  },
};

/** Who started which job, which never changes. */
const starters = new WeakMap<Cloud, Map<string, string>>();
const REMEMBERED = 10_000;

async function startedBy(call: Call, cloud: Cloud): Promise<string | undefined> {
  const known = starters.get(cloud) ?? new Map<string, string>();
  starters.set(cloud, known);
  const id = textOf(call.path.jobId);
  const remembered = known.get(id);
  if (remembered !== undefined) return remembered;
  const job = await found(callEngine(cloud, { ...asked("bigquery.jobs.get", call.path, cloud), query: call.query }));
  if (!job) return call.principal.email;
  if (known.size >= REMEMBERED) known.clear();
  known.set(id, textOf(job.user_email));
  return known.get(id);
}

const asked = (methodId: string, path: Record<string, string>, cloud: Cloud) => ({
  ...{ methodId, path, query: {}, body: {} },
  principal: serviceOf(cloud),
});

/** What BigQuery does on its own account. */
const serviceOf = (cloud: Cloud): Principal => ({
  kind: "serviceAccount",
  email: `bq-${cloud.project.number}@bigquery-encryption.iam.gserviceaccount.com`,
  via: "none",
});

/** What is not there is answered by the method itself. */
async function found(answer: Promise<unknown>): Promise<JsonObject | undefined> {
  return (await answer.catch((error: unknown) => {
    if (error instanceof ApiError && error.http === 404) return undefined;
    throw error;
  })) as JsonObject | undefined;
}

const lists = new WeakMap<Cloud, Map<string, Promise<readonly Binding[]>>>();

/** The access list of the data set that a resource is, or is in. */
export async function datasetBindings(resource: string, cloud: Cloud): Promise<readonly Binding[]> {
  const dataset = /^\/\/bigquery\.googleapis\.com\/projects\/[^/]+\/datasets\/([^/]+)/.exec(resource)?.[1];
  if (dataset === undefined) return [];
  const known = lists.get(cloud) ?? new Map<string, Promise<readonly Binding[]>>();
  lists.set(cloud, known);
  const read = known.get(dataset) ?? readBindings(dataset, cloud);
  known.set(dataset, read);
  return read.catch((error: unknown) => {
    known.delete(dataset);
    throw error;
  });
}

/** Forgets the lists when one may have changed, whether the change failed midway or not. */
export const changesAccess =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    try {
      return await behaviour(call, cloud);
    } finally {
      lists.delete(cloud);
    }
  };

async function readBindings(datasetId: string, cloud: Cloud): Promise<readonly Binding[]> {
  const path = { projectId: cloud.project.id, datasetId };
  const dataset = await found(callEngine(cloud, asked("bigquery.datasets.get", path, cloud)));
  return ((dataset?.access ?? []) as JsonObject[]).flatMap((entry) => bindingOf(entry, cloud.project.id));
}

/** Source: https://cloud.google.com/bigquery/docs/access-control-basic-roles#dataset-basic-roles */
const BASIC: Readonly<Record<string, string>> = {
  READER: "roles/bigquery.dataViewer",
  WRITER: "roles/bigquery.dataEditor",
  OWNER: "roles/bigquery.dataOwner",
};

/** Entries without a role (authorised views, routines) give access to no principal. */
export function bindingOf(entry: JsonObject, project: string): Binding[] {
  const role = textOf(entry.role);
  if (role === "") return [];
  return [{ role: BASIC[role] ?? role, members: membersOf(entry, project) }];
}

const GROUPS: Readonly<Record<string, string>> = {
  projectOwners: "projectOwner",
  projectWriters: "projectEditor",
  projectReaders: "projectViewer",
};

function membersOf(entry: JsonObject, project: string): string[] {
  const [user, group, special] = [entry.userByEmail, entry.groupByEmail, entry.specialGroup].map(textOf);
  if (user) return [`user:${user}`, `serviceAccount:${user}`];
  if (group) return [`group:${group}`];
  if (special) return GROUPS[special] ? [`${GROUPS[special]}:${project}`] : [special];
  return entry.iamMember ? [textOf(entry.iamMember)] : entry.domain ? [`domain:${textOf(entry.domain)}`] : [];
}
