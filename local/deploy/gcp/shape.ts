/**
 * Shapes of resources: property names as in @pulumi/gcp, where each stands in Google's REST resource, and what a
 * change of it means. Validation, defaults, bodies, outputs and diffs all follow from the shape.
 */
import type { CheckFailure } from "../provider";
import { isAsset, isObject, isUnknown, type Properties, text, type Value } from "../values";

export interface Field {
  type: "string" | "integer" | "number" | "boolean" | "map" | "list" | "object" | "asset";
  /** Dotted place in the REST resource; the property's own name where absent, false if it is never sent. */
  rest?: string | false;
  required?: true;
  /** Cannot be changed in place. */
  replaces?: true;
  /** The provider's own default, as it stands in the schema of the official provider. */
  default?: Value;
  /** Only the provider itself acts on it: changing it calls nothing. */
  local?: true;
  /** The default is the state's business alone: it never stands among the inputs. */
  implicit?: true;
  /** The service may set it where the program does not. */
  computed?: true;
  /** Inside an object of the program's: what the service alone sets. Unknown in a preview. */
  output?: true;
  /** An object that travels as a list of one. */
  single?: true;
  /** Fields of an object, or of each object in a list. */
  fields?: Shape;
  /** A list whose order means nothing. */
  set?: true;
  /** Written as text in JSON, as Google's 64-bit integers are. */
  int64?: true;
  /** Text with JSON that travels as what it means. */
  json?: true;
  /** How the service writes each value of the program's. */
  written?: Readonly<Record<string, string>>;
  /** Equality of two values that are written differently. */
  same?: (a: Value, b: Value) => boolean;
  allowed?: readonly string[];
}
export type Shape = Readonly<Record<string, Field>>;

export const DEFAULTS = "__defaults";
export const sameIgnoringCase = (a: Value, b: Value) => text(a).toLowerCase() === text(b).toLowerCase();

/** Inputs with the defaults that the official provider materialises, each object naming its own in `__defaults`. */
export function withDefaults(shape: Shape, given: Properties): Properties {
  const { [DEFAULTS]: _, ...inputs } = given;
  const added: string[] = [];
  const complete: Properties = {};
  for (const [name, value] of Object.entries(inputs))
    if (value !== null) complete[name] = innerDefaults(shape[name], value);
  for (const [name, field] of Object.entries(shape)) {
    // A default that Terraform could not tell from nothing stays out of the inputs.
    if (name in complete || !field.default || field.implicit) continue;
    complete[name] = field.default;
    added.push(name);
  }
  return { [DEFAULTS]: added.sort(), ...complete };
}

function innerDefaults(field: Field | undefined, value: Value): Value {
  if (!field?.fields || isUnknown(value)) return value;
  if (Array.isArray(value)) return value.map((item) => (isObject(item) ? withDefaults(field.fields!, item) : item));
  return isObject(value) ? withDefaults(field.fields, value) : value;
}

/** Everything that is wrong with inputs. */
export function validate(shape: Shape, inputs: Properties, at = ""): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [name, field] of Object.entries(shape))
    if (field.required && (inputs[name] === undefined || inputs[name] === null))
      failures.push({
        property: at + name,
        reason: `got nothing; expected ${field.type === "integer" ? "an integer" : `a ${field.type}`}`,
      });
  for (const [name, value] of Object.entries(inputs)) {
    if (name === DEFAULTS || value === null) continue;
    const field = shape[name];
    const names = Object.keys(shape)
      .filter((known) => shape[known])
      .sort();
    if (!field) failures.push({ property: at + name, reason: `cannot be deployed here; can be: ${names.join(", ")}` });
    else failures.push(...validateValue(field, value, at + name));
  }
  return failures;
}

