/**
 * The compiled training pipeline, whole, with its own steps and Google's launchers; only the Spark drivers end when and
 * how the test says. What they would have written lies in the bucket.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { DoorClient } from "../../faults/door-client";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { scriptedEngine } from "../dataproc/scripted-engine";
import { BUCKET, HOST, output, PARENT, PipelineLab, RUNNER, states, tasks } from "./pipelines/testing";

const SPEC = JSON.parse(
  readFileSync(resolve(__dirname, "../../../../pyspark/pipelines/churn_training.json"), "utf8"),
) as JsonObject;
const spark = scriptedEngine();
const MINUTES = 60_000;
let lab: PipelineLab;
let ending: NodeJS.Timeout;
/** Batches whose drivers end badly, and those that go on; by the beginning of their ids. */
let failing: string[] = [];
let going: string[] = [];

beforeAll(async () => {
  lab = await PipelineLab.open(spark);
  const ended = new Set<string>();
  ending = setInterval(() => {
    for (const { id } of spark.submitted) {
      if (ended.has(id) || going.some((prefix) => id.startsWith(prefix))) continue;
      ended.add(id);
      const fails = failing.some((prefix) => id.startsWith(prefix));
      if (fails) spark.print(id, "Traceback (most recent call last):\nValueError: no customers\n");
      spark.end(id, { exitCode: fails ? 1 : 0 });
    }
  }, 20);
}, MINUTES);
afterAll(async () => {
  clearInterval(ending);
  await lab.close();
});
beforeEach(() => {
  failing = going = [];
});

async function put(name: string, content: JsonObject): Promise<void> {
  const request = `POST /upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encodeURIComponent(name)}`;
  const { status } = await new DoorClient(lab.folder).send(request, JSON.stringify(content));
  expect(status).toBe(200);
}

async function pointer(): Promise<JsonObject | undefined> {
  const name = encodeURIComponent("customer-churn-model/champion.json");
  const { status, body } = await new DoorClient(lab.folder).send(`GET /storage/v1/b/${BUCKET}/o/${name}?alt=media`);
  return status === 404 ? undefined : (JSON.parse(body) as JsonObject);
}

const metrics = (area: number): JsonObject => ({
  ...Object.fromEntries(["area_roc", "accuracy", "f1", "precision", "recall"].map((name) => [`test_${name}`, 0.8])),
  test_area_prc: area,
  confusion_matrix: {
    labels: ["no", "yes"],
    actual_by_predicted: [
      [2, 0],
      [1, 1],
    ],
  },
  true: [0, 1],
  score: [0.1, 0.9],
});

interface Run {
  area: number;
  tuned?: number;
  threshold?: number;
  image?: string;
  deployTo?: string;
}

async function begin(id: string, { area, tuned, threshold = 0.5, image = "", deployTo = "" }: Run): Promise<void> {
  await put(`customer-churn-model/training/${id}/full/metrics.json`, metrics(area));
  if (tuned !== undefined)
    await put(`customer-churn-model/hyperparameter-tuning/${id}-tuned/full/metrics.json`, metrics(tuned));
  const buckets = Object.fromEntries(
    ["raw", "models", "metrics", "bundles", "staging"].map((role) => [`${role}_bucket`, BUCKET] as const),
  );
  await lab.create(id, SPEC, {
    ...buckets,
    ...{ region: "us-central1", code: `gs://${BUCKET}`, dataset: "sparklab-local.churn", experiment: "lab-churn" },
    ...{ spark_runtime: "2.3", spark_service_account: RUNNER, pipeline_id: id, model_version: id },
    ...{ execution_time: "2026-11-21T00:00:00Z", threshold },
    ...{ serving_image: image, deploy_to: deployTo },
    tuning_search: tuned === undefined ? "" : "small",
  });
}

async function run(id: string, how: Run): Promise<JsonObject> {
  await begin(id, how);
  return lab.until(id);
}

/** Names of the steps by what became of them; groups apart. */
const reached = (job: JsonObject) =>
  Object.values(tasks(job))
    .filter((task) => task.state === "SUCCEEDED")
    .map(({ taskName }) => textOf(taskName));
const taskCalled = (job: JsonObject, title: string) => Object.values(tasks(job)).find((t) => t.taskName === title);
const versions = async () =>
  ((await lab.rest("GET", HOST, `/v1/${PARENT}/models/lab-churn:listVersions`)) as { models: JsonObject[] }).models;

