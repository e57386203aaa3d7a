/** Checks requests and answers against Google's description of the method, with the errors that Google gives. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Method, Parameter } from "./contract";
import { ApiError } from "../errors";
import type { Json, JsonObject } from "../service";
import {
  checkAnswer,
  fitsPattern,
  invalidValue,
  misfit,
  readValue,
  toCamel,
  toSnake,
  type Violation,
  type Walk,
} from "./validate-schema";
import { readScalar, typeName } from "./validate-formats";

/**
 * APIs whose servers pass over body fields that they do not know. Storage's JSON API does: clients have sent `metadata` in
 * buckets, which have no such field, without an error (googleapis/google-cloud-node #370, #371). Compute does: the official
 * gcp provider sends `initialNatIps` and `deleteBgpAlwaysCompareMed`, which no version describes. BigQuery does not: it
 * answers in the transcoder's words ("Unknown name "type" at 'table.time_partitioning': …", r-dbi/bigrquery #280).
 */
const IGNORES_UNKNOWN: ReadonlySet<string> = new Set(["storage.v1", "compute.v1", "compute.beta"]);

/** PATCH of these has no mask: a null clears a field (storage: "Patch semantics"; bigquery tables.patch). */
const NULL_CLEARS: ReadonlySet<string> = new Set(["storage.v1", "bigquery.v2"]);

/** `@google-cloud/bigquery` sends the values of query parameters as JSON numbers and booleans; their field is text. */
const SCALARS_AS_TEXT: ReadonlySet<string> = new Set(["bigquery.v2"]);

/** Accepted everywhere although not every description lists them. */
const SYSTEM_PARAMETERS: ReadonlySet<string> = new Set([
  ...[
    "$.xgafv",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "userIp",
  ],
  ...[
    "uploadType",
    "upload_protocol",
    "upload_id",
    "userProject",
    "$alt",
    "$fields",
    "$prettyPrint",
    "$key",
    "$userProject",
  ],
]);

export type Query = Record<string, string | string[]>;

/** Returns the request in canonical form; throws INVALID_ARGUMENT with all problems at once. */
export function checkRequest(method: Method, request: IncomingRequest): { query: Query; body: JsonObject } {
  const violations: Violation[] = [];
  const { query, inBody } = readQuery(method, request.query, violations);
  const body = request.media ? {} : readBody(method, withoutPath(method, request, inBody), violations);
  for (const [name, value] of Object.entries(request.path ?? {})) {
    const pattern = method.parameters[name]?.pattern;
    if (!fitsPattern(pattern, value)) violations.push({ field: name, description: misfit(name, value, pattern!) });
  }
  if (violations.length > 0) throw badRequest(violations);
  return { query, body };
}

export interface IncomingRequest {
  path?: Record<string, string>;
  query: Query;
  body?: JsonObject;
  /** The body is media, which the behaviour reads itself. */
  media: boolean;
}

export function badRequest(violations: readonly Violation[]): ApiError {
  const details = [
    {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: violations.map(({ field, description }): JsonObject =>
        field === "" ? { description } : { field, description },
      ),
    },
  ];
  return new ApiError("INVALID_ARGUMENT", violations.map(({ description }) => description).join("\n"), details);
}

/**
 * Query parameters in canonical form. Where the body is a whole request message (`…Request`), its fields may come in the
 * query too: the official provider sends Pub/Sub's `updateMask` so.
 */
function readQuery(method: Method, raw: Query, violations: Violation[]): { query: Query; inBody: JsonObject } {
  const query: Query = {};
  const inBody: JsonObject = {};
  const message = method.request?.endsWith("Request") ? method.api.schemas[method.request]?.properties : undefined;
  for (const [key, value] of Object.entries(raw)) {
    if (SYSTEM_PARAMETERS.has(key) && !method.parameters[key]) {
      query[key.replace(/^\$(?!\.)/, "")] = value;
      continue;
    }
    const name = [key, toCamel(key)].find((candidate) => method.parameters[candidate]?.location === "query");
    const field = [key, toCamel(key)].find((candidate) => message && Object.hasOwn(message, candidate));
    if (name) query[name] = readParameter(name, method.parameters[name]!, value, violations);
    else if (field) inBody[field] = value;
    else if (!IGNORES_UNKNOWN.has(method.api.name)) {
      const description = `Invalid JSON payload received. Unknown name "${key}": Cannot bind query parameter. Field '${key}' could not be found in request message.`;
      violations.push({ field: "", description });
    }
  }
  for (const [name, parameter] of Object.entries(method.parameters)) {
    if (parameter.location === "query" && parameter.required && query[name] === undefined) {
      violations.push({ field: toSnake(name), description: `Required parameter: ${name}` });
    }
  }
  checkAlt(method, query, violations);
  return { query, inBody };
}

