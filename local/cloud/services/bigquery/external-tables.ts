/**
 * External tables, BigLake's among them: before something reads, the tables whose files have changed get their rows
 * anew. A table with a connection is read as the connection's account, which needs a role on the bucket.
 */
import { createHash } from "node:crypto";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, JsonObject } from "../../service";
import { requireBucket } from "../references";
import { bucketResource } from "../storage/guard";
import { listObjects } from "../storage/objects";
import { callEngine } from "./engine-call";
import { openSources, parseSource } from "./sources";

interface ExternalTable extends JsonObject {
  tableReference: { projectId: string; datasetId: string; tableId: string };
  externalDataConfiguration: JsonObject;
  /** Digest of the files that its rows were read from; empty if none were. */
  filesRead: string;
}

/** What the engine knows of external tables, until a table changes. */
const known = new WeakMap<Cloud, Promise<ExternalTable[]>>();

/** Forgets what is known of external tables when a table may have come, changed or gone. */
export const changesTables =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    try {
      return await behaviour(call, cloud);
    } finally {
      known.delete(cloud);
    }
  };

export const readsTables =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    // Uploads come without a body; they write.
    if (call.body !== undefined) await refreshExternalTables(cloud, JSON.stringify([call.path, call.body]));
    return behaviour(call, cloud);
  };

/** What an external table names must be there. */
export const insertTable: Behaviour = async (call, cloud) => {
  const external = call.body.externalDataConfiguration;
  if (isObject(external)) {
    for (const uri of (external.sourceUris ?? []) as string[])
      await requireBucket(parseSource(uri).bucket, call, cloud, "Bucket of the source URI");
    if (external.connectionId) await connectionOf(external, cloud);
  }
  return callEngine(cloud, call);
};

/**
 * @param request text of what is about to be read: a table that cannot be read fails the requests that name it, the
 * others go on
 */
export async function refreshExternalTables(cloud: Cloud, request: string): Promise<void> {
  await cloud.store.exclusive("bigquery/external-tables", async () => {
    const listed = known.get(cloud) ?? list(cloud);
    known.set(cloud, listed);
    const tables = await listed.catch((error: unknown) => {
      known.delete(cloud);
      throw error;
    });
    for (const table of tables) {
      const { tableId } = table.tableReference;
      await refresh(cloud, table).catch((error: unknown) => {
        if (request.includes(tableId)) throw error;
        cloud.log.warn({ err: error, table: tableId }, "external table could not be read");
      });
    }
  });
}

const noCall = (cloud: Cloud) => ({
  ...{ path: {}, query: {}, body: {} },
  principal: { kind: "serviceAccount", email: `bq-${cloud.project.number}@bigquery`, via: "none" } as const,
});

async function list(cloud: Cloud): Promise<ExternalTable[]> {
  const { tables } = (await callEngine(cloud, { ...noCall(cloud), methodId: "external.tables.list" })) as JsonObject;
  return tables as ExternalTable[];
}

async function refresh(cloud: Cloud, table: ExternalTable): Promise<void> {
  const { externalDataConfiguration: external, tableReference: path } = table;
  const uris = (external.sourceUris ?? []) as string[];
  await requireAccess(external, uris, cloud);
  const digest = await digestOf(uris, external, cloud);
  if (digest === table.filesRead) return;
  const files = await openSources(cloud, uris).catch((error: unknown) => {
    // No file yet means no row yet.
    if (error instanceof ApiError && error.http === 404) return [];
    throw error;
  });
  const call = { ...noCall(cloud), methodId: "external.tables.refresh", path, body: { files, digest } };
  await callEngine(cloud, call);
  table.filesRead = digest;
}

/** Changes when a file comes, goes or is written anew, and when the table is told to read in another way. */
async function digestOf(uris: readonly string[], external: JsonObject, cloud: Cloud): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(external));
  for (const uri of uris) {
    const { bucket, pattern, matches } = parseSource(uri);
    const found = (await listObjects(cloud, bucket, pattern.split("*")[0])).filter(({ name }) => matches(name));
    for (const { name, generation } of found) hash.update(JSON.stringify([uri, name, generation]));
  }
  return hash.digest("hex");
}

async function requireAccess(external: JsonObject, uris: readonly string[], cloud: Cloud): Promise<void> {
  if (!external.connectionId) return;
  const connection = await connectionOf(external, cloud);
  const email = textOf((connection.cloudResource as JsonObject | undefined)?.serviceAccountId);
  const principal = { kind: "serviceAccount", email, via: "none" } as const;
  for (const bucket of new Set(uris.map((uri) => parseSource(uri).bucket))) {
    const ask = { principal, method: "external.tables.refresh", resource: bucketResource(bucket) };
    const may = (permission: string) => cloud.access.permits({ ...ask, permission });
    if ((await may("storage.objects.get")) && (await may("storage.objects.list"))) continue;
    const message = `Access Denied: BigQuery BigQuery: ${email} does not have storage.objects.get and storage.objects.list access to the Google Cloud Storage bucket ${bucket}.`;
    throw new ApiError("PERMISSION_DENIED", message, [], 403, "accessDenied");
  }
}

/** A connection is written as its full name, or as `project.location.id` with the project left out or not. */
async function connectionOf({ connectionId }: JsonObject, cloud: Cloud): Promise<JsonObject> {
  const parts = textOf(connectionId)
    .replace(/projects\/|\/locations|\/connections/g, "")
    .split(/[./]/);
  const [location = "", id = ""] = parts.slice(-2);
  const name = `projects/${cloud.project.id}/locations/${location}/connections/${id}`;
  const found = await cloud.store.get(name);
  if (!found) throw new ApiError("NOT_FOUND", `Not found: Connection ${name}`, [], 404, "notFound");
  return found;
}