function validateValue(field: Field, value: Value, property: string): CheckFailure[] {
  if (isUnknown(value)) return [];
  const wrong = (expected: string) => [{ property, reason: `got ${JSON.stringify(value)}; expected ${expected}` }];
  switch (field.type) {
    case "string":
      if (typeof value === "object") return wrong("a string");
      if (field.json && !isJson(text(value))) return wrong("JSON");
      return field.allowed && !field.allowed.includes(text(value)) ? wrong(`one of ${field.allowed.join(", ")}`) : [];
    case "integer":
      return Number.isInteger(Number(value)) && typeof value !== "object" && value !== "" ? [] : wrong("an integer");
    case "number":
      return Number.isFinite(Number(value)) && typeof value !== "object" && value !== "" ? [] : wrong("a number");
    case "boolean":
      return (field.allowed ?? ["true", "false"]).includes(text(value))
        ? []
        : wrong(field.allowed?.join(" or ") ?? "true or false");
    case "asset":
      return isAsset(value) ? [] : wrong("an asset or archive");
    case "map":
      return isObject(value) ? [] : wrong("a map");
    case "object":
      return isObject(value) ? validate(field.fields ?? {}, value, `${property}.`) : wrong("an object");
    default: {
      if (!Array.isArray(value)) return wrong("a list");
      const { fields } = field;
      return fields
        ? value.flatMap((item, i) =>
            isObject(item) ? validate(fields, item, `${property}[${i}].`) : wrong("a list of objects"),
          )
        : [];
    }
  }
}

function isJson(given: string): boolean {
  try {
    JSON.parse(given);
    return true;
  } catch {
    return false; // Not JSON: the caller says where.
  }
}

/** The REST resource of inputs. */
export function toRest(shape: Shape, inputs: Properties): Properties {
  const body: Properties = {};
  for (const [name, field] of Object.entries(shape)) {
    const value = inputs[name];
    if (value === undefined || value === null || field.rest === false) continue;
    place(body, (field.rest ?? name).split("."), restValue(field, value));
  }
  return body;
}

function restValue(field: Field, value: Value): Value {
  if (field.json) return isUnknown(value) ? value : (JSON.parse(text(value)) as Value);
  if (field.written) return field.written[text(value)] ?? value;
  if (field.single && isObject(value)) return [toRest(field.fields ?? {}, value)];
  if (field.fields && Array.isArray(value)) return value.map((item) => toRest(field.fields!, item as Properties));
  if (field.fields && isObject(value)) return toRest(field.fields, value);
  if (field.type === "integer") return field.int64 ? text(value) : Number(value);
  if (field.type === "number") return Number(value);
  if (field.type === "boolean") return text(value) === "true";
  return value;
}

function place(body: Properties, path: readonly string[], value: Value): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) body[head] = isObject(body[head]) && isObject(value) ? { ...body[head], ...value } : value;
  else place((body[head] ??= {}) as Properties, rest, value);
}

export function pick(resource: Properties, path: string): Value | undefined {
  return path
    .split(".")
    .reduce<Value | undefined>((value, part) => (isObject(value) ? value[part] : undefined), resource);
}

/** Properties of a REST resource, as far as it has them. */
export function fromRest(shape: Shape, resource: Properties): Properties {
  const properties: Properties = {};
  for (const [name, field] of Object.entries(shape)) {
    const found = field.rest === false ? undefined : pick(resource, field.rest ?? name);
    const value = field.single && Array.isArray(found) ? found[0] : found;
    if (value !== undefined && value !== null) properties[name] = propertyValue(field, value);
  }
  return properties;
}

function propertyValue(field: Field, value: Value): Value {
  if (field.json) return JSON.stringify(value);
  if (field.written) {
    const own = Object.keys(field.written).find((key) => field.written![key] === value) ?? value;
    return field.type === "boolean" ? own === "true" : own;
  }
  if (field.fields && Array.isArray(value)) return value.map((item) => fromRest(field.fields!, item as Properties));
  if (field.fields && isObject(value)) return fromRest(field.fields, value);
  return field.type === "integer" || field.type === "number" ? Number(value) : value;
}
