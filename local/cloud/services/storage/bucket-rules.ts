/** What a bucket may be called and may contain: pure checks, with the reasons and texts of the real service. */
import type { Json, JsonObject } from "../../service";
import { forbidden, invalid, required, unimplemented } from "./answers";
import { objectOr } from "./metadata";

/** Source: docs "Bucket names". */
export function checkBucketName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name === "") throw required("Required parameter: name");
  const bad = () => invalid(`Invalid bucket name: '${name}'`);
  if (!/^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(name)) throw bad();
  if (name.length < 3 || name.length > (name.includes(".") ? 222 : 63)) throw bad();
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name) || name.split(".").some((label) => label === "" || label.length > 63))
    throw bad();
  if (/^goog/.test(name) || /g[o0]{2}g[l1][e3]/.test(name)) throw bad();
  if (name.includes("."))
    throw forbidden(
      `Another user owns the domain ${name} or a parent domain. Domain-named buckets need proof of ownership.`,
    );
}

const MULTI_REGIONS = ["ASIA", "EU", "US"];
const DUAL_REGIONS = ["ASIA1", "EUR4", "EUR5", "EUR7", "EUR8", "NAM4"];
const REGIONS = `africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1
  asia-south2 asia-southeast1 asia-southeast2 asia-southeast3 australia-southeast1 australia-southeast2 europe-central2 europe-north1
  europe-north2 europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9
  europe-west10 europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1 northamerica-northeast2
  northamerica-south1 southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4 us-east5 us-south1 us-west1
  us-west2 us-west3 us-west4 us-west8`
  .split(/\s+/)
  .map((region) => region.toUpperCase());

/** Location in the service's spelling and its type. Source: docs "Bucket locations". */
export function locationOf(location: Json | undefined): { location: string; locationType: string } {
  const name = typeof location === "string" ? location.toUpperCase() : "US";
  if (REGIONS.includes(name)) return { location: name, locationType: "region" };
  if (MULTI_REGIONS.includes(name)) return { location: name, locationType: "multi-region" };
  if (DUAL_REGIONS.includes(name)) return { location: name, locationType: "dual-region" };
  throw invalid(`The specified location constraint is not valid: ${JSON.stringify(location)}.`);
}

export const STORAGE_CLASSES = [
  "STANDARD",
  "NEARLINE",
  "COLDLINE",
  "ARCHIVE",
  "MULTI_REGIONAL",
  "REGIONAL",
  "DURABLE_REDUCED_AVAILABILITY",
];

export function checkStorageClass(value: Json | undefined): void {
  const problem = storageClassProblem(value);
  if (problem) throw invalid(problem);
}

function storageClassProblem(value: Json | undefined): string | undefined {
  if (value === undefined || STORAGE_CLASSES.some((known) => known === value)) return undefined;
  return `Invalid argument: storage class ${JSON.stringify(value)}; expected one of ${STORAGE_CLASSES.join(", ")}.`;
}

/** Checks a whole bucket as it would be stored; names every problem in one error. */
export function checkBucket(bucket: JsonObject): void {
  const problems = [
    storageClassProblem(bucket.storageClass),
    ...labelProblems(objectOr(bucket.labels)),
    ...lifecycleProblems(objectOr(bucket.lifecycle)),
    softDeleteProblem(objectOr(bucket.softDeletePolicy)),
    bucket.retentionPolicy === undefined ? undefined : retentionProblem(objectOr(bucket.retentionPolicy)),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw invalid(problems.join(" "));
  refuseUnsupported(bucket);
}

/** Source: docs "Tags and labels", "Label requirements". */
function labelProblems(labels: JsonObject): string[] {
  const entries = Object.entries(labels);
  const problems = entries.length > 64 ? [`Too many labels: got ${entries.length}; expected at most 64.`] : [];
  for (const [key, value] of entries) {
    if (!/^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key)) problems.push(`Invalid label key: '${key}'.`);
    if (typeof value !== "string" || !/^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value))
      problems.push(`Invalid label value: ${JSON.stringify(value)} of '${key}'.`);
  }
  return problems;
}

const ACTIONS = ["Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"];

/** Source: docs "Object Lifecycle Management": at most 100 rules, each with an action and a condition. */
function lifecycleProblems(lifecycle: JsonObject): string[] {
  const rules = Array.isArray(lifecycle.rule) ? lifecycle.rule.map(objectOr) : [];
  const problems = rules.length > 100 ? [`Too many lifecycle rules: got ${rules.length}; expected at most 100.`] : [];
  for (const [index, rule] of rules.entries()) {
    const action = objectOr(rule.action);
    const where = `lifecycle.rule[${index}]`;
    if (!ACTIONS.some((known) => known === action.type))
      problems.push(
        `Invalid argument: ${where}.action.type ${JSON.stringify(action.type)}; expected one of ${ACTIONS.join(", ")}.`,
      );
    if (action.type === "SetStorageClass" && action.storageClass === undefined)
      problems.push(`${where}.action.storageClass is required for SetStorageClass.`);
    const problem = storageClassProblem(action.storageClass);
    if (problem) problems.push(problem);
    if (Object.keys(objectOr(rule.condition)).length === 0)
      problems.push(`${where}.condition must have at least one condition.`);
  }
  return problems;
}

/** Source: docs "Soft delete": 0 turns it off, otherwise 7 to 90 days. */
function softDeleteProblem(policy: JsonObject): string | undefined {
  const seconds = Number(policy.retentionDurationSeconds ?? 0);
  const days = seconds / 86400;
  if (Number.isInteger(seconds) && (seconds === 0 || (days >= 7 && days <= 90))) return undefined;
  return `Invalid softDeletePolicy.retentionDurationSeconds: got ${seconds}; expected 0 or 604800 (7 days) to 7776000 (90 days).`;
}

/** Source: docs "Bucket Lock": more than 0 seconds, at most 100 years. */
function retentionProblem(policy: JsonObject): string | undefined {
  const seconds = Number(policy.retentionPeriod);
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= 3155760000) return undefined;
  return `Invalid retentionPolicy.retentionPeriod: got ${seconds}; expected 1 to 3155760000.`;
}

/** Features whose effect this cloud does not have: refused, never stored without effect. */
function refuseUnsupported(bucket: JsonObject): void {
  const at = (path: string) => path.split(".").reduce<Json | undefined>((value, key) => objectOr(value)[key], bucket);
  const features: [on: boolean, feature: string][] = [
    [at("hierarchicalNamespace.enabled") === true, "A bucket with hierarchical namespace"],
    [at("autoclass.enabled") === true, "Autoclass"],
    [Boolean(at("encryption.defaultKmsKeyName")), "Encryption by a customer-managed key"],
    [at("billing.requesterPays") === true, "Requester pays"],
    [Boolean(at("objectRetention.mode")), "Object retention"],
    [Boolean(at("customPlacementConfig.dataLocations")), "A configurable dual-region"],
    [at("defaultEventBasedHold") === true, "A default event-based hold"],
    [at("ipFilter.mode") === "Enabled", "An enabled IP filter"],
    [at("rpo") === "ASYNC_TURBO", "Turbo replication"],
  ];
  const feature = features.find(([on]) => on)?.[1];
  if (feature) throw unimplemented(feature);
}
