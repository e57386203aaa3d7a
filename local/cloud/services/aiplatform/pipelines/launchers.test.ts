/** Google's own launcher runs batches of a pipeline: unmodified, and without its pauses of 20 seconds. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
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

test("a batch of a pipeline carries the run's labels, and its end is seen within seconds", async () => {
  await running("passes");
  expect(await getBatch("batch-passes")).toMatchObject({
    creator: RUNNER,
    pysparkBatch: { mainPythonFileUri: "gs://sparklab-local-pipelines/job.py", args: ["--x", "1"] },
    labels: { "vertex-ai-pipelines-run-billing-id": expect.stringMatching(/^\d+$/) },
  });
  const ended = Date.now();
  spark.end("batch-passes", { exitCode: 0 });
  const job = await lab.until("passes");
  expect([job.state, Date.now() - ended < 10_000]).toEqual(["PIPELINE_STATE_SUCCEEDED", true]);
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
  while ((await getBatch("batch-stops")).state !== "CANCELLED") expect(spark.stopped).toContain("batch-stops");
}, 60_000);
