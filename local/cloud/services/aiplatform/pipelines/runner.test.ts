/** Steps that lived while no cloud did: how their failures count, with processes that end when the test says. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { PipelineEngine, SparkEnd, SparkRun } from "../../../../engines/interface";
import { textOf } from "../../../json";
import type { JsonObject } from "../../../service";
import { testCloud, type TestCloud } from "../../../testing";
import { cloudResourceManager } from "../../cloudresourcemanager";
import { iam } from "../../iam";
import { storage } from "../../storage";
import { vertex } from "../versions";
import { PipelineRunner } from "./runner";

const JOBS =
  "https://us-central1-aiplatform.googleapis.com/v1/projects/sparklab-local/locations/us-central1/pipelineJobs";
const FAILED: SparkEnd = { exitCode: 1, signal: null };

/** Ends of the processes, in the order in which they were begun or found. */
let ends: ((how: SparkEnd) => void)[];
let begun: string[];
let lab: TestCloud;

function process(): SparkRun {
  const ended = new Promise<SparkEnd>((resolve) => ends.push(resolve));
  return { pid: 1, ended, stop: async () => undefined };
}
const pipelines: PipelineEngine = {
  problems: () => [],
  run: async ({ folder }) => {
    begun.push(folder);
    return process();
  },
  attach: () => process(),
  layout: (folder) => ({ local: join(folder, "gcs"), outputFile: join(folder, "o.json"), output: join(folder, "log") }),
  result: async () => undefined,
};

beforeEach(async () => {
  [ends, begun] = [[], []];
  lab = await testCloud({ services: [...cloudResourceManager, iam, storage, ...vertex], engines: { pipelines } });
  const noMetadata = { host: "127.0.0.1:0", close: async () => undefined };
  jest.spyOn(lab.cloud.principals, "metadataServer").mockResolvedValue(noMetadata);
  await lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId: "runner" });
  await lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "pipelines-1" });
});
afterEach(async () => {
  for (const end of ends) end(FAILED);
  await lab.close();
});

const spec = (maxRetryCount: number, outputs: readonly string[]): JsonObject => ({
  pipelineInfo: { name: "p" },
  ...{ schemaVersion: "2.1.0", sdkVersion: "kfp-2.14.6" },
  root: {
    dag: {
      tasks: { a: { taskInfo: { name: "a" }, componentRef: { name: "step" }, retryPolicy: { maxRetryCount } } },
    },
  },
  components: {
    step: {
      executorLabel: "exec",
      outputDefinitions: {
        parameters: Object.fromEntries(outputs.map((name) => [name, { parameterType: "STRING" }])),
      },
    },
  },
  deploymentSpec: { executors: { exec: { container: { image: "x" } } } },
});

/** The test's own time limit ends a wait that is in vain. */
async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isReached())) await pause(5);
}
const hasFailed = async () => /FAILED/.test(textOf(((await lab.rest(`GET ${JOBS}/j`)) as JsonObject).state));

test.each<[string, number, readonly string[], readonly string[], number]>([
  ["is begun once more, which is not one of its attempts", 0, [], [], 2],
  ["has all its retries left", 2, [], [], 4],
  ["and had begun work elsewhere has failed with that work", 0, ["gcp_resources"], ["gcp_resources"], 1],
  ["and had begun work elsewhere may be tried again as often as any", 1, ["gcp_resources"], ["gcp_resources"], 2],
  ["and had yet to begin its work elsewhere is begun once more", 0, ["gcp_resources"], [], 2],
])("a step that fails after it lived while no cloud did %s", async (_, retries, outputs, written, attempts) => {
  await lab.rest(`POST ${JOBS}?pipelineJobId=j`, {
    pipelineSpec: spec(retries, outputs),
    serviceAccount: "runner@sparklab-local.iam.gserviceaccount.com",
    runtimeConfig: { gcsOutputDirectory: "gs://pipelines-1/root" },
  });
  await until(() => begun.length === 1);
  mkdirSync(begun[0]!, { recursive: true });
  for (const name of written) writeFileSync(join(begun[0]!, name), "{}");
  // The first process is known to a runner that hears of it no more, the second is the same as the next runner finds it.
  const next = new PipelineRunner(lab.cloud);
  await next.recover();
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await until(() => ends.length === attempt + 1);
    expect(await hasFailed()).toBe(false);
    ends[attempt]!(FAILED);
  }
  await until(hasFailed);
  expect(new Set(begun).size).toBe(attempts);
  await next.close();
});
