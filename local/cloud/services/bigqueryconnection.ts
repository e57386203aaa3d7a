/** Connections of BigQuery (bigqueryconnection.v1): to Spark and to Cloud Storage, each with an account of its own. */
import { createHash } from "node:crypto";
import { badRequest } from "../contract/validate";
import { isObject, textOf } from "../json";
import type { Cloud } from "../cloud";
import type { Hook, JsonObject, ResourceType, ServerSetContext, Service } from "../service";
import { requireStored } from "./references";

const KINDS = ["cloudResource", "spark"];

const connection: ResourceType = {
  collection: "bigqueryconnection.projects.locations.connections",
  schema: "Connection",
  listField: "connections",
  name: "projects/{project}/locations/{location}/connections/{id}",
  id: { query: "connectionId" },
  idPattern: /^[\w-]{1,255}$/,
  policy: true,
  serverSet: {
    creationTime: milliseconds,
    lastModifiedTime: { always: milliseconds },
    hasCredential: { always: () => false },
  },
  before: { create: prepare, patch: prepare },
  messages: {
    missing: (name) => `Not found: Connection ${name}`,
    exists: (name) => `Already Exists: Connection ${name}`,
  },
  source: "https://cloud.google.com/bigquery/docs/reference/bigqueryconnection/rest/v1/projects.locations.connections",
};

export const bigqueryConnection: Service = { apis: ["bigqueryconnection.v1"], types: [connection], methods: {} };

async function prepare({ current, next, cloud }: Parameters<Hook>[0]): Promise<void> {
  const kinds = KINDS.filter((kind) => isObject(next[kind]));
  const others = Object.keys(next).filter((field) =>
    /^(aws|azure|cloudSpanner|cloudSql|configuration|salesforceDataCloud)$/.test(field),
  );
  if (kinds.length !== 1 || others.length > 0) {
    const got = [...kinds, ...others].join(", ") || "none";
    throw badRequest([
      { field: "connection", description: `Exactly one of ${KINDS.join(", ")} must be set: got ${got}.` },
    ]);
  }
  const [kind = ""] = kinds;
  if (current && !isObject(current[kind]))
    throw badRequest([{ field: "connection", description: `The type of a connection cannot be changed to ${kind}.` }]);
  const properties = next[kind] as JsonObject;
  // Made with the connection and kept over changes; a new connection of the same name has a new account.
  const account = isObject(current?.[kind]) ? current[kind].serviceAccountId : undefined;
  properties.serviceAccountId = account ?? accountOf(textOf(next.name), cloud);
  const { metastoreServiceConfig: metastore, sparkHistoryServerConfig: history } = properties;
  if (isObject(metastore) && metastore.metastoreService) await requireStored(textOf(metastore.metastoreService), cloud);
  if (isObject(history) && history.dataprocCluster) await requireStored(textOf(history.dataprocCluster), cloud);
}

/** The account has no role until somebody grants it one. */
function accountOf(name: string, cloud: Cloud): string {
  const tail = createHash("sha256").update(`${name} ${cloud.now().toISOString()}`).digest("hex").slice(0, 4);
  return `bqcx-${cloud.project.number}-${tail}@gcp-sa-bigquery-condel.iam.gserviceaccount.com`;
}

function milliseconds({ cloud }: ServerSetContext): string {
  return String(cloud.now().getTime());
}
