/** The graceful end of the cloud at each kind of point of a small batch's life: the batch is cancelled or has ended. */
import { rmSync } from "node:fs";
import { expect, jest, test } from "@jest/globals";
import { inLabs, kindOf, prepareLab } from "./batch-life";

jest.setTimeout(20 * 60_000);
const LABS_AT_ONCE = 3;
const WHOLE = { tables: 2, objects: 1 };

test("a batch whose cloud is stopped is cancelled with the reason, or ends after the next start", async () => {
  const lab = await prepareLab();
  let passed: string[] = [];
  await inLabs(lab, "small", 1, ["life-whole-0"], async (life, id) => void ({ passed } = await life.live(id)));
  // One point of each kind of call and of state: an end costs its batch, so that each point is one.
  const kinds = [...new Map(passed.map((point) => [kindOf(point), `${point} #0`])).values()];
  const work = kinds.map((point, n) => ({ point, id: `life-stop-${n}` }));
  const ends: Record<string, string> = {};
  await inLabs(lab, "small", LABS_AT_ONCE, work, async (life, { point, id }) => {
    const { ended, batch, made } = await life.live(id, { signal: "SIGTERM", points: [point] });
    expect(ended).toEqual([point]);
    ends[point] = batch.state as string;
    if (batch.state === "SUCCEEDED") return expect([point, made]).toEqual([point, WHOLE]);
    expect([point, batch.state, batch.stateMessage]).toEqual([
      ...[point, "CANCELLED", "Cancelled: the cloud was shut down."],
    ]);
  });
  // What is submitted before a stop outlives it; what ran is cancelled; what had ended has succeeded.
  expect(new Set(Object.values(ends))).toEqual(new Set(["CANCELLED", "SUCCEEDED"]));
  await inLabs(lab, "small", 1, ["life-after-0"], async (life, id) => {
    expect(await life.live(id)).toMatchObject({ batch: { state: "SUCCEEDED" }, made: WHOLE });
  });
  rmSync(lab, { recursive: true });
});
