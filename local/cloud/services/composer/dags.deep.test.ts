/**
 * DAGs on real Airflow and real Spark, driven by the command line in a lab of their own: an empty tracker, a file that is
 * no DAG, a scheduler that is killed while a batch scores.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFile, type ExecFileException } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { readTools } from "../../../engines/tools";

const root = resolve(__dirname, "../../../..");
const lab = mkdtempSync(join(tmpdir(), "sparklab-dags-"));
const environment = { ...process.env, SPARKLAB_LAB: lab, SPARKLAB_PORT: "0" };
const DATASET = "sparklab-local.sparklab_local_churn";

interface Outcome {
  code: number;
  text: string;
}

/** One CLI command with all that it prints. */
function sparklab(...words: string[]): Promise<Outcome> {
  const argv = [join(root, "cli", "bin", "sparklab.mjs"), ...words];
  return new Promise((done) => {
    const options = { cwd: root, env: environment, maxBuffer: 64 << 20 };
    execFile(process.execPath, argv, options, (error: ExecFileException | null, stdout, stderr) =>
      done({ code: error ? Number(error.code ?? 1) : 0, text: stripVTControlCharacters(`${stdout}\n${stderr}`) }),
    );
  });
}

async function succeed(...words: string[]): Promise<string> {
  const { code, text } = await sparklab(...words);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}:\n${text}`);
  return text;
}

/** A program for Google's Python clients. */
const python = (program: string, ...args: string[]) =>
  succeed("exec", "--", readTools().python.clients, "-c", program, ...args);

async function count(table: string): Promise<number> {
  const program =
    "import sys; from google.cloud import bigquery\nprint('rows', next(iter(bigquery.Client().query_and_wait(sys.argv[1])))[0])";
  const text = await python(program, `SELECT COUNT(*) FROM \`${DATASET}.${table}\``);
  return Number(/rows (\d+)/.exec(text)?.[1]);
}

/** States of the batches of a job, by id. */
async function batches(job: string): Promise<Record<string, string>> {
  const program = `
import json
from google.cloud import dataproc_v1 as d
client = d.BatchControllerClient(client_options={"api_endpoint": "us-central1-dataproc.googleapis.com"})
found = client.list_batches(parent="projects/sparklab-local/locations/us-central1")
print("batches", json.dumps({b.name.split("/")[-1]: b.state.name for b in found if b.labels.get("job") == "${job}"}))`;
  return JSON.parse(/batches (.*)/.exec(await python(program))![1]!) as Record<string, string>;
}

async function until(found: () => Promise<boolean>): Promise<void> {
  for (let look = 0; !(await found()); look += 1) {
    if (look === 300) throw new Error("not seen in time");
    await delay(500);
  }
}

beforeAll(async () => {
  await succeed("up", "--yes");
}, 180_000);

afterAll(async () => {
  await sparklab("down");
  rmSync(lab, { recursive: true, force: true });
}, 60_000);

test("Without a trained model the run fails and says so, and no batch is submitted", async () => {
  const { code, text } = await sparklab("dag", "run", "churn_batch_scoring");
  expect(text).toContain(`model_asset_tracker of ${DATASET}: got no model; expected at least one.`);
  expect(text).toMatch(/tracked_champion {2}failed/);
  expect(text).toMatch(/churn_scoring {2}upstream_failed/);
  expect(code).toBe(1);
  expect(await batches("churn-scoring")).toEqual({});
}, 300_000);

test("A file that Airflow cannot import is listed by its name, beside the DAGs of the others", async () => {
  const upload = `
import sys
from google.cloud import storage
blob = storage.Client().bucket("sparklab-local-dags").blob("dags/broken.py")
blob.upload_from_string("from airflow.sdk import DAG\\nimport no_such_module\\n") if sys.argv[1] == "put" else blob.delete()`;
  await python(upload, "put");
  let listed: Outcome = { code: 0, text: "" };
  await until(async () => (listed = await sparklab("dag", "list")).code === 1);
  expect(listed.text).toMatch(/broken\.py holds no DAG:[^]*No module named 'no_such_module'/);
  expect(listed.text).toContain("churn_batch_scoring");
  expect(listed.text).toContain("churn_data_engineering");
  const { text } = await sparklab("dag", "run", "broken");
  expect(text).toMatch(
    /DAG: got "broken"; expected churn_batch_scoring, churn_data_engineering\.[^]*broken\.py holds no DAG/,
  );
  await python(upload, "delete");
  await until(async () => (await sparklab("dag", "list")).code === 0);
}, 300_000);

test("A scheduler that is killed while the batch runs takes the run up again: one batch, each customer once", async () => {
  await succeed("run", "-q", "churn_preprocessing", "churn_training");
  const following = sparklab("dag", "run", "churn_batch_scoring");
  await until(async () => Object.keys(await batches("churn-scoring")).length > 0);
  const [home] = readdirSync(join(lab, "cloud", "airflow"));
  const record = join(lab, "cloud", "airflow", home!, "parts", "scheduler", "process.json");
  const { pid } = JSON.parse(readFileSync(record, "utf8")) as { pid: number };
  process.kill(-pid, "SIGKILL");
  const { code, text } = await following;
  expect(text).toMatch(/churn_scoring {2}success/);
  expect(code).toBe(0);
  expect(Object.values(await batches("churn-scoring"))).toEqual(["SUCCEEDED"]);
  expect(await count("batch_predictions")).toBe(411);
  expect(
    (await succeed("dag", "logs", "churn_batch_scoring")).match(/churn-scoring-\d{8}-\d{6}-\d{6}/g),
  ).not.toBeNull();
}, 600_000);
