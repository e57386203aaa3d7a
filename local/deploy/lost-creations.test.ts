/**
 * Creations whose answer was lost where the service chooses the id: what they made is found again or a person is asked,
 * and nothing is made twice.
 */
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { testLab, type TestLab } from "./testing";
import type { Properties } from "./values";

let lab: TestLab;
beforeEach(() => {
  lab = testLab("steps");
});
afterEach(() => lab.close());

const config = { "steps:cases": "searched", "steps:moment": "before" };
const up = () => lab.run({ operation: "up", skipPreview: true, config });
const statePath = () => join(lab.folder, "stacks/test.json");
const state = () => JSON.parse(readFileSync(statePath(), "utf8"));
const put = (name: string, inputs: Properties) => writeFileSync(join(lab.files, name), JSON.stringify(inputs));

/** The state as an up leaves it that is killed while it waits for the answer to its one creation. */
async function loseAnswer(more: Properties = {}): Promise<void> {
  await up();
  const { deployment, ...file } = state();
  const [made] = deployment.resources.filter(({ id }: { id?: string }) => id === "kept");
  const { id: _, outputs: __, created: ___, modified: ____, ...asked } = made;
  const resources = deployment.resources.filter((one: object) => one !== made);
  const pending = [{ type: "creating", resource: { ...asked, inputs: { ...asked.inputs, ...more } } }];
  writeFileSync(
    statePath(),
    JSON.stringify({ ...file, deployment: { ...deployment, resources, pending_operations: pending } }),
  );
}
const idsOfState = async () =>
  (await lab.resources()).map(({ id }) => id).filter((id) => lab.listFiles().includes(id!));

test("what was made is found among all that is there and not in the state, and is made once", async () => {
  put("another", { name: "another", kind: "searched", content: "other words" });
  await loseAnswer();
  const { summary, steps } = await up();
  expect([summary.errors, steps]).toEqual([[], []]);
  expect(lab.listFiles()).toEqual(["another", "kept"]);
  expect(await idsOfState()).toEqual(["kept"]);
  expect(state().deployment.pending_operations).toBeUndefined();
}, 60_000);

test("what was not made is made", async () => {
  await loseAnswer();
  unlinkSync(join(lab.files, "kept"));
  expect((await up()).steps).toEqual(["create kept"]);
  expect(lab.listFiles()).toEqual(["kept"]);
}, 60_000);

test.each(["up", "destroy"] as const)(
  "%s stops before the first change where several may be it",
  async (operation) => {
    await loseAnswer();
    put("twin", { name: "twin", kind: "searched", content: "words" });
    const { summary, steps } = await lab.run({ operation, config });
    expect([summary.result, steps]).toEqual(["failed", []]);
    expect(summary.errors).toEqual([
      expect.stringMatching(/kept.*"creating" was interrupted: it may be one of these: kept, twin\. Look for it/),
    ]);
    expect(lab.listFiles()).toEqual(["kept", "twin"]);
    expect(state().deployment.pending_operations).toHaveLength(1);
  },
  60_000,
);

test("what nobody can look for stops an up and is warned of by a refresh, until it is resolved", async () => {
  await loseAnswer({ kind: "unlocatable" });
  const stopped = await up();
  expect([stopped.summary.result, stopped.steps]).toEqual(["failed", []]);
  expect(stopped.summary.errors).toEqual([expect.stringContaining("it may exist without being known here")]);
  const refreshed = await lab.run({ operation: "refresh" });
  expect(refreshed.summary).toMatchObject({ result: "succeeded", errors: [] });
  expect(refreshed.events).toContainEqual(expect.objectContaining({ type: "diagnostic", severity: "warning" }));
  const { deployment, ...file } = state();
  expect(deployment.pending_operations).toHaveLength(1);
  // A preview changes nothing, and says nothing.
  expect((await lab.run({ operation: "preview", config })).summary.result).toBe("succeeded");
  const { pending_operations: _, ...resolved } = deployment;
  writeFileSync(statePath(), JSON.stringify({ ...file, deployment: resolved }));
  unlinkSync(join(lab.files, "kept"));
  expect((await up()).steps).toEqual(["create kept"]);
}, 60_000);
