/**
 * Log entries as rows of BigQuery: the table of a log, the columns of an entry, and what a table has to get so that it
 * takes one. Pure. Source: https://cloud.google.com/logging/docs/export/bigquery
 */
import { isObject, textOf } from "../../json";
import type { Json, JsonObject } from "../../service";

export interface Field {
  name: string;
  type: string;
  mode?: string;
  fields?: Field[];
}

export interface Row {
  insertId: string;
  json: JsonObject;
  /** Columns that this row needs. */
  fields: Field[];
}

const text = (name: string): Field => ({ name, type: "STRING" });
const flag = (name: string): Field => ({ name, type: "BOOLEAN" });
const whole = (name: string): Field => ({ name, type: "INTEGER" });
const time = (name: string): Field => ({ name, type: "TIMESTAMP" });
const record = (name: string, fields: Field[]): Field => ({ name, type: "RECORD", fields });

/** What every entry may have; labels and payloads have the columns of those that came. */
const ALWAYS: readonly Field[] = [
  text("logName"),
  record("resource", [text("type")]),
  ...[text("textPayload"), time("timestamp"), time("receiveTimestamp"), text("severity"), text("insertId")],
  record("httpRequest", [
    ...[text("requestMethod"), text("requestUrl"), whole("requestSize"), whole("status"), whole("responseSize")],
    ...[text("userAgent"), text("remoteIp"), text("serverIp"), text("referer"), flag("cacheLookup")],
    ...[flag("cacheHit"), flag("cacheValidatedWithOriginServer"), whole("cacheFillBytes"), text("protocol")],
    { name: "latency", type: "FLOAT" },
  ]),
  record("operation", [text("id"), text("producer"), flag("first"), flag("last")]),
  ...[text("trace"), text("spanId"), flag("traceSampled")],
  record("sourceLocation", [text("file"), whole("line"), text("function")]),
  record("split", [text("uid"), whole("index"), whole("totalSplits")]),
];

/** Columns of the table of entries that did not fit theirs. */
export const ERROR_FIELDS: readonly Field[] = [
  ...[text("logEntry"), text("schemaErrorDetail"), text("sink"), text("logName"), time("timestamp")],
  ...[time("receiveTimestamp"), text("severity"), text("insertId"), text("trace"), text("resourceType")],
];

