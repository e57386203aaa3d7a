/** Differences between inputs of one shape, and inputs as a reading of the service would have them. */
import type { PropertyChange } from "../events";
import { equal, formatPath, hasUnknowns, isObject, isUnknown, text, type Properties, type Value } from "../values";
import { DEFAULTS, type Field, type Shape } from "./shape";

/** Inputs without `__defaults`, every default filled in, empty collections left out: what a diff compares. */
export function effective(shape: Shape, inputs: Properties): Properties {
  const result: Properties = {};
  for (const [name, field] of Object.entries(shape)) {
    const value = inputs[name] ?? field.default;
    if (value === undefined || value === null) continue;
    if (field.fields && Array.isArray(value))
      result[name] = value.map((item) => effective(field.fields!, item as Properties));
    else if (field.fields && isObject(value)) result[name] = effective(field.fields, value);
    else if ((field.type === "integer" || field.type === "number") && !isUnknown(value)) result[name] = Number(value);
    else if (field.type === "boolean" && !isUnknown(value)) result[name] = text(value) === "true";
    else result[name] = value;
    const item = result[name];
    if (
      (field.type === "list" && Array.isArray(item) && item.length === 0) ||
      (field.type === "map" && isObject(item) && Object.keys(item).length === 0)
    )
      delete result[name];
  }
  return result;
}

/** Differences of two effective inputs; below a property that cannot change in place everything replaces. */
export function compare(
  shape: Shape,
  olds: Properties,
  news: Properties,
  at: readonly (string | number)[] = [],
  above = false,
): PropertyChange[] {
  return Object.entries(shape).flatMap(([name, field]) => {
    // Where the service chooses, saying nothing means keeping what it chose.
    if (news[name] === undefined && field.computed) return [];
    return compareValue(field, olds[name], news[name], [...at, name], above || field.replaces === true);
  });
}

function compareValue(
  field: Field,
  old: Value | undefined,
  now: Value | undefined,
  path: readonly (string | number)[],
  replaces: boolean,
): PropertyChange[] {
  if (old === undefined && now === undefined) return [];
  if (old !== undefined && now !== undefined && !hasUnknowns(now)) {
    if (equal(old, now) || field.same?.(old, now)) return [];
    if (field.json && sameJson(old, now)) return [];
    if (field.set && Array.isArray(old) && Array.isArray(now) && equal(sorted(old), sorted(now))) return [];
  }
  if (field.fields && isObject(old) && isObject(now)) return compare(field.fields, old, now, path, replaces);
  if (field.fields && Array.isArray(old) && Array.isArray(now) && old.length === now.length)
    return now.flatMap((item, i) =>
      compare(field.fields!, old[i] as Properties, item as Properties, [...path, i], replaces),
    );
  if (field.type === "map" && isObject(old) && isObject(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return keys.flatMap((key) => compareValue({ type: "string" }, old[key], now[key], [...path, key], replaces));
  }
  const kind = old === undefined ? "add" : now === undefined ? "delete" : "update";
  return [{ path: formatPath(path), kind, old, new: now, replaces }];
}

/** Two texts that say the same, in whatever order their fields stand. */
const sameJson = (a: Value, b: Value) => equal(JSON.parse(text(a)) as Value, JSON.parse(text(b)) as Value);

const sorted = (values: readonly Value[]) =>
  [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** Inputs as they would have to be written to give what was read: only what was written before, and what drifted in. */
export function project(shape: Shape, inputs: Properties, read: Properties): Properties {
  const result: Properties = { [DEFAULTS]: inputs[DEFAULTS] ?? [] };
  for (const [name, field] of Object.entries(shape)) {
    const [old, now] = [inputs[name], field.rest === false ? inputs[name] : read[name]];
    const isEmpty =
      now === undefined || now === null || equal(now, field.default) || now === false || now === "" || isBare(now);
    if (old === undefined && (field.computed || isEmpty)) continue;
    if (now !== undefined && now !== null) result[name] = old === undefined ? now : projectValue(field, old, now);
  }
  return result;
}

function projectValue(field: Field, old: Value, now: Value): Value {
  if (equal(old, now) || field.same?.(old, now) || (field.json && sameJson(old, now))) return old;
  if (field.set && Array.isArray(old) && Array.isArray(now) && equal(sorted(old), sorted(now))) return old;
  if (field.fields && isObject(old) && isObject(now)) return project(field.fields, old, now);
  if (field.fields && Array.isArray(old) && Array.isArray(now) && old.length === now.length)
    return now.map((item, i) => project(field.fields!, old[i] as Properties, item as Properties));
  return now;
}

const isBare = (value: Value) =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
