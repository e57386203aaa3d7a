/**
 * kill -9 of the cloud at every point of a small batch's life: after each the lab answers and nothing is half there, and
 * the batch comes to an end with its whole result. Spark itself is the driver for one point of each phase of its work; a
 * small program that is seen to make every kind of call that Spark makes is it for all points.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { type Driver, inLabs, kindOf, type Life, prepareLab } from "./batch-life";

jest.setTimeout(20 * 60_000);
/** Each batch bears several ends of its cloud, at points that lie apart; else there would be a batch for each. */
const ENDS_PER_BATCH = 10;
/** Most of the time a lab waits for a process to start. */
const LABS_AT_ONCE = 3;
const BATCHES_OF_SPARK = 2;
const ROUNDS = 6;
const WHOLE = { tables: 2, objects: 1 };

let lab: string;
/** A life of each driver that nothing ends. */
const whole = {} as Record<Driver, Life>;
beforeAll(async () => {
  lab = await prepareLab();
  const record = (driver: Driver) =>
    inLabs(lab, driver, 1, [driver], async (life) => void (whole[driver] = await life.live("life-whole-0")));
  await Promise.all([record("small"), record("spark")]);
});
afterAll(() => rmSync(lab, { recursive: true }));

test("the small driver makes every kind of call that Spark makes, and as much comes of it", () => {
  expect([whole.small.made, whole.spark.made]).toEqual([WHOLE, WHOLE]);
  expect([whole.small.batch.state, whole.spark.batch.state]).toEqual(["SUCCEEDED", "SUCCEEDED"]);
  const kinds = new Set(whole.small.passed.map(kindOf));
  expect(whole.spark.passed.map(kindOf).filter((kind) => !kinds.has(kind))).toEqual([]);
});

test("a batch outlives kill -9 of the cloud at every point of its life", async () => {
  const points = whole.small.passed.map((name) => `${name} #0`);
  expect(points.length).toBeGreaterThan(70);
  const left = new Set(points);
  for (let round = 1; left.size > 0 && round <= ROUNDS; round++) {
    const batches = apart([...left], Math.ceil(left.size / ENDS_PER_BATCH));
    const work = batches.map((chosen, n) => ({ chosen, id: `life-kill-${100 * round + n}` }));
    await inLabs(lab, "small", LABS_AT_ONCE, work, async (life, { chosen, id }) => {
      const { ended, batch, made } = await life.live(id, { signal: "SIGKILL", points: chosen });
      for (const point of ended) left.delete(point);
      expect([id, batch.stateMessage, batch.state, made]).toEqual([id, undefined, "SUCCEEDED", WHOLE]);
    });
  }
  expect([...left]).toEqual([]);
});

/** Where each phase of Spark's own work begins, in their order. */
const PHASES: readonly [phase: string, point: RegExp][] = [
  ["its start", /^the driver was started/],
  ["its first state", /^state: put \S+\/batches\/life-N is written/],
  ["its credentials", /\/default\/token arrives/],
  ["its program", /\/download\/\S+small_batch\.py arrives/],
  ["its input", /\/download\/\S+in\.csv arrives/],
  ["rows that are written at once", /AppendRows arrives/],
  ["rows that are committed", /BatchCommitWriteStreams answers/],
  ["a file of its committer", /^state: put storage\/upload\/ID, .*parquet is written/],
  ["a file's final name", /^POST \S+rewriteTo\S+parquet is answered/],
  ["a load", /^POST \S+\/jobs is answered/],
  ["rows that are read", /ReadRows arrives/],
  ["its output", /^state: put storage\/upload\/ID, .*json is written/],
  ["its event log", /spark-job-history/],
  ["its last state", /^state: put operations\/\S+ is written/],
];

test("a batch of Spark's outlives kill -9 of the cloud in each phase of its work", async () => {
  const points = PHASES.map(([phase, point]) => [phase, whole.spark.passed.find((name) => point.test(name))] as const);
  expect(points.filter(([, name]) => name === undefined)).toEqual([]);
  const left = new Set(points.map(([, name]) => `${name} #0`));
  for (let round = 1; left.size > 0 && round <= ROUNDS; round++) {
    const work = apart([...left], Math.min(left.size, BATCHES_OF_SPARK)).map((chosen, n) => ({ chosen, n }));
    await inLabs(lab, "spark", BATCHES_OF_SPARK, work, async (life, { chosen, n }) => {
      const { ended, batch, made } = await life.live(`life-phase-${10 * round + n}`, {
        ...{ signal: "SIGKILL", points: chosen },
      });
      for (const point of ended) left.delete(point);
      if (batch.state === "SUCCEEDED") return expect(made).toEqual(WHOLE);
      // A client may give up a call that is lost again and again: then the batch says why, and can be submitted again.
      expect(batch).toMatchObject({ state: "FAILED", stateMessage: expect.stringMatching(/\S/) });
      const again = await life.live(`life-again-${10 * round + n}`);
      expect(again).toMatchObject({ batch: { state: "SUCCEEDED" }, made: WHOLE });
    });
  }
  expect([...left]).toEqual([]);
});

/** Neighbours in time go to different groups: a client that loses one call again and again gives up. */
function apart<T>(items: readonly T[], groups: number): T[][] {
  return Array.from({ length: groups }, (_, group) => items.filter((_, index) => index % groups === group));
}
