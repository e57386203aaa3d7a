/** Rows of one run, written by several drivers: at the same moment, one after the other, after they were deleted. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { DATASET, openConnectorLab } from "./connector-lab";
import type { TestLab } from "./testing";

jest.setTimeout(600_000);
const PYSPARK = resolve(__dirname, "../../../../pyspark");
const [PROJECT, SET] = DATASET.split(".") as [string, string];
const TABLE = `${DATASET}.model_metrics`;
let lab: TestLab;
beforeAll(async () => {
  lab = await openConnectorLab();
  const fields = JSON.parse(readFileSync(join(PYSPARK, "tables", "model_metrics.json"), "utf8")) as JsonObject[];
  const tableReference = { projectId: PROJECT, datasetId: SET, tableId: "model_metrics" };
  const tables = `POST /bigquery/v2/projects/${PROJECT}/datasets/${SET}/tables`;
  await lab.rest(tables, { tableReference, schema: { fields } });
});
afterAll(() => lab.close());

/** One driver of a run; what it printed, or why it failed. */
const write = (run: string, value: string, ...pipe: string[]) =>
  lab
    .spark("write_once.py", join(PYSPARK, "src"), DATASET, "spark-temp", run, value, ...pipe)
    .catch((error: Error) => error.message);

/** Two drivers that have both seen that there are no rows before either adds its own. */
async function together(run: string, ...values: [string, string]): Promise<string[]> {
  const pipe = join(lab.folder, run);
  execFileSync("mkfifo", [pipe]);
  return Promise.all([write(run, values[0], pipe, "r"), write(run, values[1], pipe, "w")]);
}

async function query(text: string): Promise<unknown> {
  const body = { query: text, useLegacySql: false, location: "us-central1" };
  const answer = await lab.rest(`POST /bigquery/v2/projects/${PROJECT}/queries`, body);
  const { rows = [] } = answer as { rows?: { f: { v: string }[] }[] };
  return rows.map(({ f }) => f.map(({ v }) => v));
}
const rowsOf = (run: string) =>
  query(
    `SELECT COUNT(*), COUNT(DISTINCT metric_nm), SUM(metric_value) FROM \`${TABLE}\` WHERE pipeline_id = '${run}'`,
  );
const sum = (value: number) => Array.from({ length: 50 }, (_, n) => value / 3 ** n).reduce((a, b) => a + b);

test("a driver that comes later finds the rows and leaves them, and adds them anew once they were deleted", async () => {
  expect(await write("later", "1.1")).toContain(`${TABLE}: written`);
  expect(await write("later", "1.1")).toContain(`${TABLE}: there already, left as it is`);
  await query(`DELETE FROM \`${TABLE}\` WHERE pipeline_id = 'later'`);
  expect(await write("later", "1.1")).toContain(`${TABLE}: written`);
  expect(await rowsOf("later")).toEqual([["50", "50", expect.stringMatching(/^1\.6/)]]);
});

test("of two drivers at the same moment one adds the rows", async () => {
  const said = await together("same", "1.1", "1.1");
  expect(said.filter((text) => text.includes(": written"))).toHaveLength(1);
  expect(said.filter((text) => text.includes(": there already, left as it is"))).toHaveLength(1);
  const [[count, distinct, total]] = (await rowsOf("same")) as [[string, string, string]];
  expect([count, distinct]).toEqual(["50", "50"]);
  expect(Number(total)).toBeCloseTo(sum(1.1), 12);
});

test("of two drivers with different rows at the same moment one is refused", async () => {
  const said = await together("other", "1.1", "2.2");
  expect(said.filter((text) => text.includes(": written"))).toHaveLength(1);
  expect(said.filter((text) => text.includes("got 50 rows that differ from the 50"))).toHaveLength(1);
  expect(await rowsOf("other")).toEqual([["50", "50", expect.any(String)]]);
});

test("nothing is left in the bucket of what was loaded", async () => {
  const { items = [] } = (await lab.rest("GET /storage/v1/b/spark-temp/o?prefix=tables/")) as { items?: JsonObject[] };
  // Spark's file system keeps the folder itself.
  expect(items.map(({ name }) => name)).toEqual(["tables/"]);
});
