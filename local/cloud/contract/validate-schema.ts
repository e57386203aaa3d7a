/**
 * One walk over a JSON value and its schema, for requests (normalising) and for answers (strict).
 *
 * An own walk and not ajv: a request must be normalised while it is checked (snake_case names, numbers as text, explicit
 * nulls), every problem must be worded as Google's JSON transcoder words it with a path in proto names, and converting
 * the schemas of compute or aiplatform to JSON Schema would cost seconds for the few that a session uses.
 */
import type { Description, Schema } from "./contract";
import type { Json, JsonObject } from "../service";
import { isObject, textOf } from "../json";
import { isCanonicalScalar, readScalar, typeName } from "./validate-formats";

export interface Violation {
  /** Path in proto names, e.g. `batch.runtime_config.version`. */
  field: string;
  description: string;
}

export interface Walk {
  api: Description;
  /** Unknown fields of a request are passed over (storage), not refused. */
  ignoreUnknown: boolean;
  /** Explicit nulls mean "clear this field" and are handed on. */
  keepNulls: boolean;
  /** Numbers and booleans in plain text fields are taken as their text. */
  scalarsAsText?: boolean;
  violations: Violation[];
}

export const toSnake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const toCamel = (name: string) => name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Follows `$ref`; field facts of the referring place (readOnly) stay there. */
export function resolve(api: Description, schema: Schema): Schema {
  if (!schema.$ref) return schema;
  const found = api.schemas[schema.$ref];
  if (!found) throw new Error(`API description ${api.name}: schema ${schema.$ref} is referred to but not described.`);
  return found;
}

/** Checks and normalises a request value. */
export function readValue(walk: Walk, reference: Schema, value: Json, path: string): Json {
  const schema = resolve(walk.api, reference);
  if (schema.type === "any" || isFreeForm(schema)) return value;
  if (schema.type === "array") return readArray(walk, schema, value, path);
  if (schema.type === "object") return readObject(walk, schema, reference.$ref, value, path);
  const read = Array.isArray(value) || isObject(value) ? undefined : readScalar(schema, asText(walk, schema, value));
  if (read !== undefined) {
    if (!fitsPattern(schema.pattern, read)) report(walk, path, misfit(path, read, schema.pattern!));
    return read;
  }
  if (Array.isArray(value)) report(walk, path, unknownName(path, "Proto field is not repeating, cannot start list."));
  else report(walk, path, invalidValue(path, typeName(schema), value));
  return value;
}

function asText({ scalarsAsText }: Walk, { type, format, enum: names }: Schema, value: Json): Json {
  const isPlain = type === "string" && format === undefined && names === undefined;
  return scalarsAsText && isPlain && (typeof value === "number" || typeof value === "boolean") ? String(value) : value;
}

/** A struct of any JSON (`google.protobuf.Struct`, `Any`): handed on untouched. */
function isFreeForm(schema: Schema): boolean {
  return schema.type === "object" && !schema.properties && schema.additionalProperties?.type === "any";
}

function readArray(walk: Walk, schema: Schema, value: Json, path: string): Json {
  if (!Array.isArray(value)) {
    report(walk, path, invalidValue(path, schema.items?.$ref ?? typeName(schema.items ?? {}), value));
    return value;
  }
  return value.map((item, index) => readValue(walk, schema.items ?? { type: "any" }, item, `${path}[${index}]`));
}

function readObject(walk: Walk, schema: Schema, name: string | undefined, value: Json, path: string): Json {
  if (Array.isArray(value)) {
    report(walk, path, unknownName(path, "Proto field is not repeating, cannot start list."));
    return value;
  }
  if (!isObject(value)) {
    report(walk, path, invalidValue(path, name ? `type.googleapis.com/${name}` : "TYPE_MESSAGE", value));
    return value;
  }
  const read: JsonObject = {};
  let position = 0;
  for (const [key, item] of Object.entries(value)) {
    const field = schema.properties && fieldOf(schema.properties, key);
    if (item === null && !(field && resolve(walk.api, schema.properties![field]!).type === "any")) {
      if (walk.keepNulls) read[field ?? key] = null;
    } else if (field) read[field] = readValue(walk, schema.properties![field]!, item, join(path, toSnake(field)));
    else if (schema.additionalProperties) {
      read[key] = readValue(walk, schema.additionalProperties, item, `${path}[${position}].value`);
    } else if (!walk.ignoreUnknown) report(walk, path, unknownName(join(path, key), "Cannot find field."));
    position += 1;
  }
  return read;
}

/** JSON bodies may use the proto's snake_case names; answers never do. */
function fieldOf(properties: Record<string, Schema>, key: string): string | undefined {
  if (Object.hasOwn(properties, key)) return key;
  const camel = toCamel(key);
  return Object.hasOwn(properties, camel) ? camel : undefined;
}

/** Checks an answer: nothing unknown, nothing null, everything in its canonical form. */
export function checkAnswer(walk: Walk, reference: Schema, value: Json, path: string): void {
  const schema = resolve(walk.api, reference);
  if (schema.type === "any" || isFreeForm(schema)) return;
  if (schema.type === "array") {
    if (!Array.isArray(value)) return report(walk, path, `${path}: got ${JSON.stringify(value)}; expected a list`);
    return value.forEach((item, index) =>
      checkAnswer(walk, schema.items ?? { type: "any" }, item, `${path}[${index}]`),
    );
  }
  if (schema.type === "object") {
    if (!isObject(value)) return report(walk, path, `${path}: got ${JSON.stringify(value)}; expected an object`);
    for (const [key, item] of Object.entries(value)) {
      const field =
        schema.properties && Object.hasOwn(schema.properties, key)
          ? schema.properties[key]
          : schema.additionalProperties;
      if (field) checkAnswer(walk, field, item, join(path, key));
      else report(walk, join(path, key), `${join(path, key)}: not a field of ${reference.$ref ?? "this object"}`);
    }
    return;
  }
  if (value === null || Array.isArray(value) || isObject(value) || !isCanonicalScalar(schema, value)) {
    report(
      walk,
      path,
      `${path}: got ${JSON.stringify(value)}; expected ${schema.enum?.join(" | ") ?? typeName(schema)}`,
    );
  }
}

function report(walk: Walk, field: string, description: string): void {
  walk.violations.push({ field, description });
}

const join = (path: string, key: string) => (path === "" ? key : `${path}.${key}`);

/** Whether the whole text fits; the descriptions write patterns with and without anchors. */
export function fitsPattern(pattern: string | undefined, value: Json): boolean {
  return pattern === undefined || typeof value !== "string" || new RegExp(`^(?:${pattern})$`, "s").test(value);
}

/** Compute's words: it is the only API here whose description gives patterns for fields and bare path parameters. */
export const misfit = (path: string, value: Json, pattern: string) =>
  `Invalid value for field '${path}': '${textOf(value)}'. Must be a match of regex '${pattern}'`;

export function invalidValue(path: string, type: string, value: Json): string {
  return `Invalid value at '${path}' (${type}), ${JSON.stringify(value)}`;
}

/** `Unknown name "x" at 'a.b': why` for the field `a.b.x`. */
export function unknownName(path: string, why: string): string {
  const cut = path.lastIndexOf(".");
  const where = cut < 0 ? "" : ` at '${path.slice(0, cut)}'`;
  return `Invalid JSON payload received. Unknown name "${path.slice(cut + 1)}"${where}: ${why}`;
}
