/**
 * Request preconditions by generation, metageneration and entity tag.
 * Source: docs "Request preconditions": a failed condition is 412, on reads a failed `...NotMatch` is 304.
 */
import type { IncomingHttpHeaders } from "node:http";
import { conditionNotMet, invalid, notModified } from "./answers";

export type Query = Readonly<Record<string, string | string[]>>;

/** The conditions that a request names, numbers as text. Stored with a resumable session, so plain JSON. */
export type Conditions = {
  generationMatch?: string;
  generationNotMatch?: string;
  metagenerationMatch?: string;
  metagenerationNotMatch?: string;
};

/** @param prefix `if`, or `ifSource` for the source of a copy */
export function conditionsOf(query: Query, prefix: "if" | "ifSource" = "if"): Conditions {
  const conditions: Conditions = {};
  for (const [key, name] of [
    ["generationMatch", "GenerationMatch"],
    ["generationNotMatch", "GenerationNotMatch"],
    ["metagenerationMatch", "MetagenerationMatch"],
    ["metagenerationNotMatch", "MetagenerationNotMatch"],
  ] as const) {
    const value = query[`${prefix}${name}`];
    if (value === undefined) continue;
    if (typeof value !== "string" || !/^\d+$/.test(value))
      throw invalid(`Invalid value for ${prefix}${name}: ${JSON.stringify(value)}`);
    conditions[key] = BigInt(value).toString();
  }
  return conditions;
}

/**
 * @param resource the live object or bucket; undefined when there is none (its generation then counts as 0)
 * @param on reads answer 304 to a failed `...NotMatch`
 */
export function checkConditions(
  conditions: Conditions,
  resource: { generation: string; metageneration: string } | undefined,
  on: "read" | "write",
): void {
  const { generation, metageneration } = resource ?? { generation: "0", metageneration: "0" };
  const differs = (wanted: string | undefined, actual: string) => wanted !== undefined && wanted !== actual;
  const equals = (unwanted: string | undefined, actual: string) => unwanted !== undefined && unwanted === actual;
  if (differs(conditions.generationMatch, generation) || differs(conditions.metagenerationMatch, metageneration))
    throw conditionNotMet();
  const missing =
    resource === undefined && (conditions.generationNotMatch ?? conditions.metagenerationNotMatch) !== undefined;
  if (missing) throw conditionNotMet();
  if (equals(conditions.generationNotMatch, generation) || equals(conditions.metagenerationNotMatch, metageneration))
    throw on === "read" ? notModified() : conditionNotMet();
}

/** `If-Match` and `If-None-Match` with entity tags, as the JSON API honours them on single resources. */
export function checkTags(headers: IncomingHttpHeaders | undefined, etag: string, on: "read" | "write"): void {
  const tags = (header: string | undefined) => header?.split(",").map((tag) => tag.trim().replace(/^"|"$/g, ""));
  const match = tags(headers?.["if-match"]);
  if (match && !match.includes("*") && !match.includes(etag)) throw conditionNotMet();
  const noneMatch = tags(headers?.["if-none-match"]);
  if (noneMatch && (noneMatch.includes("*") || noneMatch.includes(etag)))
    throw on === "read" ? notModified() : conditionNotMet();
}
