/** Reading JSON values of unknown shape. */
import type { Json, JsonObject } from "./service";

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value as text: text as it is, nothing as empty, the rest as JSON. */
export function textOf(value: Json | undefined): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