function readParameter(
  name: string,
  parameter: Parameter,
  value: string | string[],
  violations: Violation[],
): string | string[] {
  const values = Array.isArray(value) ? value : [value];
  const path = name.split(".").map(toSnake).join(".");
  for (const item of values) {
    const below = parameter.minimum !== undefined && Number(item) < Number(parameter.minimum);
    if (readScalar(parameter, item) === undefined || below) {
      violations.push({ field: path, description: invalidValue(path, typeName(parameter), item) });
    }
  }
  if (parameter.repeated) return values;
  // Of a repeated single-valued parameter, the last one counts.
  return values.at(-1) ?? "";
}

/** Only JSON is spoken, and media where the method has it. */
function checkAlt(method: Method, query: Query, violations: Violation[]): void {
  const alt = String(query.alt ?? "json").split(";")[0] ?? "";
  const known = alt === "json" || (alt === "media" && method.download) || alt === "";
  if (!known)
    violations.push({
      field: "alt",
      description: `Invalid value "${alt}" for the parameter alt: this method answers json${method.download ? " or media" : ""}.`,
    });
}

/**
 * Where the body is a whole request message, that message has the path's fields, too, though no description says so. The
 * path's value counts (google/api/http.proto). Google's pipeline component that deploys a model sends `endpoint` so.
 */
function withoutPath(method: Method, { path = {}, body = {} }: IncomingRequest, inBody: JsonObject): JsonObject {
  const fields = { ...inBody, ...body };
  if (!method.request?.endsWith("Request")) return fields;
  const described = method.api.schemas[method.request]?.properties ?? {};
  const repeats = (name: string) => name in path && !(name in described);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !repeats(toCamel(name))));
}

function readBody(method: Method, body: JsonObject, violations: Violation[]): JsonObject {
  if (!method.request) {
    // The gRPC transcoder and some clients send `{}` where the description knows no body.
    for (const key of Object.keys(body)) {
      violations.push({
        field: "",
        description: `Invalid JSON payload received. Unknown name "${key}": Cannot find field.`,
      });
    }
    return {};
  }
  const walk: Walk = {
    api: method.api,
    ignoreUnknown: IGNORES_UNKNOWN.has(method.api.name),
    keepNulls: method.verb === "PATCH" && NULL_CLEARS.has(method.api.name),
    scalarsAsText: SCALARS_AS_TEXT.has(method.api.name),
    violations,
  };
  return readValue(walk, { $ref: method.request }, body, rootOf(method.request)) as JsonObject;
}

/**
 * The transcoder names a body by the request's field that it fills: `batch` for a Batch. A request message of its own
 * (`…Request`) fills the whole request and has no prefix. The description does not say it; the rule follows AIP-133.
 */
function rootOf(schema: string): string {
  const name = schema.replace(/^Google[A-Za-z]*?V\d+(?:(?:alpha|beta)\d*)?/, "");
  return name.endsWith("Request") ? "" : toSnake(name.charAt(0).toLowerCase() + name.slice(1));
}

/** Problems of an answer; a method without a described answer must give an empty one. */
export function answerViolations(method: Method, answer: Json): string[] {
  if (!method.response) return isEmpty(answer) ? [] : ["got a body; the description has none"];
  const walk: Walk = { api: method.api, ignoreUnknown: false, keepNulls: false, violations: [] };
  checkAnswer(walk, { $ref: method.response }, answer, method.response);
  return walk.violations.map(({ description }) => description);
}

const isEmpty = (answer: Json) => answer === null || (typeof answer === "object" && Object.keys(answer).length === 0);

/** Where the violations of a cloud are kept. */
export const violationsFile = (folder: string) => join(folder, "contract-violations.jsonl");

/** Keeps violations where a test run finds them; `folder` is the cloud's. */
export function recordViolations(folder: string, methodId: string, violations: readonly string[], at: Date): void {
  mkdirSync(folder, { recursive: true });
  appendFileSync(violationsFile(folder), `${JSON.stringify({ at: at.toISOString(), methodId, violations })}\n`);
}

/** Fails when any answer of this cloud has broken its description. */
export function assertNoViolations(folder: string): void {
  const file = violationsFile(folder);
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  if (lines.length > 0)
    throw new Error(`${lines.length} answers broke Google's API description (${file}):\n${lines.join("\n")}`);
}
