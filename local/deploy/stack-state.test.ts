/** State taken out of one lab and put into another, as with `pulumi stack export` and `import`. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportStack, importStack } from "./index";
import { lock } from "./lock";
import type { ResourceState } from "./snapshot";
import { testLab, type TestLab } from "./testing";

let lab: TestLab;
beforeEach(() => {
  lab = testLab("steps");
});
afterEach(() => lab.close());

const environment = { PULUMI_CONFIG_PASSPHRASE: "test" };
const place = () => ({ lab: lab.folder, stack: "test", environment });
const config = { "steps:cases": "secrets,explicitProvider", "steps:moment": "before" };

test("a state that was taken out goes in elsewhere, with its secrets, and the next up changes nothing", async () => {
  await lab.run({ operation: "up", skipPreview: true, config });
  const state = await exportStack(place());
  expect(JSON.stringify(state)).not.toContain("opensesame");
  const open = await exportStack(place(), true);
  expect(JSON.stringify(open)).toContain('"plaintext":"\\"opensesame\\""');

  await lab.run({ operation: "up", skipPreview: true, config: { ...config, "steps:cases": "same" } });
  for (const text of [JSON.stringify(state), JSON.stringify(open)]) {
    await importStack(place(), text);
    expect((await lab.run({ operation: "preview", config })).steps).toEqual([]);
  }
  expect(JSON.stringify(await lab.resources())).not.toContain("opensesame");
  expect(readdirSync(join(lab.folder, "stacks", "backups")).length).toBeGreaterThan(2);
  await expect(
    importStack({ ...place(), environment: { PULUMI_CONFIG_PASSPHRASE: "other" } }, JSON.stringify(state)),
  ).rejects.toThrow("passphrase: does not open this stack's secrets");
}, 120_000);

const urn = (name: string) => `urn:pulumi:test::steps::files:index:File::${name}`;
const file = (name: string, more: Partial<ResourceState> & Record<string, unknown> = {}) => ({
  urn: urn(name),
  type: "files:index:File",
  custom: true,
  ...more,
});
const manifest = {
  time: "2026-01-01T00:00:00Z",
  magic: "1c72415da0837d6b54e4fd59aa49d86e7a984759e60a944fc9ff1c8042addcfe",
  version: "v3.248.0",
};
const stateOf = (...resources: object[]) => JSON.stringify({ version: 3, deployment: { manifest, resources } });

test.each([
  [
    "a reference to nothing",
    stateOf(file("a", { dependencies: [urn("b")] })),
    `refers to ${urn("b")}, which does not come before it`,
  ],
  ["an order that cannot be", stateOf(file("a", { parent: urn("b") }), file("b")), "does not come before it"],
  [
    "another stack's resources",
    stateOf({ ...file("a"), urn: urn("a").replace(":test:", ":dev:") }),
    "is not of stack test",
  ],
  ["what only another engine does", stateOf(file("a", { viewOf: urn("b") })), "viewOf: cannot be used here"],
  ["what another owns", stateOf(file("a", { external: true })), "external: cannot be used here"],
  [
    "another secrets provider",
    JSON.stringify({ version: 3, deployment: { manifest, secrets_providers: { type: "service", state: {} } } }),
    "got service; only passphrase",
  ],
  ["no state at all", "{}", "nothing was changed"],
])("%s is refused, and nothing is changed", async (_, text, message) => {
  await expect(importStack(place(), text)).rejects.toThrow(message);
  expect(await lab.resources()).toEqual([]);
});

test("what is put in counts whatever a dead process has recorded, with its pending operations, and not beside another", async () => {
  const stacks = join(lab.folder, "stacks");
  mkdirSync(stacks, { recursive: true });
  const pending = { type: "creating", resource: file("lost", { inputs: { name: "lost" } }) };
  const text = JSON.stringify({
    version: 3,
    deployment: { manifest, resources: [file("a", { id: "a" })], pending_operations: [pending] },
  });
  writeFileSync(join(stacks, "test.journal"), '{"base":"of a state that was"}\n');
  await importStack(place(), text);
  expect(existsSync(join(stacks, "test.journal"))).toBe(false);
  expect((await exportStack(place())).deployment).toMatchObject({
    resources: [{ id: "a" }],
    pending_operations: [{ type: "creating", resource: { urn: urn("lost") } }],
  });
  const release = await lock(join(stacks, "test.lock"), "up test");
  await expect(importStack(place(), text)).rejects.toThrow('Stack is being changed: "up test"');
  await release();
});

test("what is marked as tainted is replaced by the next up", async () => {
  const same = { "steps:cases": "same", "steps:moment": "before" };
  await lab.run({ operation: "up", skipPreview: true, config: same });
  const { deployment, ...state } = await exportStack(place());
  const resources = deployment.resources?.map((resource) =>
    resource.id === "same" ? { ...resource, taint: true } : resource,
  );
  await importStack(place(), JSON.stringify({ ...state, deployment: { ...deployment, resources } }));
  const { steps } = await lab.run({ operation: "preview", config: same });
  expect(steps).toEqual(["create-replacement same", "delete-replaced same"]);
}, 60_000);
