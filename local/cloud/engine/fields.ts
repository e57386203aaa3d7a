/** Fields of a resource by dotted path, update masks, and the `fields` parameter that picks parts of an answer. */
import { ApiError } from "../errors";
import type { Description, Schema } from "../contract/contract";
import type { Json, JsonObject } from "../service";
import { isObject } from "../json";
import { resolve, toCamel, type Violation } from "../contract/validate-schema";
import { badRequest } from "../contract/validate";

export function getField(resource: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = resource;
  for (const key of path.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Sets or, with undefined, removes a field; objects on the way are made. */
export function setField(resource: JsonObject, path: string, value: Json | undefined): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let place = resource;
  for (const key of keys) {
    const next = Object.hasOwn(place, key) ? place[key] : undefined;
    if (isObject(next)) place = next;
    else {
      if (value === undefined) return;
      place = place[key] = {};
    }
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
}

/** Output-only fields of a request are ignored, not refused (AIP-203). */
export function dropOutputOnly(api: Description, reference: Schema, value: JsonObject): JsonObject {
  const { properties = {} } = resolve(api, reference);
  const kept: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const field = properties[key];
    if (field?.readOnly) continue;
    kept[key] = field && isObject(item) && resolve(api, field).properties ? dropOutputOnly(api, field, item) : item;
  }
  return kept;
}

/** Paths of an update mask in camelCase; keys of maps stay as they are. Unknown fields are INVALID_ARGUMENT. */
export function parseUpdateMask(api: Description, schema: string, mask: string): string[] {
  const violations: Violation[] = [];
  const paths = mask
    .split(",")
    .map((path) => path.trim())
    .filter(Boolean)
    .map((path) => (path === "*" ? path : canonicalPath(api, schema, path, violations)));
  if (violations.length > 0) throw badRequest(violations);
  return paths;
}

function canonicalPath(api: Description, schema: string, path: string, violations: Violation[]): string {
  let current: Schema | undefined = resolve(api, { $ref: schema });
  const keys: string[] = [];
  for (const key of path.split(".")) {
    const properties: Record<string, Schema> = current?.properties ?? {};
    const name = [key, toCamel(key)].find((candidate) => Object.hasOwn(properties, candidate));
    const next: Schema | undefined = name ? properties[name] : current?.additionalProperties;
    if (!next && current?.type !== "any") {
      violations.push({
        field: "update_mask",
        description: `Invalid field path in update_mask: '${path}'; '${key}' is not a field of ${schema}.`,
      });
      return path;
    }
    keys.push(name ?? key);
    current = next && resolve(api, next);
  }
  return keys.join(".");
}

/**
 * The stored resource after an update. With a mask: exactly its paths, absent ones removed. Without: the top-level
 * fields that were sent are replaced (AIP-134).
 */
export function applyUpdate(current: JsonObject, sent: JsonObject, mask: readonly string[] | undefined): JsonObject {
  const next = structuredClone(current);
  const paths = mask === undefined || mask.includes("*") ? Object.keys(sent) : mask;
  for (const path of paths) setField(next, path, structuredClone(getField(sent, path)));
  return next;
}

/** A node of a parsed `fields` parameter; an empty one selects everything below. */
type Selection = Map<string, Selection>;

/** Applies `fields=a,b/c,d(e,f)` to an answer; a path that the schema does not have is refused as Google does. */
export function selectFields(api: Description, schema: string | undefined, answer: Json, fields: string): Json {
  const selection = parseSelection(fields);
  if (schema) {
    const unknown = unknownPaths(api, { $ref: schema }, selection, "");
    if (unknown.length > 0) throw badFields(unknown);
  }
  return pick(answer, selection);
}

function badFields(paths: string[]): ApiError {
  const fieldViolations = paths.map((path) => ({
    field: path,
    description: `Error expanding 'fields' parameter. Cannot find matching fields for path '${path}'.`,
  }));
  const details = [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations }];
  return new ApiError("INVALID_ARGUMENT", "Request contains an invalid argument.", details);
}

function parseSelection(text: string): Selection {
  const tokens = text.match(/[^,/()\s]+|[,/()]/g) ?? [];
  let position = 0;
  const name = (): string => {
    const token = tokens[position++];
    if (token === undefined || /[,/()]/.test(token)) throw badFields([text]);
    return token;
  };
  const list = (): Selection => {
    const selection: Selection = new Map();
    for (;;) {
      let below = under(selection, name());
      while (tokens[position] === "/") {
        position += 1;
        below = under(below, name());
      }
      if (tokens[position] === "(") {
        position += 1;
        for (const [key, inner] of list()) below.set(key, inner);
        if (tokens[position++] !== ")") throw badFields([text]);
      }
      if (tokens[position] !== ",") return selection;
      position += 1;
    }
  };
  const selection = list();
  if (position !== tokens.length) throw badFields([text]);
  return selection;
}

/** What is selected below a field, made if it was not named before. */
function under(selection: Selection, field: string): Selection {
  const below: Selection = selection.get(field) ?? new Map();
  selection.set(field, below);
  return below;
}

function unknownPaths(api: Description, reference: Schema, selection: Selection, path: string): string[] {
  const schema = resolve(api, reference);
  if (schema.type === "array") return unknownPaths(api, schema.items ?? { type: "any" }, selection, path);
  if (schema.type === "any") return [];
  const { properties = {} } = schema;
  return [...selection].flatMap(([key, below]) => {
    const here = path === "" ? key : `${path}/${key}`;
    const field = Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties;
    if (key === "*") return [];
    return field ? unknownPaths(api, field, below, here) : [here];
  });
}

function pick(value: Json, selection: Selection): Json {
  if (selection.size === 0 || value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item) => pick(item, selection));
  const picked: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const below = selection.get(key) ?? selection.get("*");
    if (below) picked[key] = pick(item, below);
  }
  return picked;
}
