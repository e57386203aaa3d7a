/**
 * A line that a program prints, as the part of a log entry that it says: text, or an object whose special fields are the
 * entry's own. Pure. Source: https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
 */
import { isObject, textOf } from "../../json";
import type { Json, JsonObject } from "../../service";

type Read = (value: Json | undefined) => Json | undefined;
type Kind = "text" | "integer" | "long" | "boolean";

/** In the order of their numbers, which count in hundreds. */
const SEVERITIES = ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"];
const PREFIX = "logging.googleapis.com/";

const text: Read = (value) => (typeof value === "string" && value !== "" ? value : undefined);

const READS: Readonly<Record<Kind, Read>> = {
  text,
  integer: (value) => (Number.isInteger(value) ? value : undefined),
  // JSON has these as texts.
  long: (value) => (/^-?\d+$/.test(textOf(value)) ? textOf(value) : undefined),
  boolean: (value) => (typeof value === "boolean" ? value : undefined),
};

/** Field of the line, field of the entry, and its value there; what has none stays in the payload. */
const FIELDS: readonly (readonly [string, string, Read])[] = [
  ["severity", "severity", severityOf],
  ["time", "timestamp", timeOf],
  ["timestamp", "timestamp", timeOf],
  [
    "httpRequest",
    "httpRequest",
    recordOf({
      ...{ requestMethod: "text", requestUrl: "text", requestSize: "long", status: "integer", responseSize: "long" },
      ...{ userAgent: "text", remoteIp: "text", serverIp: "text", referer: "text", latency: "text", protocol: "text" },
      ...{ cacheLookup: "boolean", cacheHit: "boolean", cacheFillBytes: "long" },
    }),
  ],
  [`${PREFIX}insertId`, "insertId", text],
  [`${PREFIX}labels`, "labels", labelsOf],
  [`${PREFIX}operation`, "operation", recordOf({ id: "text", producer: "text", first: "boolean", last: "boolean" })],
  [`${PREFIX}sourceLocation`, "sourceLocation", recordOf({ file: "text", line: "long", function: "text" })],
  [`${PREFIX}spanId`, "spanId", text],
  [`${PREFIX}trace`, "trace", text],
  [`${PREFIX}trace_sampled`, "traceSampled", READS.boolean],
];

/** What the line says of its entry; `timestamp` and `insertId` only if it has them. */
export function entryOfLine(line: string): JsonObject {
  const record = objectOf(line);
  if (!record) return { severity: "DEFAULT", textPayload: line };
  const entry: JsonObject = { severity: "DEFAULT" };
  const payload = { ...record };
  for (const [name, field, read] of FIELDS) {
    const value = read(record[name]);
    if (value === undefined) continue;
    entry[field] = value;
    delete payload[name];
  }
  const { message, ...others } = payload;
  const isMessage = typeof message === "string" && Object.keys(others).length === 0;
  return { ...entry, ...(isMessage ? { textPayload: message } : { jsonPayload: payload }) };
}

function objectOf(line: string): JsonObject | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as JsonObject;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function severityOf(value: Json | undefined): string | undefined {
  if (typeof value === "number") return SEVERITIES[value / 100];
  const name = textOf(value).toUpperCase();
  return SEVERITIES.find((known) => known === name || (name === "WARN" && known === "WARNING"));
}

/** A time as RFC 3339 has it, or its seconds and nanoseconds. */
function timeOf(value: Json | undefined): string | undefined {
  if (isObject(value)) {
    const [seconds, nanos] = [Number(value.seconds), Number(value.nanos ?? 0)];
    return isoOf(seconds * 1000 + Math.floor(nanos / 1e6));
  }
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}T/.test(value) ? isoOf(Date.parse(value)) : undefined;
}

function isoOf(milliseconds: number): string | undefined {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

function labelsOf(value: Json | undefined): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, label]) => [name, textOf(label)]));
}

/** Reads an object of known fields; one with others is no such object. */
function recordOf(kinds: Readonly<Record<string, Kind>>): Read {
  return (value) => {
    if (!isObject(value)) return undefined;
    const fields = Object.entries(value).map(([name, part]) => [name, kinds[name] && READS[kinds[name]](part)]);
    return fields.every(([, part]) => part !== undefined) ? (Object.fromEntries(fields) as JsonObject) : undefined;
  };
}
