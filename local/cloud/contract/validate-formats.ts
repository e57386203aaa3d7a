/** The scalar types and formats of Google's API descriptions: what is accepted, and the type's name in error messages. */
import type { Json } from "../service";
import type { Schema } from "./contract";

/** Name of a type as Google's JSON transcoder writes it: `Invalid value at 'x' (TYPE_INT32), "a"`. */
export function typeName(schema: Schema): string {
  if (schema.enum) return "TYPE_ENUM";
  const key = schema.format ?? schema.type ?? "any";
  return NAMES[key] ?? `TYPE_${(schema.type ?? "any").toUpperCase()}`;
}

const NAMES: Record<string, string> = {
  int32: "TYPE_INT32",
  uint32: "TYPE_UINT32",
  int64: "TYPE_INT64",
  uint64: "TYPE_UINT64",
  float: "TYPE_FLOAT",
  double: "TYPE_DOUBLE",
  boolean: "TYPE_BOOL",
  byte: "TYPE_BYTES",
  string: "TYPE_STRING",
  "google-datetime": "type.googleapis.com/google.protobuf.Timestamp",
  "google-duration": "type.googleapis.com/google.protobuf.Duration",
  "google-fieldmask": "type.googleapis.com/google.protobuf.FieldMask",
};

const RANGES: Record<string, readonly [bigint, bigint]> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/**
 * The canonical form of a scalar in a request, or undefined if it is not one of this type. Numbers may be sent as text,
 * 64-bit integers as numbers, booleans as text: proto3's JSON mapping and Google's transcoder accept these.
 */
export function readScalar(schema: Schema, value: Json): Json | undefined {
  if (schema.type === "boolean") return readBoolean(value);
  if (schema.format && schema.format in RANGES) return readInteger(schema, value);
  if (schema.type === "integer") return readInteger({ ...schema, format: "int64" }, value);
  if (schema.type === "number") return readNumber(value);
  if (typeof value !== "string") return undefined;
  return isText(schema, value) ? value : undefined;
}

/** Whether an answer's scalar is exactly as Google writes it: 64-bit integers as text, the rest in its own JSON type. */
export function isCanonicalScalar(schema: Schema, value: Json): boolean {
  if (schema.type === "boolean") return typeof value === "boolean";
  if (schema.type === "integer") return typeof value === "number" && readScalar(schema, value) !== undefined;
  if (schema.type === "number")
    return typeof value === "number" || ["NaN", "Infinity", "-Infinity"].some((name) => name === value);
  return typeof value === "string" && readScalar(schema, value) !== undefined;
}

function readBoolean(value: Json): boolean | undefined {
  // google-cloud-bigquery writes Python's `True` into its queries.
  if (value === true || value === "true" || value === "True") return true;
  if (value === false || value === "false" || value === "False") return false;
  return undefined;
}

function readInteger(schema: Schema, value: Json): Json | undefined {
  const text = typeof value === "number" && Number.isInteger(value) ? BigInt(value).toString() : value;
  if (typeof text !== "string" || !/^-?\d+$/.test(text)) return undefined;
  const range = RANGES[schema.format ?? "int64"]!;
  const number = BigInt(text);
  if (number < range[0] || number > range[1]) return undefined;
  return schema.type === "string" ? number.toString() : Number(text);
}

function readNumber(value: Json): Json | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  if (["NaN", "Infinity", "-Infinity"].includes(value)) return value;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function isText(schema: Schema, value: string): boolean {
  switch (schema.format) {
    case "google-datetime":
      return (
        /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(value) &&
        !Number.isNaN(Date.parse(value))
      );
    case "date-time":
      return !Number.isNaN(Date.parse(value));
    case "date":
      return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value));
    case "google-duration":
      return /^-?\d{1,12}(\.\d{1,9})?s$/.test(value);
    case "byte":
      // Standard and URL-safe alphabets, padded or not (proto3 JSON mapping).
      return /^[A-Za-z0-9+/_-]*={0,2}$/.test(value);
    default:
      return !schema.enum || schema.enum.includes(value);
  }
}
