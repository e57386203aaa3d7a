/** Schedules of Vertex AI by a clock that the test sets: what they start, what they skip, what they wait for. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { BUCKET, HOST, PARENT, PipelineLab, RUNNER, spec } from "./pipelines/testing";

let lab: PipelineLab;
/** Far enough for the credentials of steps, whose processes have the machine's own clock. */
const START = new Date(Math.floor(Date.now() / 60_000) * 60_000);
let minutes = 0;
let other: string;
const clock = () => new Date(Date.now() + minutes * 60_000);

beforeAll(async () => {
  lab = await PipelineLab.open(undefined, clock);
  other = await schedule("other", { cron: "0 0 1 1 *" });
}, 60_000);
afterAll(() => lab.close());

const file = (name: string) => join(lab.folder, name);

async function schedule(name: string, more: JsonObject = {}): Promise<string> {
  const made = await lab.rest("POST", HOST, `/v1/${PARENT}/schedules`, {
    ...{ displayName: name, cron: "* * * * *", maxConcurrentRunCount: "1" },
    createPipelineJobRequest: {
      parent: PARENT,
      pipelineJob: {
        pipelineSpec: spec("waiting"),
        serviceAccount: RUNNER,
        runtimeConfig: {
          gcsOutputDirectory: `gs://${BUCKET}/root`,
          parameterValues: { first: file(name), second: file(name) },
        },
      },
    },
    ...more,
  });
  return textOf((made as JsonObject).name);
}

const read = async (name: string) => (await lab.rest("GET", HOST, `/v1/${name}`)) as JsonObject;
const verb = (name: string, what: string, body: JsonObject = {}) => lab.rest("POST", HOST, `/v1/${name}:${what}`, body);
const runsOf = async (name: string) => {
  const { pipelineJobs = [] } = (await read(`${PARENT}/pipelineJobs`)) as { pipelineJobs?: JsonObject[] };
  return pipelineJobs.filter(({ scheduleName }) => scheduleName === name);
};

/** The clock goes on; a change of another schedule makes the cloud look at all of them. */
async function later(by: number): Promise<void> {
  minutes += by;
  for (const what of ["pause", "resume"]) await verb(other, what);
}

async function until(name: string, isReached: (found: JsonObject) => boolean): Promise<JsonObject> {
  for (;;) {
    const found = await read(name);
    if (isReached(found)) return found;
    await pause(20);
  }
}
const response = ({ lastScheduledRunResponse }: JsonObject) =>
  textOf((lastScheduledRunResponse as JsonObject | undefined)?.runResponse);

test("starts a run of its own account when its time has come, and skips the next while that one goes on", async () => {
  const name = await schedule("one", { maxRunCount: "2" });
  expect(await runsOf(name)).toEqual([]);
  const due = textOf((await read(name)).nextRunTime);
  expect(Date.parse(due)).toBeGreaterThan(START.getTime());
  await later(1);
  await until(name, ({ startedRunCount }) => startedRunCount === "1");
  const id = `waiting-${name.split("/").at(-1)}-${due.replace(/\D/g, "").slice(0, 14)}`;
  expect(await runsOf(name)).toMatchObject([
    { name: `${PARENT}/pipelineJobs/${id}`, serviceAccount: RUNNER, scheduleName: name },
  ]);
  await later(1);
  const skipped = await until(name, (found) => /^Skipped/.test(response(found)));
  expect(response(skipped)).toBe("Skipped: 1 run(s) under way, maxConcurrentRunCount is 1.");
  writeFileSync(file("one"), "go on");
  expect((await lab.until(id)).state).toBe("PIPELINE_STATE_SUCCEEDED");
  await later(1);
  const spent = await until(name, ({ state }) => state === "COMPLETED");
  expect([spent.startedRunCount, spent.nextRunTime]).toEqual(["2", undefined]);
}, 60_000);

test("queues a run, where it may, until one has ended", async () => {
  const name = await schedule("queue", { allowQueueing: true });
  await later(1);
  await until(name, ({ startedRunCount }) => startedRunCount === "1");
  const [first] = await runsOf(name);
  await later(1);
  expect(await runsOf(name)).toHaveLength(1);
  writeFileSync(file("queue"), "go on");
  await lab.until(textOf(first!.name).split("/").at(-1)!);
  await until(name, ({ startedRunCount }) => startedRunCount === "2");
  await verb(name, "pause");
}, 60_000);

test("that is paused starts nothing; resumed, it makes up for that only when it is asked to", async () => {
  const name = await schedule("rest");
  await verb(name, "pause");
  writeFileSync(file("rest"), "go on");
  await later(30);
  expect([await runsOf(name), (await read(name)).nextRunTime]).toEqual([[], undefined]);
  await verb(name, "resume");
  expect(Date.parse(textOf((await read(name)).nextRunTime))).toBeGreaterThan(clock().getTime());
  await verb(name, "pause");
  await later(2);
  await verb(name, "resume", { catchUp: true });
  await until(name, ({ startedRunCount }) => startedRunCount !== "0");
  await verb(name, "pause");
  for (const job of await runsOf(name)) await lab.until(textOf(job.name).split("/").at(-1)!);
}, 60_000);

test("is refused with everything that is wrong with its runs", async () => {
  const wrong = schedule("wrong", {
    cron: "every monday",
    createPipelineJobRequest: {
      pipelineJob: { pipelineSpec: spec("waiting"), runtimeConfig: { gcsOutputDirectory: "here" } },
    },
  });
  const { details } = (await wrong.catch((error: unknown) => error)) as {
    details: { fieldViolations: { description: string }[] }[];
  };
  expect(details[0]?.fieldViolations.map(({ description }) => description)).toEqual([
    expect.stringMatching(/^Got 'every monday'/),
    "got 'here'; expected gs://<bucket>/<folder>.",
    "parameter first: missing; expected a STRING.",
    "parameter second: missing; expected a STRING.",
  ]);
});
