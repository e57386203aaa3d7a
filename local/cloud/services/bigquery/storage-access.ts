/**
 * Permissions of the BigQuery Storage API: its messages are carried as bytes, so that the names in them are read here.
 * Source: https://cloud.google.com/bigquery/docs/reference/storage, https://cloud.google.com/bigquery/docs/write-api,
 * "Required permissions"; field numbers from google/cloud/bigquery/storage/v1/storage.proto and stream.proto.
 */
import { Reader } from "protobufjs/minimal";
import type { Cloud } from "../../cloud";
import type { Principal } from "../../service";
import { tableResource } from "./guard";

interface Rule {
  /** Where the name of the table or stream is: field numbers, from the outside in. */
  at: readonly number[];
  onProject?: string;
  onTable?: string;
}

const WRITES = "bigquery.tables.updateData";
const RULES: Readonly<Record<string, Rule>> = {
  CreateReadSession: { at: [2, 6], onProject: "bigquery.readsessions.create", onTable: "bigquery.tables.getData" },
  ReadRows: { at: [1], onProject: "bigquery.readsessions.getData" },
  SplitReadStream: { at: [1], onProject: "bigquery.readsessions.update" },
  CreateWriteStream: { at: [1], onTable: WRITES },
  GetWriteStream: { at: [1], onTable: "bigquery.tables.get" },
  FinalizeWriteStream: { at: [1], onTable: WRITES },
  FlushRows: { at: [1], onTable: WRITES },
  BatchCommitWriteStreams: { at: [1], onTable: WRITES },
  AppendRows: { at: [1], onTable: WRITES },
};

/** Whether a method is asked for permissions; what has no rule is not served. */
export const hasRule = (method: string) => Object.hasOwn(RULES, method);

/** @param path e.g. `/google.cloud.bigquery.storage.v1.BigQueryRead/ReadRows` */
export async function requireStorageAccess(
  cloud: Cloud,
  principal: Principal,
  path: string,
  message: Uint8Array,
): Promise<void> {
  const method = path.split("/").at(-1)!;
  const rule = RULES[method];
  if (!rule) throw new Error(`${path} has no rule of permissions`);
  const name = textAt(message, rule.at);
  // The messages after the first of a stream need not name it again.
  if (name === "" && method === "AppendRows") return;
  const ask = { principal, method: `bigquerystorage.${method}` };
  const project = `//bigquery.googleapis.com/projects/${cloud.project.id}`;
  if (rule.onProject) await cloud.access.require({ ...ask, permission: rule.onProject, resource: project });
  if (!rule.onTable) return;
  const [, projectId = "", dataset = "", table = ""] =
    /^projects\/([^/]+)\/datasets\/([^/]+)\/tables\/([^/]+)/.exec(name) ?? [];
  // What is no table's name the engine refuses in its own words.
  if (table !== "")
    await cloud.access.require({
      ...ask,
      permission: rule.onTable,
      resource: tableResource(projectId === cloud.project.number ? cloud.project.id : projectId, dataset, table),
    });
}

/** The last text or message at a place of a message, which is the one that counts. */
function textAt(message: Uint8Array, [field, ...inside]: readonly number[]): string {
  const reader = Reader.create(message);
  let found: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field && (tag & 7) === 2) found = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return inside.length > 0 ? textAt(found, inside) : Buffer.from(found).toString("utf8");
}