test(
  "the first model is tuned, exported, registered and becomes the champion; the run joins its experiment",
  async () => {
    const job = await run("first", { area: 0.6, tuned: 0.65, image: "lab/scoring-api:1" });
    expect(job.error).toBeUndefined();
    expect(taskCalled(job, "Churn export")?.startTime).toBeDefined();
    expect(spark.submitted.find(({ id }) => id === "churn-export-first")).toMatchObject({
      args: expect.arrayContaining(["first-tuned"]),
    });
    expect(await pointer()).toEqual({
      version: "first-tuned",
      bundle: `gs://${BUCKET}/customer-churn-model/first-tuned/bundle.json`,
      pipelineId: "first",
      pipelineJob: `${PARENT}/pipelineJobs/first`,
      setAt: `${textOf(job.createTime).slice(0, 19)}Z`,
      areaPrc: 0.65,
      model: `${PARENT}/models/lab-churn@1`,
    });
    expect(await versions()).toMatchObject([
      {
        versionId: "1",
        versionAliases: expect.arrayContaining(["champion", "default"]),
        artifactUri: `gs://${BUCKET}/customer-churn-model/first-tuned`,
        containerSpec: { imageUri: "lab/scoring-api:1", predictRoute: "/v1/predict" },
        pipelineJob: `${PARENT}/pipelineJobs/first`,
      },
    ]);
    const { pipelineRunContext } = (await lab.get("first")).jobDetail as Record<string, JsonObject>;
    expect(pipelineRunContext?.parentContexts).toContain(`${PARENT}/metadataStores/default/contexts/lab-churn`);
  },
  2 * MINUTES,
);

test(
  "a model that is not better than the champion is registered as challenger; an equal one too",
  async () => {
    const before = await pointer();
    const job = await run("second", { area: 0.65, image: "lab/scoring-api:1" });
    expect(job.error).toBeUndefined();
    expect(reached(job)).toContain("Register the version");
    expect(taskCalled(job, "New champion")?.state).toBe("NOT_TRIGGERED");
    expect(output(taskCalled(job, "Champion or challenger"), "role")).toBe("challenger");
    expect(await pointer()).toEqual(before);
    expect((await versions()).map(({ versionAliases }) => versionAliases)).toEqual([
      expect.arrayContaining(["champion", "default"]),
      ["challenger"],
    ]);
  },
  2 * MINUTES,
);

test(
  "a model that cannot be deployed is not promoted: pointer and alias stay with the champion",
  async () => {
    const before = await pointer();
    const endpoint = `${PARENT}/endpoints/1`;
    await lab.rest("POST", HOST, `/v1/${PARENT}/endpoints?endpointId=1`, { displayName: "churn" });
    const job = await run("undeployable", { area: 0.7, image: "lab/scoring-api:1", deployTo: endpoint });
    expect(textOf((job.error as JsonObject).message)).toContain("failed tasks are: [Deploy]");
    expect(taskCalled(job, "Promote")?.state).toBe("NOT_TRIGGERED");
    expect(await pointer()).toEqual(before);
    const aliases = (await versions()).map(({ versionAliases }) => versionAliases as string[]);
    expect(aliases.map((names) => names.includes("champion"))).toEqual([true, false, false]);
  },
  2 * MINUTES,
);

test.each([
  ["below", 0.59, false],
  ["at", 0.6, true],
  ["above", 0.61, true],
])(
  "a model %s the threshold goes on: AUPR %d, %s",
  async (name, area, goesOn) => {
    const job = await run(`is-${name}`, { area, threshold: 0.6 });
    expect(job.error).toBeUndefined();
    expect(states(job)["condition-1"]).toBe(goesOn ? "SUCCEEDED" : "NOT_TRIGGERED");
    expect(reached(job).includes("Churn export")).toBe(goesOn);
  },
  2 * MINUTES,
);

test(
  "a batch that fails fails the run with its driver's error, and nothing after it begins",
  async () => {
    failing = ["churn-training-broken"];
    const job = await run("broken", { area: 0.7 });
    expect(job).toMatchObject({
      state: "PIPELINE_STATE_FAILED",
      error: { message: expect.stringMatching(/failed tasks are: \[Churn training\][^]*ValueError: no customers/) },
    });
    expect(reached(job)).not.toContain("Evaluate the model");
  },
  2 * MINUTES,
);

test(
  "two runs at once go on beside each other; the one whose rival was replaced meanwhile says so",
  async () => {
    going = ["churn-export-late"];
    await begin("late", { area: 0.9 });
    while (!spark.submitted.some(({ id }) => id === "churn-export-late")) await pause(50);
    const early = await run("early", { area: 0.8 });
    expect([early.error, (await pointer())?.version]).toEqual([undefined, "early"]);
    going = [];
    const late = await lab.until("late");
    expect(textOf((late.error as JsonObject).message)).toMatch(
      /champion 'early'; expected 'first-tuned', which late was compared with\. Another run came first/,
    );
    expect((await pointer())?.version).toBe("early");
  },
  3 * MINUTES,
);
