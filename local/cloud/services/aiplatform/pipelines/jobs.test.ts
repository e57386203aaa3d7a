/** Pipelines of Python steps by kfp's own executor: every construct, what is shown of it, refusals. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BUCKET, output, PipelineLab, RUNNER, spec, states, tasks } from "./testing";

let lab: PipelineLab;
beforeAll(async () => {
  lab = await PipelineLab.open();
}, 60_000);
afterAll(() => lab.close());

describe("a pipeline", () => {
  test("passes values from task to task and runs what its condition lets through", async () => {
    const job = await lab.run("values-1", "values", { name: "it" });
    expect(job).toMatchObject({ state: "PIPELINE_STATE_SUCCEEDED", serviceAccount: RUNNER });
    const found = tasks(job);
    expect(output(found.add)).toBe(3.5);
    expect(output(found.word)).toBe("it is 3.5 in values-1");
    expect(output(found["condition-1/add-3"])).toBe(14.5);
    expect(output(found.root)).toBe(3.5);
  }, 60_000);

  test.each([
    ["below", 3.6, "NOT_TRIGGERED"],
    ["at", 3.5, "SUCCEEDED"],
    ["above", 3.4, "SUCCEEDED"],
  ])(
    "runs a condition's tasks from the threshold on: %s it",
    async (name, threshold, state) => {
      const job = await lab.run(`threshold-${name}`, "values", { threshold });
      expect(states(job)).toMatchObject({ root: "SUCCEEDED", "condition-1": state });
      expect("condition-1/add-2" in tasks(job)).toBe(state === "SUCCEEDED");
    },
    60_000,
  );

  test.each([
    [3, "three"],
    [4, "more"],
    [2, "less"],
  ])(
    "takes one of its branches: %d",
    async (number, word) => {
      const job = await lab.run(`branches-${number}`, "branches", { number });
      expect(output(tasks(job).root)).toBe(word);
    },
    60_000,
  );

  test("goes through a list at most two at a time and collects in its order", async () => {
    const job = await lab.run("loops-1", "loops");
    expect(output(tasks(job).root)).toBe("one three five");
    const rounds = Object.entries(tasks(job)).filter(([path]) => /^for-loop-\d+\/\d$/.test(path));
    expect(rounds).toHaveLength(5);
  }, 60_000);

  test("keeps artifacts under its root and brings them to the steps that read them", async () => {
    const first = await lab.run("files-1", "files", { text: "two words", uri: `gs://${BUCKET}/absent` });
    const written = (tasks(first).write?.outputs as Record<string, { artifacts: { uri: string; metadata: object }[] }>)
      .file?.artifacts[0];
    expect(written).toMatchObject({
      uri: expect.stringMatching(`^gs://${BUCKET}/root/100000000001/files-1/write_\\d+/file$`),
      schemaTitle: "system.Dataset",
      metadata: { words: 2 },
    });
    expect(output(tasks(first).read)).toBe("two words (2)");
    const second = await lab.run("files-2", "files", { text: "other", uri: written?.uri ?? "" });
    expect(output(tasks(second).root)).toBe("two words (imported)");
  }, 60_000);

  test("gives a step the artifacts of all rounds, and that of the branch that was taken", async () => {
    const job = await lab.run("artifacts-1", "artifacts", { choice: "other" });
    expect(output(tasks(job).root)).toBe("one two three the other (2)");
  }, 60_000);

  test("begins what may ignore a failure, and nothing else that follows it; a step has its variables", async () => {
    const job = await lab.run("survivors-1", "survivors");
    expect(job).toMatchObject({
      state: "PIPELINE_STATE_FAILED",
      error: { message: expect.stringMatching(/failed tasks are: \[broken\][^]*RuntimeError: as it should/) },
    });
    expect(states(job)).toMatchObject({
      ...{ fail: "FAILED", word: "NOT_TRIGGERED", "word-2": "SUCCEEDED", variable: "SUCCEEDED" },
    });
    expect(output(tasks(job).variable)).toBe("here");
  }, 60_000);

  test("tries a step again, and runs the exit task with the state of what it guards", async () => {
    const passed = await lab.run("failures-1", "failures", { marker: join(lab.folder, "marks-1"), attempt: 2 });
    expect(passed.state).toBe("PIPELINE_STATE_SUCCEEDED");
    expect(output(tasks(passed)["exit-handler-1/fail-until"])).toBe("attempt 2");
    const failed = await lab.run("failures-2", "failures", { marker: join(lab.folder, "marks-2"), attempt: 3 });
    expect(failed).toMatchObject({
      state: "PIPELINE_STATE_FAILED",
      error: { message: expect.stringContaining("RuntimeError: attempt 2 of 3") },
    });
    expect(states(failed)).toMatchObject({
      "exit-handler-1": "FAILED",
      "exit-handler-1/word": "NOT_TRIGGERED",
      report: "SUCCEEDED",
      "word-2": "SUCCEEDED",
    });
    expect(output(tasks(failed).report)).toMatch(
      /^FAILED: Task fail-until failed \(exit code 1\): RuntimeError: attempt 2 of 3/,
    );
  }, 60_000);
});

describe("a job", () => {
  test("of an id that is there is refused", async () => {
    await lab.create("twice", "values");
    await expect(lab.create("twice", "values")).rejects.toMatchObject({ status: "ALREADY_EXISTS", http: 409 });
    await lab.until("twice");
  }, 60_000);

  test("fails before anything starts, by the name of what is not run here", async () => {
    const job = await lab.create("unsupported", "unsupported");
    expect(job).toMatchObject({ state: "PIPELINE_STATE_FAILED", error: { code: 12 } });
    const { message } = job.error as { message: string };
    expect(message).toMatch(/executor exec-shout: image alpine:3\.20 is not run here/);
    expect(message).toMatch(
      /executor exec-uses-polars: package polars==1\.0\.0: got none in the pipelines' environment/,
    );
  });

  test("that is no compiled pipeline is refused", async () => {
    const empty = lab.create("no-spec", {});
    await expect(empty).rejects.toMatchObject({ status: "INVALID_ARGUMENT" });
    const text = lab.create("text", {}, {}, { pipelineSpec: "{not json" });
    await expect(text).rejects.toMatchObject({ status: "INVALID_ARGUMENT" });
  });

  test("is refused with every problem at once", async () => {
    const body = { ...spec("values"), schemaVersion: "2.1.0" };
    const wrong = lab.create(
      "Wrong_Id",
      body,
      { name: 3, colour: "red" },
      { runtimeConfig: { gcsOutputDirectory: "here" } },
    );
    await expect(wrong).rejects.toMatchObject({ status: "INVALID_ARGUMENT" });
    const { details } = (await wrong.catch((error: unknown) => error)) as {
      details: { fieldViolations: { description: string }[] }[];
    };
    expect(details[0]?.fieldViolations.map(({ description }) => description)).toEqual([
      expect.stringMatching(/^Invalid pipeline job id 'Wrong_Id'/),
      expect.stringMatching(/^got 'here'; expected gs:/),
      expect.stringMatching(/^parameter colour: not an input of the pipeline; expected some of a, b, name, threshold/),
      "parameter name: got 3; expected a STRING.",
    ]);
  });

  test("that is cancelled ends its steps and begins no more", async () => {
    const files = { first: join(lab.folder, "never-1"), second: join(lab.folder, "never-2") };
    await lab.create("cancelled", "waiting", files);
    await lab.until("cancelled", /RUNNING/);
    await lab.rest(
      "POST",
      "us-central1-aiplatform.googleapis.com",
      "/v1/projects/sparklab-local/locations/us-central1/pipelineJobs/cancelled:cancel",
      {},
    );
    const job = await lab.until("cancelled");
    expect(job.state).toBe("PIPELINE_STATE_CANCELLED");
    expect(states(job)).toMatchObject({ "wait-for": "CANCELLED", "wait-for-2": "CANCELLED", word: "NOT_TRIGGERED" });
  }, 60_000);
});
