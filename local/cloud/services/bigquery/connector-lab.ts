/** For tests: a lab for Google's Spark connector, and what its readers found. */
import type { JsonObject } from "../../service";
import { openTestLab, type TestLab } from "./testing";

export const DATASET = "sparklab-local.spark";
const MADE = ["direct", "indirect", "atleastonce"].flatMap((name) => [`made_${name}`, `made_${name}_overwritten`]);
const FIELDS: JsonObject[] = [
  { name: "id", type: "INTEGER", mode: "REQUIRED", description: "the id" },
  { name: "day", type: "DATE" },
  { name: "text", type: "STRING", mode: "NULLABLE", description: "the text" },
];

/** By table: its rows, or what sums them up. */
export type Findings = Record<string, { rows?: JsonObject[] } & JsonObject>;

/** With a bucket for files in between, a data set, and tables that are there before Spark comes. */
export async function openConnectorLab(): Promise<TestLab> {
  const lab = await openTestLab();
  const datasets = "/bigquery/v2/projects/sparklab-local/datasets";
  await lab.rest("POST /storage/v1/b?project=sparklab-local", { name: "spark-temp", location: "us-central1" });
  await lab.rest(`POST ${datasets}`, { datasetReference: { datasetId: "spark" }, location: "us-central1" });
  for (const tableId of MADE)
    await lab.rest(`POST ${datasets}/spark/tables`, {
      tableReference: { projectId: "sparklab-local", datasetId: "spark", tableId },
      schema: { fields: FIELDS },
      ...{ timePartitioning: { type: "DAY", field: "day" }, clustering: { fields: ["text"] } },
    });
  return lab;
}

/** What a fresh JVM reads of these tables. */
export async function findings(lab: TestLab, ...names: string[]): Promise<Findings> {
  const output = await lab.spark("connector_reads.py", DATASET, ...names);
  const line = output.split("\n").find((text) => text.startsWith("FOUND "));
  if (line === undefined) throw new Error(`connector_reads.py found nothing:\n${output}`);
  return JSON.parse(line.slice(6)) as Findings;
}

/** Every number from first to last once, with its own text and double. */
export const whole = (first: number, last: number) => ({
  ...{ count: last - first + 1, distinct: last - first + 1, first, last, wrong: 0 },
});
