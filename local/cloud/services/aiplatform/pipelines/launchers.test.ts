/** Google's own launcher runs batches of a pipeline: unmodified, and without its pauses of 20 seconds. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { textOf } from "../../../json";
import type { JsonObject } from "../../../service";
import { scriptedEngine } from "../../dataproc/scripted-engine";
import { HOST, output, PARENT, PipelineLab, RUNNER, states, tasks } from "./testing";

const spark = scriptedEngine();
let lab: PipelineLab;
beforeAll(async () => {
  lab = await PipelineLab.open(spark);
}, 60_000);
afterAll(() => lab.close());

const getBatch = async (id: string) =>
  (await lab.rest("GET", "dataproc.googleapis.com", `/v1/${PARENT}/batches/${id}`)) as JsonObject;

/** A run whose batch runs. */
async function running(id: string): Promise<void> {
  await lab.create(id, "batch", { batch_id: `batch-${id}`, account: RUNNER });
  while (!spark.submitted.some((workload) => workload.id === `batch-${id}`)) await lab.get(id);
}

/** How often the runner's account has looked at what submitted a batch. */
const looks = () =>
  readFileSync(join(lab.folder, "cloud", "log", "requests.jsonl"), "utf8")
    .split("\n")
    .filter((line) => /"dataproc\.[\w.]*operations\.get"/.test(line) && line.includes(`"${RUNNER}"`)).length;

test("a batch of a pipeline carries the run's labels, and is looked at more often than every 20 seconds", async () => {
  await running("passes");
  expect(await getBatch("batch-passes")).toMatchObject({
    creator: RUNNER,
    pysparkBatch: { mainPythonFileUri: "gs://sparklab-local-pipelines/job.py", args: ["--x", "1"] },
    labels: { "vertex-ai-pipelines-run-billing-id": expect.stringMatching(/^\d+$/) },
  });
  // Five of the launcher's own pauses are longer than this test may take.
  while (looks() < 5) await pause(50);
  spark.end("batch-passes", { exitCode: 0 });
  const job = await lab.until("passes");
  expect(job.state).toBe("PIPELINE_STATE_SUCCEEDED");
  const resources = JSON.parse(
    textOf(output(tasks(job)["dataproc-create-pyspark-batch"], "gcp_resources")),
  ) as JsonObject;
  expect(JSON.stringify(resources)).toContain(`${PARENT}/batches/batch-passes`);
}, 60_000);

test("a batch that fails fails its task, with the driver's error", async () => {
  await running("fails");
  spark.print("batch-fails", "Traceback (most recent call last):\nValueError: no such column: x\n");
  spark.end("batch-fails", { exitCode: 1 });
  const job = await lab.until("fails");
  expect(job).toMatchObject({
    state: "PIPELINE_STATE_FAILED",
    error: { message: expect.stringMatching(/failed tasks are: \[batch\][^]*ValueError: no such column: x/) },
  });
}, 60_000);

test("cancelling a run cancels its batch", async () => {
  await running("stops");
  await lab.rest("POST", HOST, `/v1/${PARENT}/pipelineJobs/stops:cancel`, {});
  const job = await lab.until("stops");
  expect(states(job)).toEqual({ root: "CANCELLED", "dataproc-create-pyspark-batch": "CANCELLED" });
  while ((await getBatch("batch-stops")).state !== "CANCELLED") await pause(50);
  expect(spark.stopped).toContain("batch-stops");
}, 60_000);
