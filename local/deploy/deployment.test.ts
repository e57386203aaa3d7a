/** How registrations of one run meet: what waits for what, what cannot be. No program, the state in memory. */
import { beforeEach, expect, test } from "@jest/globals";
import { Deployment } from "./deployment";
import type { Goal } from "./goal";
import { Providers } from "./providers";
import { Snapshot, type JournalRecord, type ResourceState } from "./snapshot";
import { filesPackage } from "./testing";

const TYPE = "files:index:File";
const PROVIDER = "urn:pulumi:test::steps::pulumi:providers:files::default";
const urnOf = (name: string) => `urn:pulumi:test::steps::${TYPE}::${name}`;
const goal = (name: string, more: Partial<Goal> = {}): Goal => ({
  ...{ type: TYPE, name, custom: true, properties: { name } },
  ...{ dependencies: [], propertyDependencies: {}, providers: {}, ignoreChanges: [], replaceOnChanges: [] },
  ...{ additionalSecretOutputs: [], aliases: [], customTimeouts: {} },
  ...more,
});
const state = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  ...{ urn: urnOf(name), type: TYPE, custom: true, id: name, provider: `${PROVIDER}::id`, inputs: { name } },
  ...more,
});
const provider: ResourceState = { urn: PROVIDER, type: "pulumi:providers:files", custom: true, id: "id", inputs: {} };

/** Calls of the provider, in their order. */
let calls: string[];
/** What a deletion waits for, and what resolves when one has begun. */
let permission: Promise<void>;
let begun: Promise<void>;
let tellBegun: () => void;
beforeEach(() => {
  calls = [];
  permission = Promise.resolve();
  begun = new Promise((resolve) => (tellBegun = resolve));
});

function deploymentOf(...resources: ResourceState[]): Deployment {
  const snapshot = new Snapshot([provider, ...resources]);
  const files = filesPackage("/nonexistent");
  const configure = () => ({
    ...files.configure({}, "/"),
    check: (_type: string, _urn: string, inputs: Goal["properties"]) => ({ inputs, failures: [] }),
    diff: files.configure({}, "/").diff,
    secrets: () => [],
    create: async (_type: string, { name }: Goal["properties"]) => {
      calls.push(`create ${name as string}`);
      return { id: name as string, outputs: {} };
    },
    delete: async (_type: string, { id }: { id: string }) => {
      calls.push(`delete ${id}`);
      tellBegun();
      await permission;
      calls.push(`deleted ${id}`);
    },
  });
  const store = { snapshot, record: async (record: JournalRecord) => snapshot.apply(record) };
  return new Deployment({
    ...{ store, scope: { stack: "test", project: "steps" }, root: "/", preview: false, parallel: 8 },
    providers: new Providers({ files: { ...files, configure } }, {}, "/", store),
    ...{ emit: () => undefined, signal: new AbortController().signal },
  });
}

test("what is being deleted with something replaced is made anew when that is over, however little it changed", async () => {
  let permit = () => {};
  permission = new Promise((resolve) => (permit = resolve));
  const deployment = deploymentOf(state("root"), state("follows", { propertyDependencies: { name: [urnOf("root")] } }));
  const root = deployment.register(goal("root", { properties: { name: "root", kind: "b" } }));
  await begun;
  const follows = deployment.register(goal("follows"));
  // Whatever can be done without waiting has been done.
  await new Promise(setImmediate);
  expect(calls).toEqual(["delete follows"]);
  permit();
  await Promise.all([root, follows]);
  expect(calls.slice(0, 4)).toEqual(["delete follows", "deleted follows", "delete root", "deleted root"]);
  expect(calls.slice(4).sort()).toEqual(["create follows", "create root"]);
  const left = deployment.steps.snapshot.ordered().filter(({ type }) => type === TYPE);
  expect(left.map(({ urn, pendingReplacement }) => [urn, pendingReplacement]).sort()).toEqual([
    [urnOf("follows"), undefined],
    [urnOf("root"), undefined],
  ]);
});

test("what is retained is replaced without being deleted", async () => {
  const deployment = deploymentOf(state("root", { retainOnDelete: true }));
  await deployment.register(goal("root", { properties: { name: "other" }, deleteBeforeReplace: true }));
  expect(calls).toEqual(["create other"]);
});

test.each<[what: string, first: string[], refused: Goal, message: string]>([
  ["a parent that is not registered", [], goal("child", { parent: urnOf("absent") }), "::absent was not registered"],
  ["a name that is taken", ["one"], goal("one"), "two resources of this type have this name"],
  ["a provider that is not registered", [], goal("one", { provider: `${PROVIDER}x::id` }), "was not registered"],
])("%s is refused, and ends the run", async (_, first, refused, message) => {
  const deployment = deploymentOf();
  for (const name of first) await deployment.register(goal(name));
  await expect(deployment.register(refused)).rejects.toThrow(message);
  expect(calls).toEqual(first.map((name) => `create ${name}`));
  await expect(deployment.register(goal("later"))).rejects.toThrow("cancelled before it began");
});
