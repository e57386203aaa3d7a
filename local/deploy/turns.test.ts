/** At most so many at once, in the order in which they came. */
import { expect, test } from "@jest/globals";
import { Turns } from "./turns";

test("lets so many in at once, the others in their order, and tells when nobody is left", async () => {
  const turns = new Turns(2);
  const log: string[] = [];
  let [now, most] = [0, 0];
  const work = async (name: string) => {
    await turns.enter();
    log.push(name);
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
    turns.leave();
  };
  const all = Promise.all(["a", "b", "c", "d", "e"].map(work));
  await turns.whenIdle();
  expect(now).toBe(0);
  expect(log).toEqual(["a", "b", "c", "d", "e"]);
  expect(most).toBe(2);
  await all;
});