/** `dataproc_googleapis_com_output`, with the day of the entry where tables are not partitioned. */
export function tableOf(entry: JsonObject, usePartitionedTables: boolean): string {
  const log = decodeURIComponent(textOf(entry.logName).replace(/^projects\/[^/]+\/logs\//, ""));
  return dated(log.replace(/\W/g, "_"), entry, usePartitionedTables);
}

export const errorTableOf = (entry: JsonObject, usePartitionedTables: boolean) =>
  dated("export_errors", entry, usePartitionedTables);

const dated = (table: string, { timestamp }: JsonObject, isPartitioned: boolean) =>
  isPartitioned ? table : `${table}_${textOf(timestamp).slice(0, 10).replaceAll("-", "")}`;

/** An entry in the columns of its table. Throws what BigQuery cannot store, in words. */
export function rowOf(entry: JsonObject): Row {
  const json: JsonObject = {};
  const fields = [...ALWAYS];
  for (const [name, value] of Object.entries(entry)) {
    const known = ALWAYS.findIndex((field) => field.name === name);
    const column = known < 0 ? freely(name, value) : undefined;
    if (name === "resource") {
      const labels = columnOf("labels", (value as JsonObject).labels ?? null, lowered);
      if (labels) fields[known] = record("resource", [text("type"), labels.field]);
      json.resource = { type: textOf((value as JsonObject).type), ...(labels && { labels: labels.value }) };
    } else if (known >= 0) json[name] = name === "httpRequest" ? inSeconds(value as JsonObject) : value;
    else if (column) {
      fields.push(column.field);
      json[column.field.name] = column.value;
    }
  }
  return { insertId: [entry.timestamp, entry.logName, entry.insertId].map(textOf).join("/"), json, fields };
}

const inSeconds = ({ latency, ...request }: JsonObject): JsonObject =>
  latency === undefined ? request : { ...request, latency: Number.parseFloat(textOf(latency)) };

interface Column {
  field: Field;
  value: Json;
}

type Naming = (name: string) => string;
/** Names have letters, digits and underscores, and begin with one of the first two. */
const plain: Naming = (name) => name.replace(/\W/g, "_").replace(/^_+/, "");
const lowered: Naming = (name) => plain(name).toLowerCase();

/** Payloads and labels: their columns are those of what came. */
function freely(name: string, value: Json): Column | undefined {
  const type = isObject(value) && name.endsWith("Payload") ? textOf(value["@type"]) : "";
  if (type === "" || !isObject(value)) return columnOf(name, value, lowered);
  const { "@type": _type, ...typed } = value;
  const short = type.split("/").at(-1)!.split(".").slice(-2).join("_").toLowerCase();
  const isAudit = short === "audit_auditlog";
  const column = `${name.toLowerCase()}_${isAudit ? "auditlog" : short}`;
  return columnOf(column, isAudit ? withTexts(typed) : typed, plain);
}

/** What has a shape of its own in each audit entry is kept as JSON. */
const AS_TEXT = ["metadata", "request", "response", "resourceOriginalState"];
const withTexts = (payload: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(payload).map(([name, value]) =>
      AS_TEXT.includes(name) ? [`${name}Json`, JSON.stringify(value)] : [name, value],
    ),
  );

/** Nothing for what has no value in it: BigQuery has no empty record. */
function columnOf(name: string, value: Json, naming: Naming): Column | undefined {
  if (name === "") throw new UnfitEntry("A field has a name without letters and digits.");
  if (Array.isArray(value)) return repeated(name, value, naming);
  if (!isObject(value)) return value === null ? undefined : { field: { name, type: scalarType(value, naming) }, value };
  const columns = Object.entries(value)
    .map(([key, inner]) => columnOf(naming(key), inner, naming))
    .filter((column) => column !== undefined);
  const fields = columns.reduce<Field[]>((all, { field }) => extended(all, [field], name), []);
  if (fields.length === 0) return undefined;
  return {
    field: record(name, fields),
    value: Object.fromEntries(columns.map(({ field, value }) => [field.name, value])),
  };
}

function repeated(name: string, values: readonly Json[], naming: Naming): Column | undefined {
  if (values.some(Array.isArray)) throw new UnfitEntry(`Field ${name}: an array in an array cannot be stored.`);
  const columns = values.map((value) => columnOf(name, value, naming)).filter((column) => column !== undefined);
  const [field] = columns.reduce<Field[]>((all, { field }) => extended(all, [field], name), []);
  return field && { field: { ...field, mode: "REPEATED" }, value: columns.map(({ value }) => value) };
}

/** Numbers of JSON are floating; those of a payload with a type are of that type's fields. */
function scalarType(value: string | number | boolean, naming: Naming): string {
  if (typeof value === "number") return naming === plain && Number.isInteger(value) ? "INTEGER" : "FLOAT";
  return typeof value === "string" ? "STRING" : "BOOLEAN";
}

/** An entry that its table cannot take. */
export class UnfitEntry extends Error {}

/** The columns `had` with those that are new in `wanted`; throws where the same column has another type. */
export function extended(had: readonly Field[], wanted: readonly Field[], where: string): Field[] {
  const all = [...had];
  for (const field of wanted) {
    const at = all.findIndex(({ name }) => name.toLowerCase() === field.name.toLowerCase());
    const known = all[at];
    if (!known) all.push(field);
    else if (known.type !== field.type || (known.mode === "REPEATED") !== (field.mode === "REPEATED"))
      throw new UnfitEntry(`This field: ${field.name} of ${where} is ${shown(field)}, the column is ${shown(known)}.`);
    else if (field.fields) all[at] = { ...known, fields: extended(known.fields ?? [], field.fields, field.name) };
  }
  return all;
}

const shown = ({ type, mode }: Field) => (mode === "REPEATED" ? `repeated ${type}` : type);

export const errorRow = (entry: JsonObject, why: string, sink: string): Row => ({
  insertId: `error/${[entry.timestamp, entry.logName, entry.insertId].map(textOf).join("/")}`,
  fields: [...ERROR_FIELDS],
  json: {
    ...{ logEntry: JSON.stringify(entry), schemaErrorDetail: why, sink, logName: textOf(entry.logName) },
    ...{ timestamp: entry.timestamp!, receiveTimestamp: entry.receiveTimestamp!, severity: textOf(entry.severity) },
    ...{ insertId: textOf(entry.insertId), resourceType: textOf((entry.resource as JsonObject).type) },
    ...(entry.trace !== undefined && { trace: entry.trace }),
  },
});
