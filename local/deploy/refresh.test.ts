/** Reading what exists: what a refresh takes over, and what an interrupted operation is found to have done. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { DeployEvent, StepEvent } from "./events";
import type { Provider } from "./provider";
import { recoverPending } from "./recovery";
import { refreshAll } from "./refresh";
import { Snapshot, type JournalRecord, type PendingOperation, type ResourceState } from "./snapshot";
import { Steps } from "./steps";
import { filesPackage } from "./testing";
import { isSecret, secret } from "./values";

const TYPE = "files:index:File";
const urnOf = (name: string) => `urn:pulumi:test::steps::${TYPE}::${name}`;
let folder: string;
let files: Provider;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "refresh-"));
  files = filesPackage(folder).configure({}, "/");
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, more = {}) => writeFileSync(join(folder, name), JSON.stringify({ name, ...more }));
const state = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  ...{ urn: urnOf(name), type: TYPE, custom: true, id: name, provider: "p::id", inputs: { name } },
  ...more,
});
/** The same as it is read now. */
const current = async (name: string, more: Partial<ResourceState> = {}) => {
  const { inputs, outputs } = (await files.read(TYPE, { id: name, inputs: {}, outputs: {} }, {}))!;
  return state(name, { inputs, outputs, ...more });
};
const find = (ref: string | undefined) => (ref === "p::id" ? files : undefined);

function storeOf(resources: ResourceState[], pending: PendingOperation[] = []) {
  const snapshot = new Snapshot(resources, pending);
  const written: JournalRecord[] = [];
  return {
    snapshot,
    written,
    record: async (record: JournalRecord) => {
      if (record.put || record.drop || record.begin) written.push(record);
      snapshot.apply(record);
    },
  };
}
async function refresh(...resources: ResourceState[]) {
  const store = storeOf(resources);
  const events: StepEvent[] = [];
  const emit = (event: DeployEvent) => void (event.type === "step" && event.state === "done" && events.push(event));
  const signal = new AbortController().signal;
  const steps = new Steps({ store, preview: false, parallel: 4, emit, signal });
  await refreshAll(steps, find);
  return { ...store, changes: events.map(({ changes }) => changes), states: store.snapshot.ordered() };
}
async function recover(resources: ResourceState[], ...pending: PendingOperation[]) {
  const store = storeOf(resources, pending);
  const lost = await recoverPending(store, find, () => undefined);
  return { lost, states: store.snapshot.ordered(), left: store.snapshot.pending.size };
}

test("what is as it was is not written", async () => {
  put("a");
  const { written, states } = await refresh(await current("a"));
  expect([written, states]).toEqual([[], [await current("a")]]);
});

test("what was deleted for its replacement is not looked for", async () => {
  const { changes, states } = await refresh(state("a", { pendingReplacement: true }));
  expect([changes, states.length]).toEqual([[], 1]);
});

test("what was a secret stays one when something else of it drifted", async () => {
  put("a", { content: "opensesame" });
  const before = await current("a");
  put("a", { content: "opensesame", tags: { by: "hand" } });
  const { states } = await refresh({ ...before, inputs: { ...before.inputs, content: secret("opensesame") } });
  const { inputs } = states[0]!;
  expect([isSecret(inputs!.content), inputs!.tags]).toEqual([true, { by: "hand" }]);
});

test("what cannot be read is told, when all else has been read", async () => {
  put("b", { content: "new" });
  await expect(refresh(state("a", { provider: "other::id" }), state("b"))).rejects.toThrow(
    "provider other::id is not in the state",
  );
});

const creating = (name: string, more: Partial<ResourceState> = {}): PendingOperation => ({
  type: "creating",
  resource: state(name, { id: undefined, ...more }),
});

test("a creation that happened is taken over with its secrets; one that did not is forgotten", async () => {
  put("a", { content: "opensesame" });
  const inputs = { name: "a", content: secret("opensesame") };
  const { states, left, lost } = await recover([], creating("a", { inputs }), creating("b"));
  expect([states.map(({ id }) => id), left, lost]).toEqual([["a"], 0, []]);
  expect([isSecret(states[0]!.inputs!.content), isSecret(states[0]!.outputs!.content)]).toEqual([true, true]);
});

test("what the state holds already is not taken for what was lost", async () => {
  const inputs = { kind: "searched", content: "words" };
  put("known", inputs);
  put("lost", inputs);
  const known = await current("known");
  const { states, lost } = await recover([known], creating("lost", { inputs: { name: "lost", ...inputs } }));
  expect([states.map(({ id }) => id).sort(), lost]).toEqual([["known", "lost"], []]);
});

test.each<[old: string, more: Partial<ResourceState>, then: unknown[]]>([
  [
    "another of its name is still to be deleted",
    { id: "old" },
    [
      ["new", undefined],
      ["old", true],
    ],
  ],
  ["that was deleted for it is forgotten", { id: "old", pendingReplacement: true }, [["new", undefined]]],
  ["that is the same is forgotten", { id: "new" }, [["new", undefined]]],
])("where a replacement was made, what %s", async (_, more, then) => {
  put("new");
  const old = state("a", more);
  const { states } = await recover([old], creating("a", { inputs: { name: "new" } }));
  const found = states.map(({ id, delete: isOld }) => [id, isOld]);
  expect(found.sort()).toEqual(then);
});

test("an interrupted update or deletion leaves the state as it was, for the next run to do it again", async () => {
  put("a", { content: "half changed" });
  const before = state("a");
  const pending = (["updating", "deleting"] as const).map((type) => ({ type, resource: before }));
  expect(await recover([before], ...pending)).toEqual({ lost: [], states: [before], left: 0 });
  expect(existsSync(join(folder, "a"))).toBe(true);
});
