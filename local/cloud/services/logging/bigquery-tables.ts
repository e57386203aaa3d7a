/**
 * Tables of a sink in BigQuery: made with the first entry of a log, given the columns that later entries bring, and
 * filled, by the calls that BigQuery has for everybody, as the sink's writer.
 */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { JsonObject, Principal } from "../../service";
import { errorRow, errorTableOf, extended, type Field, type Row, rowOf, tableOf, UnfitEntry } from "./bigquery-rows";

export interface Target {
  sink: string;
  dataset: { projectId: string; datasetId: string };
  usePartitionedTables: boolean;
  writer: Principal;
}

/** Rows of one request. Source: https://cloud.google.com/bigquery/quotas#streaming_inserts */
const AT_ONCE = 500;

/** Writes entries, each into its log's table or, where it does not fit, into that of errors; gives what did not fit. */
export async function writeEntries(target: Target, entries: readonly JsonObject[], cloud: Cloud): Promise<string[]> {
  const tables = grouped(entries, (entry) => tableOf(entry, target.usePartitionedTables));
  const unfit: [entry: JsonObject, why: string][] = [];
  for (const [table, own] of tables) {
    const columns = await columnsOf(target, table, cloud);
    let fields = columns ?? [];
    const fitting: [JsonObject, Row][] = [];
    for (const entry of own) {
      try {
        const row = rowOf(entry);
        fields = extended(fields, row.fields, table);
        fitting.push([entry, row]);
      } catch (error) {
        if (!(error instanceof UnfitEntry)) throw error;
        unfit.push([entry, error.message]);
      }
    }
    unfit.push(...(await insert(target, table, { had: columns, fields }, fitting, cloud)));
  }
  const errors = grouped(unfit, ([entry]) => errorTableOf(entry, target.usePartitionedTables));
  for (const [table, own] of errors) {
    const rows = own.map(([entry, why]): [JsonObject, Row] => [entry, errorRow(entry, why, target.sink)]);
    const columns = { had: await columnsOf(target, table, cloud), fields: rows[0]![1].fields };
    const lost = await insert(target, table, columns, rows, cloud);
    if (lost.length > 0) throw new ApiError("INTERNAL", `${table}: ${lost[0]![1]}`);
  }
  return unfit.map(([, why]) => why);
}

/** Columns of a table; undefined when it is not there. */
async function columnsOf(target: Target, tableId: string, cloud: Cloud): Promise<Field[] | undefined> {
  try {
    const table = await call("get", target, { tableId }, {}, cloud);
    return ((table.schema as JsonObject | undefined)?.fields ?? []) as unknown as Field[];
  } catch (error) {
    if (error instanceof ApiError && error.status === "NOT_FOUND") return undefined;
    throw error;
  }
}

interface Columns {
  had: Field[] | undefined;
  fields: Field[];
}

/** Gives the entries whose rows BigQuery refuses, with its reasons. */
async function insert(
  target: Target,
  tableId: string,
  { had, fields }: Columns,
  rows: readonly (readonly [JsonObject, Row])[],
  cloud: Cloud,
): Promise<[JsonObject, string][]> {
  if (rows.length === 0) return [];
  const schema = { fields: fields as unknown as JsonObject[] };
  const partitioned = target.usePartitionedTables && { timePartitioning: { type: "DAY", field: "timestamp" } };
  if (!had) {
    const body = { tableReference: { ...target.dataset, tableId }, schema, ...partitioned };
    await call("insert", target, {}, body, cloud);
  } else if (JSON.stringify(had) !== JSON.stringify(fields))
    await call("patch", target, { tableId }, { schema }, cloud);
  const refused: [JsonObject, string][] = [];
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const some = rows.slice(from, from + AT_ONCE);
    const body = { skipInvalidRows: true, rows: some.map(([, { insertId, json }]) => ({ insertId, json })) };
    const { insertErrors = [] } = await call("insertAll", target, { tableId }, body, cloud);
    for (const { index = 0, errors } of insertErrors as unknown as InsertError[])
      refused.push([some[index]![0], errors.map(({ message }) => message).join(" ")]);
  }
  return refused;
}

interface InsertError {
  index?: number;
  errors: { message: string }[];
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

async function call(
  method: "get" | "insert" | "patch" | "insertAll",
  { dataset, writer }: Target,
  table: { tableId?: string },
  body: JsonObject,
  cloud: Cloud,
): Promise<JsonObject> {
  const methodId = method === "insertAll" ? "bigquery.tabledata.insertAll" : `bigquery.tables.${method}`;
  return (await cloud.call({ methodId, path: { ...dataset, ...table }, body }, writer)) as JsonObject;
}
