/** What a step hands its provider, and what is on disk around each call, whatever becomes of it. */
import { beforeEach, expect, test } from "@jest/globals";
import { UncertainError } from "./errors";
import type { CallOptions, Provider } from "./provider";
import { Snapshot, type JournalRecord, type ResourceState } from "./snapshot";
import { Steps } from "./steps";
import { filesPackage } from "./testing";

const TYPE = "files:index:File";
const state: ResourceState = {
  ...{ urn: `urn:pulumi:test::steps::${TYPE}::one`, type: TYPE, custom: true, id: "one", inputs: { name: "one" } },
  customTimeouts: { create: 1, update: 2, delete: 3 },
};
const files = filesPackage("/nonexistent").configure({}, "/");

let snapshot: Snapshot;
let records: JournalRecord[];
let steps: Steps;
/** Timeout of each call, and the operations that were pending then. */
let calls: [timeout: number | undefined, pending: string[]][];
let failure: Error | undefined;
let provider: Provider;

beforeEach(() => {
  [snapshot, records, calls, failure] = [new Snapshot([state]), [], [], undefined];
  const record = async (one: JournalRecord) => {
    records.push(one);
    snapshot.apply(one);
  };
  const signal = new AbortController().signal;
  const options = { preview: false, parallel: 1, emit: () => undefined, signal };
  steps = new Steps({ ...options, store: { snapshot, record } });
  const note = async ({ timeout }: CallOptions) => {
    calls.push([timeout, [...snapshot.pending.values()].map(({ type }) => type)]);
    if (failure) throw failure;
    return { id: "one", outputs: {} };
  };
  provider = {
    ...files,
    secrets: () => [],
    create: (_type, _inputs, asked) => note(asked),
    update: (_type, _old, _news, asked) => note(asked),
    delete: async (_type, _old, asked) => void (await note(asked)),
  };
});

const old = () => ({ key: 0, state });
const VERBS = {
  creating: () => steps.create(provider, state),
  updating: () => steps.update(provider, old(), state, []),
  deleting: () => steps.remove("delete", provider, old(), "forget"),
};

test.each([
  ["creating", 1],
  ["updating", 2],
  ["deleting", 3],
] as const)(
  "%s is pending during the call, which has its own time, and settled with its result",
  async (verb, seconds) => {
    await VERBS[verb]();
    expect(calls).toEqual([[seconds, [verb]]]);
    expect(snapshot.pending.size).toBe(0);
    // The result and the end of the operation are one record: between two a crash would forget one of them.
    expect(records.map((record) => Object.keys(record).sort())).toEqual([
      ["begin"],
      { creating: ["put", "settle"], updating: ["drop", "put", "settle"], deleting: ["drop", "settle"] }[verb],
    ]);
  },
);

test.each(Object.keys(VERBS) as (keyof typeof VERBS)[])(
  "%s that was refused is settled, and changes nothing",
  async (verb) => {
    failure = new Error("refused");
    await expect(VERBS[verb]()).rejects.toThrow("refused");
    expect([snapshot.pending.size, snapshot.ordered()]).toEqual([0, [state]]);
  },
);

test.each(Object.keys(VERBS) as (keyof typeof VERBS)[])("%s whose answer was lost stays pending", async (verb) => {
  failure = new UncertainError("no answer");
  await expect(VERBS[verb]()).rejects.toThrow("no answer");
  expect([...snapshot.pending.values()].map(({ type }) => type)).toEqual([verb]);
  expect(snapshot.ordered()).toEqual([state]);
});
