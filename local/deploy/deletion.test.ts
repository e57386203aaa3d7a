/** Deletions: what follows a replacement, what is called for and in which order, what a failure leaves. */
import { expect, test } from "@jest/globals";
import { condemnedSteps, dependentReplacements } from "./deletion";
import { Claims } from "./claims";
import type { Provider } from "./provider";
import { Snapshot, type ResourceState } from "./snapshot";
import { Steps } from "./steps";
import { filesPackage } from "./testing";
import { nameOf } from "./urn";

const TYPE = "files:index:File";
const PROVIDER = "urn:pulumi:test::steps::pulumi:providers:files::own";
const urnOf = (name: string) => `urn:pulumi:test::steps::${TYPE}::${name}`;
const state = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  ...{ urn: urnOf(name), type: TYPE, custom: true, id: name, provider: `${PROVIDER}::id`, inputs: { name } },
  ...more,
});
const provider: ResourceState = { urn: PROVIDER, type: "pulumi:providers:files", custom: true, id: "id" };
const files = filesPackage("/nonexistent").configure({}, "/");

/** A snapshot, and a provider of it that notes what it is asked to delete and refuses what is named so. */
function stage(...resources: ResourceState[]) {
  const snapshot = new Snapshot([provider, ...resources]);
  const log: string[] = [];
  const deleting: Provider = {
    ...files,
    delete: async (_type, { id }) => {
      log.push(`${id} begins`);
      await new Promise(setImmediate);
      if (id.startsWith("refused")) throw new Error(`${id.startsWith("refused-like") ? "refused" : id}: no`);
      log.push(`${id} is gone`);
    },
  };
  const steps = new Steps({
    ...{ store: { snapshot, record: async (record) => snapshot.apply(record) }, preview: false, parallel: 8 },
    ...{ emit: (event) => void (event.type === "step" && event.state === "done" && log.push(event.kind)) },
    signal: new AbortController().signal,
  });
  const find = (ref: string | undefined) => (ref === `${PROVIDER}::id` ? deleting : undefined);
  const keyOf = (name: string) => [...snapshot.resources].find(([, { urn }]) => urn === urnOf(name))![0];
  const claimed = (...names: string[]) => new Set([0, ...names.map(keyOf)]);
  return { snapshot, log, claimed, remove: (...kept: string[]) => condemnedSteps(steps, find, claimed(...kept)) };
}
const called = (log: string[]) => log.filter((line) => / begins| is gone/.test(line));

test("each goes when all that depends on it is gone, whatever makes it depend", async () => {
  const { log, remove, snapshot } = stage(
    state("root"),
    state("listed", { dependencies: [urnOf("root")] }),
    state("by-property", { propertyDependencies: { name: [urnOf("listed")] } }),
    state("child", { parent: urnOf("by-property") }),
  );
  await remove();
  const order = ["child", "by-property", "listed", "root"];
  expect(called(log)).toEqual(order.flatMap((name) => [`${name} begins`, `${name} is gone`]));
  expect([...snapshot.resources.values()]).toEqual([provider]);
});

test.each<[what: string, more: Partial<ResourceState>, log: string[]]>([
  ["is deleted", {}, ["a begins", "a is gone", "delete"]],
  ["is retained is forgotten", { retainOnDelete: true }, ["delete"]],
  ["was deleted for a replacement that never came is forgotten", { pendingReplacement: true }, ["delete-replaced"]],
  ["was replaced is deleted", { delete: true }, ["a begins", "a is gone", "delete-replaced"]],
  [
    "was replaced is deleted though protected",
    { delete: true, protect: true },
    ["a begins", "a is gone", "delete-replaced"],
  ],
])("what %s", async (_, more, expected) => {
  const { log, remove } = stage(state("a", more));
  await remove();
  expect(log).toEqual(expected);
});

test("what goes with something else is not asked for, unless of that only an older one goes", async () => {
  const part = state("part", { deletedWith: urnOf("whole"), dependencies: [urnOf("whole")] });
  const together = stage(state("whole"), part);
  await together.remove();
  expect(called(together.log)).toEqual(["whole begins", "whole is gone"]);
  const replaced = stage(state("whole", { delete: true }), part);
  await replaced.remove();
  expect(replaced.log).toContain("part is gone");
});

test("all that could not be deleted is told, the same once; what it needs stays", async () => {
  const { remove, log } = stage(
    state("root"),
    state("refused-a", { dependencies: [urnOf("root")] }),
    state("refused-b"),
  );
  await expect(remove()).rejects.toThrow(/Not everything could be deleted:\n {2}- refused-b: no\n {2}- refused-a: no/);
  expect(log).not.toContain("root begins");
  const like = stage(state("refused-like-a"), state("refused-like-b"));
  await expect(like.remove()).rejects.toThrow(/^refused: no$/);
});

test("what no provider of the state can delete is told", async () => {
  await expect(stage(state("a", { provider: `${PROVIDER}::other` })).remove()).rejects.toThrow("not in the state");
});

test("nothing goes while anything among it is protected", async () => {
  const { remove, log } = stage(state("a"), state("b", { protect: true }));
  await expect(remove()).rejects.toThrow(/Protected resources would be deleted:\n.*::b\. Set protect to false/);
  expect(log).toEqual([]);
});

test.each<[what: string, more: Partial<ResourceState>, follows: boolean]>([
  ["depends by a property that replaces", { propertyDependencies: { name: [urnOf("root")] } }, true],
  ["depends by a property that changes in place", { propertyDependencies: { content: [urnOf("root")] } }, false],
  ["only waits for it", { dependencies: [urnOf("root")] }, false],
  ["is deleted with it", { deletedWith: urnOf("root") }, true],
  ["is gone already", { deletedWith: urnOf("root"), pendingReplacement: true }, false],
  ["is a component", { deletedWith: urnOf("root"), custom: false }, false],
])("what %s follows a replacement: %#", (_, more, follows) => {
  const { snapshot } = stage(state("root"), state("a", { inputs: { name: "a", content: "x" }, ...more }));
  const root = { key: 1, state: snapshot.resources.get(1)! };
  const found = dependentReplacements(snapshot, root, new Set(), () => files);
  expect(found.map(({ state: { urn } }) => nameOf(urn))).toEqual(follows ? ["a"] : []);
  expect(dependentReplacements(snapshot, root, new Set([2]), () => files)).toEqual([]);
});

test("what a replaced provider manages follows it", () => {
  const { snapshot } = stage(state("a"), state("other", { provider: "urn:pulumi:test::steps::p::other::id" }));
  const found = dependentReplacements(snapshot, { key: 0, state: provider }, new Set(), () => files);
  expect(found.map(({ state: { urn } }) => nameOf(urn))).toEqual(["a"]);
});

test("what waits for its deletion cannot be claimed; an alias that is claimed twice is refused", () => {
  const claims = new Claims(new Snapshot([state("a", { delete: true }), state("b")]));
  expect(claims.claim([urnOf("a")])).toBeUndefined();
  expect(claims.claim([urnOf("new"), urnOf("b")])?.key).toBe(1);
  expect(claims.usedAlias(urnOf("new"))).toBe(urnOf("b"));
  expect(() => claims.claim([urnOf("b")])).toThrow("belongs to another resource of this program");
});
