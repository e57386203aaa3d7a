/**
 * Google's words for a refusal, which do not tell what is not there from what the caller may not see. Most services name
 * permission and resource; the older ones have answers of their own, which their clients read.
 */
import type { Ask } from "../cloud";
import { ApiError } from "../errors";
import type { Principal } from "../service";

export function denied(ask: Ask): ApiError {
  const service = serviceOf(ask.resource);
  if (ask.method.startsWith("bigquerystorage.")) return deniedByBigQueryStorage(ask);
  if (ask.permission.startsWith("storage.")) return deniedByStorage(ask.principal, ask.permission);
  if (ask.permission.startsWith("bigquery.") && !ask.permission.startsWith("bigquery.connections."))
    return deniedByBigQuery(ask);
  if (ask.permission.startsWith("compute.")) return deniedByCompute(ask);
  if (service === "pubsub.googleapis.com")
    return new ApiError("PERMISSION_DENIED", "User not authorized to perform this action.", [infoOf(ask, service)]);
  if (TERSE.has(ask.permission.split(".")[0]!)) return deniedTersely(ask.permission);
  const message = `Permission '${ask.permission}' denied on resource '${ask.resource}' (or it may not exist).`;
  return new ApiError("PERMISSION_DENIED", message, [infoOf(ask, service)]);
}

/** These name the permission alone. */
const TERSE = new Set(["iam", "logging", "resourcemanager", "serviceusage", "monitoring", "orgpolicy"]);

export function deniedTersely(permission: string): ApiError {
  const message = `Permission '${permission}' denied on resource (or it may not exist).`;
  const info = { reason: "IAM_PERMISSION_DENIED", domain: "iam.googleapis.com", metadata: { permission } };
  return new ApiError("PERMISSION_DENIED", message, [{ "@type": INFO, ...info }]);
}

const INFO = "type.googleapis.com/google.rpc.ErrorInfo";

const infoOf = ({ permission, resource }: Ask, domain: string) => ({
  ...{ "@type": INFO, reason: "IAM_PERMISSION_DENIED", domain },
  metadata: { permission, resource: short(resource) },
});

function deniedByStorage({ email }: Principal, permission: string): ApiError {
  const kind = /^storage\.objects\.(?!list|create)/.test(permission) ? "object" : "bucket";
  const of = /^storage\.buckets\.(create|list)$/.test(permission)
    ? "Google Cloud project"
    : `Google Cloud Storage ${kind}`;
  const message = `${email} does not have ${permission} access to the ${of}. Permission '${permission}' denied on resource (or it may not exist).`;
  return new ApiError("PERMISSION_DENIED", message, [], 403, "forbidden");
}

function deniedByBigQuery(ask: Ask): ApiError {
  return new ApiError("PERMISSION_DENIED", bigQueryText(ask), [], 403, "accessDenied");
}

function bigQueryText({ permission, resource, method }: Ask): string {
  const [, project = "", dataset, kind = "", name] =
    /\/projects\/([^/]+)(?:\/datasets\/([^/]+)(?:\/([^/]+)\/([^/]+))?)?/.exec(resource) ?? [];
  if (!dataset)
    return `Access Denied: Project ${project}: User does not have ${permission} permission in project ${project}.`;
  const noun = name === undefined ? "Dataset" : kind === "routines" ? "Routine" : "Table";
  const full = `${project}:${dataset}${name === undefined ? "" : `.${name}`}`;
  const why =
    permission === "bigquery.tables.getData" && method.startsWith("bigquery.jobs.")
      ? `User does not have permission to query ${noun.toLowerCase()} ${full}, or perhaps it does not exist.`
      : `Permission ${permission} denied on ${noun.toLowerCase()} ${full} (or it may not exist).`;
  return `Access Denied: ${noun} ${full}: ${why}`;
}

/** gRPC alone: reads tell it one way, writes another. */
function deniedByBigQueryStorage(ask: Ask): ApiError {
  const { permission, resource } = ask;
  if (permission === "bigquery.tables.updateData")
    return refused(`Permission 'TABLES_UPDATE_DATA' denied on resource '${short(resource)}' (or it may not exist).`);
  if (permission.startsWith("bigquery.readsessions."))
    return refused(`request failed: the user does not have '${permission}' permission for '${short(resource)}'`);
  return refused(`request failed: ${bigQueryText(ask)}`);
}

const refused = (message: string) => new ApiError("PERMISSION_DENIED", message);

function deniedByCompute({ permission, resource }: Ask): ApiError {
  const message = `Required '${permission}' permission for '${short(resource)}'`;
  return new ApiError("PERMISSION_DENIED", message, [], 403, "forbidden");
}

const serviceOf = (resource: string) => /^\/\/([^/]+)/.exec(resource)?.[1] ?? "iam.googleapis.com";
const short = (resource: string) => resource.replace(/^\/\/[^/]+\//, "");
