/**
 * `google.api.http` annotations: from a request message (as canonical JSON) to the REST request that it stands for.
 * Source: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
 */
import { toCamel } from "../contract/validate-schema";
import { ApiError } from "../errors";
import type { Json, JsonObject } from "../service";

export interface HttpRule {
  verb: string;
  /** E.g. `/v1/{parent=projects/*\/locations/*}/batches`. */
  template: string;
  /** `*`, a field name, or undefined. */
  body?: string;
}

export interface RestRequest {
  verb: string;
  path: string;
  query: Record<string, string | string[]>;
  body?: JsonObject;
}

interface Rule {
  get?: string;
  put?: string;
  post?: string;
  delete?: string;
  patch?: string;
  body?: string;
  additional_bindings?: Rule | Rule[];
}

/** Rules of a method from its parsed options, the main one first. */
export function httpRules(parsedOptions: readonly Record<string, unknown>[] | undefined): HttpRule[] {
  const found = parsedOptions?.map((option) => option["(google.api.http)"]).find((value) => value !== undefined);
  return found === undefined ? [] : flatten(found as Rule);
}

function flatten(rule: Rule): HttpRule[] {
  const verb = (["get", "put", "post", "delete", "patch"] as const).find((name) => rule[name] !== undefined);
  const own = verb ? [{ verb: verb.toUpperCase(), template: rule[verb]!, body: rule.body }] : [];
  return [...own, ...[rule.additional_bindings ?? []].flat().flatMap(flatten)];
}

/** The REST request by the first rule whose path the message fits. */
export function toRest(rules: readonly HttpRule[], message: JsonObject): RestRequest {
  for (const rule of rules) {
    const path = expand(rule.template, message);
    if (path !== undefined) return build(rule, path, message);
  }
  const [first] = rules;
  const wanted = variables(first?.template ?? "").map(({ field, pattern }) => {
    return `${field}: got ${JSON.stringify(valueAt(message, field) ?? "")}; expected ${pattern}`;
  });
  throw new ApiError("INVALID_ARGUMENT", `Invalid resource field value in the request. ${wanted.join("; ")}.`);
}

function build(rule: HttpRule, path: string, message: JsonObject): RestRequest {
  const bound = variables(rule.template).map(({ field }) => field);
  // A field inside the body stays there even when it is also part of the path, as in what REST clients send.
  const rest = Object.fromEntries(Object.entries(message).filter(([key]) => !bound.includes(key)));
  if (rule.body === "*") return { verb: rule.verb, path, query: {}, body: rest };
  const bodyField = rule.body === undefined ? undefined : toCamel(rule.body);
  const query: RestRequest["query"] = {};
  for (const [key, value] of Object.entries(rest)) {
    const isInPath = bound.some((field) => field.startsWith(`${key}.`));
    if (key !== bodyField && !isInPath) addQuery(query, key, value);
  }
  if (bodyField === undefined) return { verb: rule.verb, path, query };
  return { verb: rule.verb, path, query, body: (message[bodyField] ?? {}) as JsonObject };
}

function addQuery(query: RestRequest["query"], key: string, value: Json): void {
  if (value === null) return;
  if (Array.isArray(value)) query[key] = value.map(String);
  else if (typeof value === "object") {
    for (const [name, inner] of Object.entries(value)) addQuery(query, `${key}.${name}`, inner);
  } else query[key] = String(value);
}

const VARIABLE = /\{([^=}]+)(?:=([^}]+))?\}/g;

function variables(template: string): { field: string; pattern: string }[] {
  return [...template.matchAll(VARIABLE)].map(([, field, pattern]) => {
    return { field: toCamel(field!), pattern: pattern ?? "*" };
  });
}

/** The template with the message's values in place of its variables; undefined when one does not fit. */
function expand(template: string, message: JsonObject): string | undefined {
  let fits = true;
  const path = template.replace(VARIABLE, (_, field: string, pattern: string | undefined) => {
    const value = valueAt(message, toCamel(field));
    const fitted = typeof value === "string" ? fit(value, pattern ?? "*") : undefined;
    fits &&= fitted !== undefined;
    return fitted ?? "";
  });
  return fits ? path : undefined;
}

/** A resource name, encoded for a path, if it has the pattern's shape. */
function fit(name: string, pattern: string): string | undefined {
  const segments = name.split("/");
  const shape = pattern.split("/");
  const isOpen = shape.at(-1) === "**";
  if (isOpen ? segments.length < shape.length : segments.length !== shape.length) return undefined;
  const fitted = segments.map((segment, index) => {
    const expected = shape[Math.min(index, shape.length - 1)]!;
    if (expected.startsWith("*")) return segment === "" ? undefined : encodeURIComponent(segment);
    // Dataproc calls the same place a region or a location; its clients (Airflow's) send either to either method.
    const isSame = segment === expected || (segment === "regions" && expected === "locations");
    return isSame ? expected : undefined;
  });
  return fitted.includes(undefined) ? undefined : fitted.join("/");
}

function valueAt(message: JsonObject, path: string): Json | undefined {
  return path
    .split(".")
    .reduce<Json | undefined>((value, key) => (value as JsonObject | null | undefined)?.[key], message);
}
