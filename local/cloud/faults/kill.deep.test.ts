/**
 * kill -9 of the cloud at every point of a small batch's life: what is half done is nowhere, and the batch has either
 * succeeded with the whole result or failed with the reason and can be submitted again.
 */
import { expect, jest, test } from "@jest/globals";
import { BatchLife } from "./batch-life";

jest.setTimeout(40 * 60_000);
/** Each batch bears several ends of its cloud, at points that lie apart; else there would be a batch for each. */
const ENDS_PER_BATCH = 12;
const WHOLE = { tables: 2, objects: 1 };

// Left out: its 122 points take longer than the deep suite may, and it has not been seen to its end.
test.skip("a batch outlives kill -9 of the cloud at every point of its life", async () => {
  const life = await BatchLife.open();
  const points = await life.record();
  expect(await life.check("life-all-0")).toEqual(WHOLE);
  const left = new Set(points);
  const ends: Record<string, number> = {};
  for (let n = 1, idle = 0; left.size > 0 && idle < 2; n++) {
    // Neighbours in time go to different batches: a client that loses one call again and again gives up with reason.
    const chosen = [...left].filter((_, index) => index % Math.ceil(left.size / ENDS_PER_BATCH) === 0);
    const { ended, batch } = await life.live(`life-kill-${n}`, {
      ...{ signal: "SIGKILL", points: chosen, most: ENDS_PER_BATCH },
    });
    for (const point of ended) left.delete(point);
    idle = ended.length === 0 ? idle + 1 : 0;
    const state = batch.state as string;
    ends[state] = (ends[state] ?? 0) + 1;
    const made = await life.check(`life-kill-${n}`);
    if (state === "SUCCEEDED") expect(made).toEqual(WHOLE);
    else {
      expect(batch).toMatchObject({ state: "FAILED", stateMessage: expect.stringMatching(/\S/) });
      expect((await life.live(`life-again-${n}`)).batch.state).toBe("SUCCEEDED");
      expect(await life.check(`life-again-${n}`)).toEqual(WHOLE);
    }
  }
  process.stdout.write(
    `${points.length - left.size} of ${points.length} points; batches by state: ${JSON.stringify(ends)}\n`,
  );
  // How often output is copied while the driver runs, and a client's retry, depend on the machine's pace.
  expect(left.size).toBeLessThan(points.length / 20);
  await life.close();
});
