/** Jobs in turns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inTurns } from "./turns.mjs";

test("begins the next job when one of two has ended, and gives the results in the jobs' order", async () => {
  const begun = [];
  const ends = {};
  const job = (name) => () => {
    begun.push(name);
    return new Promise((resolve) => (ends[name] = () => resolve(name.toUpperCase())));
  };
  const results = inTurns(["long", "a", "b", "c"].map(job), 2);
  for (const name of ["a", "b"]) {
    ends[name]();
    await new Promise(setImmediate);
  }
  assert.deepEqual(begun, ["long", "a", "b", "c"]);
  ends.c();
  ends.long();
  assert.deepEqual(await results, ["LONG", "A", "B", "C"]);
});

test("begins no more at once than it may", async () => {
  let running = 0;
  const seen = [];
  const job = async () => {
    seen.push((running += 1));
    await new Promise(setImmediate);
    running -= 1;
  };
  await inTurns(
    Array.from({ length: 7 }, () => job),
    2,
  );
  assert.equal(Math.max(...seen), 2);
});

test("fails as a job fails", async () => {
  const failing = async () => {
    throw new Error("the reason");
  };
  await assert.rejects(inTurns([failing], 2), /the reason/);
});
