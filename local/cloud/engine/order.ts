/** `orderBy` of lists (AIP-132): `createTime desc, name`. */
import { ApiError } from "../errors";
import { getField } from "./fields";
import type { Json, JsonObject } from "../service";
import { toCamel } from "../contract/validate-schema";

export interface OrderKey {
  field: string;
  descending: boolean;
}

export function parseOrder(text: string | undefined): OrderKey[] {
  if (text === undefined || text.trim() === "") return [];
  return text.split(",").map((part) => {
    const match = /^\s*([A-Za-z_][\w.]*)(?:\s+(asc|desc))?\s*$/i.exec(part);
    if (!match)
      throw new ApiError(
        "INVALID_ARGUMENT",
        `Invalid order_by '${text}': expected '<field> [asc|desc], …', got '${part.trim()}'.`,
      );
    return { field: match[1]!.split(".").map(toCamel).join("."), descending: match[2]?.toLowerCase() === "desc" };
  });
}

/** Absent fields come first. */
export function compareFields(a: JsonObject, b: JsonObject, order: readonly OrderKey[]): number {
  for (const { field, descending } of order) {
    const result = compareValues(getField(a, field), getField(b, field));
    if (result !== 0) return descending ? -result : result;
  }
  return 0;
}

/** Numbers by value and times by instant; by their texts where one of the two is neither. */
export function compareValues(a: Json | undefined, b: Json | undefined): number {
  const [x, y] = [comparable(a), comparable(b)];
  const [low, high] = typeof x === typeof y ? [x, y] : [String(x), String(y)];
  return low < high ? -1 : low > high ? 1 : 0;
}

function comparable(value: Json | undefined): string | number {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return Date.parse(text);
  return text;
}
