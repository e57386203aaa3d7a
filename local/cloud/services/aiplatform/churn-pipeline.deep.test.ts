/** The whole way: the function's own process starts the churn training pipeline, whose batches are real Spark. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readTools } from "../../../engines/tools";
import { assertNoViolations } from "../../contract/validate";
import { clientEnvironment } from "../../door/client-environment";
import { CloudProcess } from "../../faults/cloud-process";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { output, states, tasks } from "./pipelines/testing";

const MINUTES = 60_000;
const ROOT = resolve(__dirname, "../../../..");
const tools = readTools();
const PORT = "8498";
let cloud: CloudProcess;
let served: ChildProcess;

beforeAll(async () => {
  cloud = await CloudProcess.start();
  const program = join(__dirname, "clients", "churn_lab.py");
  const made = JSON.parse(await cloud.run(tools.python.clients, program, ROOT, tools.data)) as {
    account: string;
    parameters: Record<string, string>;
  };
  served = await serve({
    PROJECT: "sparklab-local",
    REGION: "us-central1",
    PIPELINE_SPEC: "gs://sparklab-local-pipelines/specs/churn_training.json",
    PIPELINE_SUBMISSIONS: "gs://sparklab-local-pipelines/submissions",
    PIPELINE_ROOT: "gs://sparklab-local-pipelines/root",
    PIPELINE_ACCOUNT: made.account,
    PIPELINE_PARAMETERS: JSON.stringify(made.parameters),
  });
}, 2 * MINUTES);
afterAll(async () => {
  const ended = once(served, "exit");
  served.kill();
  await ended;
  assertNoViolations(join(cloud.lab, "cloud"));
  await cloud.close();
}, MINUTES);

/** The function as its framework runs it in the cloud, with a client's environment. */
async function serve(settings: Record<string, string>): Promise<ChildProcess> {
  const framework = join(ROOT, "node_modules", "@google-cloud", "functions-framework", "build", "src", "main.js");
  const words = ["--source", join(ROOT, "functions", "start-pipeline"), "--target", "startPipeline", "--port", PORT];
  const child = spawn(process.execPath, ["--import", "tsx", framework, ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...clientEnvironment(cloud.lab), ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.stdout.resume();
  return child;
}

async function order(body: JsonObject): Promise<{ status: number; answer: JsonObject }> {
  for (;;) {
    try {
      const headers = { "content-type": "application/json" };
      const url = `http://127.0.0.1:${PORT}/`;
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      return { status: response.status, answer: (await response.json()) as JsonObject };
    } catch {
      await pause(100); // It does not listen yet; the test's own time limit ends a wait that is in vain.
    }
  }
}

async function ended(job: string): Promise<JsonObject> {
  for (;;) {
    const { json } = await cloud.send(`GET https://us-central1-aiplatform.googleapis.com/v1/${job}`);
    if (/SUCCEEDED|FAILED|CANCELLED/.test(textOf(json.state))) return json;
    await pause(500);
  }
}

test(
  "one order, sent twice, is one run: batches, registered data, evaluation, a model in the registry",
  async () => {
    const first = await order({ date: "2026-11-21" });
    const again = await order({ date: "2026-11-21" });
    expect([first.status, again]).toEqual([202, first]);
    const job = await ended(textOf(first.answer.job));
    expect(job.error).toBeUndefined();
    // No search was asked for: the tuning branch is not entered.
    expect(Object.entries(states(job)).filter(([, state]) => state !== "SUCCEEDED")).toEqual([
      ["condition-1/condition-2", "NOT_TRIGGERED"],
    ]);
    const evaluation = tasks(job)["evaluate-model"];
    expect(output(evaluation)).toBeGreaterThan(0.6);
    const { scalars, curves } = evaluation?.outputs as Record<string, { artifacts: { metadata: JsonObject }[] }>;
    expect(scalars?.artifacts[0]?.metadata).toMatchObject({
      area_prc: output(evaluation),
      accuracy: expect.any(Number),
    });
    expect(curves?.artifacts[0]?.metadata).toMatchObject({
      confusionMatrix: { annotationSpecs: [{ displayName: "no" }, { displayName: "yes" }] },
    });
    const location = "https://us-central1-aiplatform.googleapis.com/v1/projects/sparklab-local/locations/us-central1";
    const { models } = (await cloud.send(`GET ${location}/models`)).json as { models: JsonObject[] };
    const version = textOf(first.answer.id);
    expect(models).toMatchObject([
      { displayName: "churn", artifactUri: `gs://sparklab-local-models/customer-churn-model/training/${version}` },
    ]);
    const { datasets } = (await cloud.send(`GET ${location}/datasets`)).json as { datasets: JsonObject[] };
    expect(datasets).toMatchObject([{ displayName: `churn-${version}` }]);
    // The launchers' own pause of 20 seconds is no part of a run: training follows preprocessing within seconds.
    const found = Object.values(tasks(job));
    const at = (title: string, time: string) =>
      Date.parse(textOf(found.find(({ taskName }) => taskName === title)?.[time]));
    expect(at("Churn training", "startTime") - at("Churn preprocessing", "endTime")).toBeLessThan(5000);
    const skipped = await order({ date: "2026-11-22", parameters: { threshold: 0.99 } });
    expect(skipped.status).toBe(202);
    const other = await ended(textOf(skipped.answer.job));
    expect(states(other)).toMatchObject({ root: "SUCCEEDED", "condition-1": "NOT_TRIGGERED" });
  },
  10 * MINUTES,
);
