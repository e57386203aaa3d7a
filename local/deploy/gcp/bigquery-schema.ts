/**
 * Schemas of tables: when two say the same, and which changes a table can take without being made anew.
 * Source: bigQueryTableSchemaDiffSuppress and resourceBigQueryTableSchemaIsChangeable in google_bigquery_table.
 */
import { equal, isObject, type Properties, text, type Value } from "../values";

/** Names of BigQuery's older dialect for types of the newer one. */
const SYNONYMS: Readonly<Record<string, string>> = {
  INT64: "INTEGER",
  FLOAT64: "FLOAT",
  BOOL: "BOOLEAN",
  STRUCT: "RECORD",
  DECIMAL: "NUMERIC",
  BIGDECIMAL: "BIGNUMERIC",
};

export function sameSchema(a: Value, b: Value): boolean {
  const [left, right] = [parse(a), parse(b)];
  return left !== undefined && right !== undefined && equal(left.map(normal), right.map(normal));
}

/** Columns may be added unless required, dropped alone, described anew and relaxed; nothing else. */
export function canChangeInPlace(old: Value | undefined, now: Value, isTopLevel = true): boolean {
  const [olds, news] = [parse(old ?? "[]"), parse(now)];
  if (!olds || !news) return false;
  const known = new Map(olds.map((column) => [key(column), normal(column)]));
  const wanted = new Map(news.map((column) => [key(column), normal(column)]));
  const added = [...wanted].filter(([name]) => !known.has(name));
  const dropped = [...known].filter(([name]) => !wanted.has(name));
  if (added.some(([, column]) => column.mode === "REQUIRED")) return false;
  if (dropped.length > 0 && (!isTopLevel || added.length > 0)) return false;
  return [...known].every(([name, column]) => {
    const next = wanted.get(name);
    return !next || columnCanChange(column, next);
  });
}

function columnCanChange(old: Properties, now: Properties): boolean {
  if (old.type !== now.type) return false;
  // A column can be relaxed from required to nullable; no other change of mode is possible.
  if (old.mode !== now.mode && !(old.mode === "REQUIRED" && now.mode === "NULLABLE")) return false;
  return canChangeInPlace(old.fields ?? [], now.fields ?? [], false);
}

const key = (column: Properties) => text(column.name).toLowerCase();

/** A column without what the service adds of its own and with what it leaves out. */
function normal(column: Properties): Properties {
  const type = text(column.type ?? "").toUpperCase();
  const fields = Array.isArray(column.fields) ? (column.fields.filter(isObject).map(normal) as Value[]) : [];
  const tags = isObject(column.policyTags) && Array.isArray(column.policyTags.names) ? column.policyTags.names : [];
  const { policyTags: _, ...rest } = column;
  return {
    ...rest,
    name: text(column.name),
    type: SYNONYMS[type] ?? type,
    mode: text(column.mode ?? "NULLABLE").toUpperCase(),
    ...(fields.length > 0 && { fields }),
    ...(tags.length > 0 && { policyTags: { names: tags } }),
  };
}

function parse(schema: Value): Properties[] | undefined {
  if (Array.isArray(schema)) return schema.filter(isObject);
  try {
    const parsed = JSON.parse(text(schema)) as Value;
    return Array.isArray(parsed) ? parsed.filter(isObject) : undefined;
  } catch {
    return undefined; // What is not JSON is like nothing; the service says what is wrong with it.
  }
}
