/** The real Spark behind the real door, asked by Google's Python clients: the lab's jobs, and clouds that are killed. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readTools } from "../../../engines/tools";
import { assertNoViolations } from "../../contract/validate";
import { CloudProcess } from "../../faults/cloud-process";
import { waitFor } from "./testing";

const MINUTES = 60_000;
const tools = readTools();
let cloud: CloudProcess;
beforeAll(async () => {
  cloud = await CloudProcess.start();
}, MINUTES);
afterAll(async () => {
  assertNoViolations(join(cloud.lab, "cloud"));
  await cloud.close();
}, MINUTES);

interface Ended {
  state: string;
  message: string;
  output: string;
  history: string[];
}
const client = (...words: string[]) => cloud.run(tools.python.clients, join(__dirname, "one_batch.py"), ...words);
async function submit(id: string, script: string): Promise<void> {
  const file = join(cloud.lab, `${id}.py`);
  writeFileSync(file, script);
  await client("submit", id, file);
}
const ended = async (id: string) => JSON.parse(await client("wait", id)) as Ended;
const outputHas = (id: string, text: string) =>
  waitFor(
    () => client("output", id),
    (output) => output.includes(text),
  );

/** Writes and reads back in Cloud Storage, after `seconds` of waiting. */
const script = (seconds: number) => `
import sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("ready", flush=True)
time.sleep(${seconds})
spark.range(100).write.mode("overwrite").parquet(sys.argv[1])
print("rows", spark.read.parquet(sys.argv[1]).count())
`;

test(
  "runs the training pipeline's jobs on the real data",
  async () => {
    const program = join(__dirname, "churn_batches.py");
    const root = resolve(__dirname, "../../../..");
    const answer = JSON.parse(await cloud.run(tools.python.clients, program, root, tools.data, "deep-1")) as {
      batches: Record<string, { state: string; seconds: number; milliDcuSeconds: number; history: string[] }>;
      rows: Record<string, number>;
      metrics: Record<string, number>;
    };
    for (const batch of Object.values(answer.batches)) {
      expect(batch).toMatchObject({ state: "SUCCEEDED", history: ["PENDING", "RUNNING"] });
      expect(batch.milliDcuSeconds).toBeGreaterThan(0);
    }
    expect(Object.keys(answer.batches)).toEqual([
      ...["churn_preprocessing", "churn_training", "churn_scoring", "churn_export"],
    ]);
    expect(answer.rows).toMatchObject({ training_data: 7032, batch_scoring_candidates: 411, batch_predictions: 411 });
    expect(answer.rows).toMatchObject({ model_asset_tracker: 1 });
    expect(Math.abs(answer.metrics.test_area_roc_mean! - 0.85)).toBeLessThan(0.02);
  },
  15 * MINUTES,
);

test(
  "finds a running driver again after the cloud was killed",
  async () => {
    await submit("survivor", script(5));
    await outputHas("survivor", "ready");
    await cloud.kill();
    await cloud.restart();
    expect(await ended("survivor")).toEqual({
      ...{ state: "SUCCEEDED", message: "", history: ["PENDING", "RUNNING"] },
      output: "ready\nrows 100\n",
    });
  },
  5 * MINUTES,
);

test(
  "learns how a driver ended while there was no cloud",
  async () => {
    await submit("orphan", 'print("ready", flush=True)\nimport time\ntime.sleep(3)\nraise ValueError("alone")\n');
    await outputHas("orphan", "ready");
    await cloud.kill();
    await waitFor(
      async () => runFiles().filter((file) => file.endsWith("exit.json")).length,
      (count) => count === runFiles().filter((file) => file.endsWith("process.json")).length,
    );
    await cloud.restart();
    expect(await ended("orphan")).toMatchObject({
      state: "FAILED",
      message: expect.stringMatching(
        /^Job failed with message \[ValueError: alone\]\. Additional details can be found at:/,
      ),
    });
  },
  5 * MINUTES,
);

test(
  "fails a batch whose driver was killed, with the reason",
  async () => {
    await submit("victim", script(600));
    await outputHas("victim", "ready");
    const pids = runFiles()
      .filter((file) => file.endsWith("process.json"))
      .map((file) => (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid);
    const java = execFileSync("pgrep", ["-g", pids.join(","), "java"], { encoding: "utf8" }).trim();
    process.kill(Number(java), "SIGKILL");
    expect(await ended("victim")).toMatchObject({
      state: "FAILED",
      message: expect.stringMatching(/^Driver received SIGTERM\/SIGKILL signal and exited with 137 code/),
    });
  },
  5 * MINUTES,
);

test(
  "fails a batch whose main file is not there",
  async () => {
    await client("submit", "empty");
    expect(await ended("empty")).toMatchObject({
      state: "FAILED",
      message: expect.stringMatching(
        /^Job failed with message \[java\.io\.FileNotFoundException: .*one-batch\/empty\.py/,
      ),
    });
  },
  5 * MINUTES,
);

/** Records of all runs of this lab. */
function runFiles(): string[] {
  const folder = join(cloud.lab, "cloud", "batches");
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file));
}
