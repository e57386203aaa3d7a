/**
 * DAGs on real Airflow and real Spark, driven by the command line in a lab of their own: no champion, a file that is no
 * DAG, a cloud that is killed while a step of the data engineering runs, a scheduler that is killed while a batch scores
 * with the champion.
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
const environment: NodeJS.ProcessEnv = { ...process.env, SPARKLAB_LAB: lab, SPARKLAB_PORT: "0" };
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

/** A statement's rows. */
async function query(sql: string): Promise<unknown[][]> {
  const program =
    "import sys, json; from google.cloud import bigquery\nprint('rows', json.dumps([row.values() for row in bigquery.Client().query_and_wait(sys.argv[1])]))";
  return JSON.parse(/rows (.*)/.exec(await python(program, sql))![1]!) as unknown[][];
}

/** Version of the model that the scoring API answers with. */
async function online(url: string): Promise<string> {
  const program = `
const { GoogleAuth } = require("google-auth-library");
const [url] = process.argv.slice(1);
new GoogleAuth().getIdTokenClient(url)
  .then((client) => client.request({ url: url + "/v1/model" }))
  .then(({ data }) => console.log("online", data.version));`;
  return /online (\S+)/.exec(await succeed("exec", "--", process.execPath, "-e", program, url))![1]!;
}

/** Enters a model into the tracker that is measured best of all and was not promoted. */
async function trackUnpromoted(): Promise<void> {
  for (const [table, values, where] of [
    ["model_asset_tracker", "'unpromoted' AS model_version", "TRUE"],
    ["model_metrics", "'unpromoted' AS model_version, 1.0 AS metric_value", "metric_nm = 'test_area_prc'"],
  ])
    await query(
      `INSERT INTO \`${DATASET}.${table}\` SELECT * REPLACE (${values}) FROM \`${DATASET}.${table}\` WHERE ${where}`,
    );
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

let training: Promise<string> | undefined;
/** What the one training of this lab printed: begun by whoever has something else to wait for, too. */
const trained = () => (training ??= succeed("train", "--scoring", "none"));

beforeAll(async () => {
  await succeed("up", "--yes", "-c", "tuningSearch=none");
}, 180_000);

afterAll(async () => {
  await sparklab("down");
  rmSync(lab, { recursive: true, force: true });
}, 60_000);

test("Without a champion the run fails and says so, and no batch is submitted", async () => {
  const { code, text } = await sparklab("dag", "run", "churn_batch_scoring");
  expect(text).toContain(
    "No champion yet: gs://sparklab-local-bundles/customer-churn-model/champion.json does not exist. Run the training pipeline",
  );
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

test("A cloud that is killed while a step's batch runs: the next one takes the run to its end, with one batch a step", async () => {
  const door = JSON.parse(readFileSync(join(lab, "cloud", "door.json"), "utf8")) as { pid: number; port: number };
  // What outlives the cloud looks for the next one where this one was.
  environment.SPARKLAB_PORT = String(door.port);
  const following = sparklab("dag", "run", "churn_data_engineering");
  await until(async () => Object.keys(await batches("churn-data-step-1")).length > 0);
  process.kill(door.pid, "SIGKILL");
  await succeed("preview");
  trained().catch(() => undefined);
  const { code, text } = await following;
  expect(text).toMatch(/churn_data_step_3 {2}success/);
  expect(code).toBe(0);
  const steps = [1, 2, 3];
  const made = await Promise.all(steps.map(async (step) => Object.values(await batches(`churn-data-step-${step}`))));
  expect(made).toEqual(steps.map(() => ["SUCCEEDED"]));
  const counts = steps.map((step) => `(SELECT COUNT(*) FROM \`${DATASET}.training_data_step_${step}\`)`);
  expect(await query(`SELECT ${counts.join()}`)).toEqual([[7043, 7032, 7032]]);
  const listing =
    "from google.cloud import storage\nfor blob in storage.Client().list_blobs('sparklab-local-dags', prefix='logs/'): print(blob.name)";
  const logged = /^logs\/dag_id=churn_data_engineering\/run_id=[^/]+\/task_id=churn_data_step_3\/attempt=\d+\.log$/m;
  await until(async () => logged.test(await python(listing)));
}, 600_000);

test("A scheduler that is killed while the batch runs takes the run up again: one batch, each customer once, by the model that answers online", async () => {
  const report = await trained();
  const [, champion] = /(\S+) is champion\./.exec(report)!;
  const [, scoringApi] = /Online (\S+)\/v1\/predict/.exec(report)!;
  await trackUnpromoted();
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
  const scored = `SELECT model_version, COUNT(*) FROM \`${DATASET}.batch_predictions\` GROUP BY model_version`;
  expect(await query(scored)).toEqual([[champion, 411]]);
  expect(await online(scoringApi!)).toBe(champion);
  expect(
    (await succeed("dag", "logs", "churn_batch_scoring")).match(/churn-scoring-\d{8}-\d{6}-\d{6}/g),
  ).not.toBeNull();
}, 600_000);
