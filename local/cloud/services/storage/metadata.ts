/** Entity tags and merge patches: what buckets and objects have in common. */
import type { Json, JsonObject } from "../../service";

/**
 * Entity tag of a resource: base64 of two varint fields (1: generation, 2: metageneration), the form of the real service,
 * e.g. `CLDx6YLx9OkCEAE=`; a bucket's has the metageneration alone, e.g. `CAE=`.
 */
export function etagOf(metageneration: string, generation?: string): string {
  const bytes =
    generation === undefined
      ? [0x08, ...varint(BigInt(metageneration))]
      : [0x08, ...varint(BigInt(generation)), 0x10, ...varint(BigInt(metageneration))];
  return Buffer.from(bytes).toString("base64");
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return [...bytes, Number(value)];
}

/** JSON merge patch (RFC 7396): null removes, objects merge, all else replaces. Source: docs "Partial updates (patch)". */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(objectOr(merged[key]), value) : value;
  }
  return merged;
}

/** Only the fields of a body that are named. */
export const pick = (body: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([key]) => fields.includes(key)));

/** All fields of a body but those named. */
export const omit = (body: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([key]) => !fields.includes(key)));

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A nested object of a body, `{}` where there is none. */
export const objectOr = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
