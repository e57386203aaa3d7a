/**
 * Rules that batches and session templates share: runtime, properties, execution environment, labels. Each gives
 * violations, so that a caller learns all problems of a request at once.
 *
 * Sources: https://cloud.google.com/dataproc-serverless/docs/reference/rest/v1/EnvironmentConfig and RuntimeConfig,
 * https://cloud.google.com/dataproc-serverless/docs/concepts/properties
 */
import type { Engines, SparkEngine } from "../../../engines/interface";
import { isObject } from "../../json";
import type { Json, JsonObject } from "../../service";
import type { Violation } from "../../contract/validate-schema";

/** Google's default when a request names no runtime; of the supported ones the newest. */
export const defaultRuntime = (spark: SparkEngine) => spark.runtimes.at(-1)!;

const MINIMUM_TTL_SECONDS = 10 * 60;
const MAXIMUM_TTL_SECONDS = 14 * 24 * 3600;
const MAXIMUM_LABELS = 32;

/** Properties are Spark's or the service's own; files of other components have no place in a serverless workload. */
const PROPERTY = /^(spark:)?spark\.[^\s:]+$|^(dataproc:)?dataproc\.[^\s:]+$/;

export const objectAt = (value: JsonObject | undefined, key: string): JsonObject => {
  const found = value?.[key];
  return isObject(found) ? found : {};
};

export const propertiesOf = (resource: JsonObject): Record<string, string> =>
  objectAt(objectAt(resource, "runtimeConfig"), "properties") as Record<string, string>;

export const executionOf = (resource: JsonObject): JsonObject =>
  objectAt(objectAt(resource, "environmentConfig"), "executionConfig");

/** Runtime and properties, under the field path of the request (`batch`, `session_template`). */
export function runtimeProblems(
  resource: JsonObject,
  path: string,
  engines: Engines,
  runtimes = engines.spark.runtimes,
): Violation[] {
  const runtime = objectAt(resource, "runtimeConfig");
  const found: Violation[] = [];
  const report = (field: string, description: string) =>
    found.push({ field: `${path}.runtime_config.${field}`, description });
  const version = runtime.version;
  if (typeof version === "string" && version !== "" && !runtimes.includes(version)) {
    report("version", `Runtime version '${version}' is not supported. Supported versions: ${runtimes.join(", ")}.`);
  }
  const image = text(runtime.containerImage);
  // A template only names an image; who uses it must be able to pull it.
  if (image !== "" && path !== "session_template" && !engines.images.list()[image]?.python) {
    report(
      "container_image",
      `Container image '${image}' not found; expected one for Spark that this lab has built. Run npx sparklab image build spark.`,
    );
  }
  const properties = propertiesOf(resource);
  for (const key of Object.keys(properties).filter((name) => !PROPERTY.test(name))) {
    report(
      "properties",
      `Property '${key}' is not supported; expected a name that begins with 'spark.' or 'dataproc.'.`,
    );
  }
  for (const problem of engines.spark.propertyProblems(properties)) report("properties", `Property ${problem}.`);
  return found;
}

/** The Python of the image that a workload names; checked when it was asked for. */
export function imageInterpreter(workload: JsonObject, { images }: Engines): { interpreter?: string } {
  const image = text(objectAt(workload, "runtimeConfig").containerImage);
  if (image === "") return {};
  const interpreter = images.list()[image]?.python;
  if (interpreter) return { interpreter };
  throw new Error(`Container image '${image}' is not there any more. Run npx sparklab image build spark.`);
}

/** Networks, times and the bucket's name; what must exist elsewhere is looked up by batch-references.ts. */
export function environmentProblems(resource: JsonObject, path: string, kind: "batch" | "session"): Violation[] {
  const execution = executionOf(resource);
  const found: Violation[] = [];
  const report = (field: string, description: string) =>
    found.push({ field: `${path}.environment_config.execution_config.${field}`, description });
  if (isSet(execution.networkUri) && isSet(execution.subnetworkUri)) {
    report("network", "At most one of network_uri and subnetwork_uri may be set.");
  }
  const bucket = execution.stagingBucket;
  if (isSet(bucket) && !/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(text(bucket))) {
    report(
      "staging_bucket",
      `Invalid staging bucket '${text(bucket)}': expected the name of a bucket, not a URI or path.`,
    );
  }
  if (kind === "batch" && isSet(execution.idleTtl)) {
    report("idle_ttl", "idle_ttl applies to sessions only; it cannot be set on a batch.");
  }
  for (const field of kind === "batch" ? ["ttl"] : ["ttl", "idleTtl"]) {
    const problem = isSet(execution[field]) ? ttlProblem(text(execution[field])) : undefined;
    if (problem) report(field === "ttl" ? "ttl" : "idle_ttl", `${field === "ttl" ? "ttl" : "idle_ttl"}: ${problem}`);
  }
  if (isSet(execution.kmsKey)) report("kms_key", `Cloud KMS key '${text(execution.kmsKey)}' is not known here.`);
  if (objectAt(execution, "authenticationConfig").userWorkloadAuthenticationType === "END_USER_CREDENTIALS") {
    report(
      "authentication_config.user_workload_authentication_type",
      "END_USER_CREDENTIALS is not supported; expected SERVICE_ACCOUNT.",
    );
  }
  return found;
}

function ttlProblem(duration: string): string | undefined {
  const value = seconds(duration);
  if (value >= MINIMUM_TTL_SECONDS && value <= MAXIMUM_TTL_SECONDS) return undefined;
  return `got ${duration}; expected between ${MINIMUM_TTL_SECONDS}s (10 minutes) and ${MAXIMUM_TTL_SECONDS}s (14 days).`;
}

/** Labels as RFC 1035 asks of them. */
export function labelProblems(resource: JsonObject, path: string): Violation[] {
  const labels = Object.entries(objectAt(resource, "labels"));
  const field = `${path}.labels`;
  const found: Violation[] = labels.flatMap(([key, value]) => {
    const problems: Violation[] = [];
    if (!/^\p{Ll}[\p{Ll}\d_-]{0,62}$/u.test(key)) {
      problems.push({
        field,
        description: `Invalid label key '${key}': expected 1-63 lower-case letters, digits, '_' or '-', beginning with a letter.`,
      });
    }
    if (!/^[\p{Ll}\d_-]{0,63}$/u.test(text(value))) {
      problems.push({
        field,
        description: `Invalid value '${text(value)}' of label '${key}': expected at most 63 lower-case letters, digits, '_' or '-'.`,
      });
    }
    return problems;
  });
  if (labels.length > MAXIMUM_LABELS) {
    found.push({ field, description: `Too many labels: got ${labels.length}; expected at most ${MAXIMUM_LABELS}.` });
  }
  return found;
}

/** A field that the description says is text. */
export const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const isSet = (value: Json | undefined) => value !== undefined && value !== null && value !== "";

/** Seconds of a JSON duration (`3600s`). */
export const seconds = (duration: string) => Number(/^(\d+(?:\.\d+)?)s$/.exec(duration)?.[1] ?? Number.NaN);
