/** The state on disk: what it survives and what it refuses. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Crypter } from "./secrets";
import type { ResourceState } from "./snapshot";
import { exportState, State } from "./state";
import { secret, SIGNATURE } from "./values";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "state-"));
});
afterEach(async () => {
  // What a test left as if it had crashed still holds its journal open.
  await Promise.allSettled(opened.splice(0).map((state) => state.fold()));
  rmSync(folder, { recursive: true });
});

// A crypter whose work can be seen; the real one has tests of its own.
const crypter: Crypter = {
  salt: "salt",
  encrypt: (text) => `sealed ${Buffer.from(text).toString("hex")}`,
  decrypt: (sealed) => Buffer.from(sealed.slice(7), "hex").toString(),
};
const opened: State[] = [];
const open = async () => {
  const state = await State.open({ folder, stack: "test", crypter: async () => crypter });
  opened.push(state);
  return state;
};
const path = (name: string) => join(folder, name);
const resource = (name: string, more: Partial<ResourceState> = {}): ResourceState => ({
  urn: `urn:pulumi:test::p::t:m:T::${name}`,
  type: "t:m:T",
  custom: true,
  id: name,
  ...more,
});
const urns = (state: State) => state.snapshot.ordered().map(({ urn }) => urn.split("::")[3]);

test("what was recorded is there after a crash, before any folding", async () => {
  const state = await open();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("a") }] });
  await state.record({
    begin: { token: state.snapshot.newKey(), operation: { type: "creating", resource: resource("b") } },
  });
  expect(existsSync(path("test.json"))).toBe(false);
  const after = await open();
  expect(urns(after)).toEqual(["a"]);
  expect([...after.snapshot.pending.values()]).toEqual([{ type: "creating", resource: resource("b") }]);
  expect(readdirSync(folder).sort()).toEqual(["backups", "test.json"]);
});

test("a record whose writer died half way never counted", async () => {
  const state = await open();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("a") }] });
  appendFileSync(path("test.journal"), '{"put":[{"key":9,"resource":{"urn"');
  expect(urns(await open())).toEqual(["a"]);
});

test("a journal that was folded already is not applied again", async () => {
  const state = await open();
  for (const name of ["a", "b"]) await state.record({ put: [{ key: state.snapshot.newKey(), state: resource(name) }] });
  await state.fold();
  await state.record({ drop: [0] });
  const journal = readFileSync(path("test.journal"));
  await state.fold();
  writeFileSync(path("test.journal"), journal);
  expect(urns(await open())).toEqual(["b"]);
});

test("a damaged journal is refused with its line", async () => {
  const state = await open();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("a") }] });
  appendFileSync(path("test.journal"), "garbage\n");
  await expect(open()).rejects.toThrow(/test\.journal: line 3 is damaged/);
});

test("what is recorded at once is written together, and what need not be durable goes with it", async () => {
  const state = await open();
  const put = (name: string) => ({ put: [{ key: state.snapshot.newKey(), state: resource(name) }] });
  await state.record(put("a"), false);
  await Promise.all(["b", "c", "d"].map((name) => state.record(put(name))));
  await Promise.all(["e", "f"].map((name) => state.record(put(name))));
  expect(urns(await open())).toEqual(["a", "b", "c", "d", "e", "f"]);
});

test("the journal holds secrets sealed, of operations, too", async () => {
  const state = await open();
  const hiding = resource("a", { inputs: { word: secret("opensesame") } });
  await state.record({
    put: [{ key: state.snapshot.newKey(), state: hiding }],
    begin: { token: state.snapshot.newKey(), operation: { type: "updating", resource: hiding } },
  });
  expect(readFileSync(path("test.journal"), "utf8")).not.toContain("opensesame");
  const { snapshot } = await open();
  expect([snapshot.ordered(), [...snapshot.pending.values()]]).toEqual([
    [hiding],
    [{ type: "updating", resource: hiding }],
  ]);
});

test("the file is the engine's format, private, with secrets sealed and read back open", async () => {
  const state = await open();
  await state.record({
    put: [{ key: state.snapshot.newKey(), state: resource("a", { inputs: { word: secret("opensesame") } }) }],
  });
  await state.fold();
  const text = readFileSync(path("test.json"), "utf8");
  expect(text).not.toContain("opensesame");
  expect(JSON.parse(text)).toMatchObject({
    version: 3,
    deployment: {
      // The engine checks that the magic is the SHA-256 of the version.
      manifest: { version: "v3.248.0", magic: "1c72415da0837d6b54e4fd59aa49d86e7a984759e60a944fc9ff1c8042addcfe" },
      secrets_providers: { type: "passphrase", state: { salt: "salt" } },
      resources: [
        {
          inputs: {
            word: { [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", ciphertext: crypter.encrypt('"opensesame"') },
          },
        },
      ],
    },
  });
  expect(statSync(path("test.json")).mode & 0o777).toBe(0o600);
  expect((await open()).snapshot.ordered()[0]?.inputs).toEqual({ word: secret("opensesame") });
});

test("fields that are not known here stay as they were", async () => {
  const state = await open();
  await state.record({
    put: [
      {
        key: state.snapshot.newKey(),
        state: { ...resource("a"), taint: true, stackTrace: [{ sourcePosition: "x" }] },
      },
    ],
  });
  await state.fold();
  expect((await open()).snapshot.ordered()[0]).toMatchObject({ taint: true, stackTrace: [{ sourcePosition: "x" }] });
});

test("nothing is written when nothing changed; each change keeps the state before it", async () => {
  const state = await open();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("a") }] });
  await state.fold();
  const before = statSync(path("test.json")).mtimeMs;
  const again = await open();
  await again.record({ put: [{ key: again.snapshot.newKey(), state: resource("a") }], drop: [0] }, false);
  await again.fold();
  expect(statSync(path("test.json")).mtimeMs).toBe(before);
  for (let i = 0; i < 12; i++) {
    await again.record({ put: [{ key: again.snapshot.newKey(), state: resource(`n${i}`) }] });
    await again.fold();
  }
  expect(readdirSync(path("backups")).length).toBe(10);
});

test.each([
  ["truncated", (text: string) => text.slice(0, 200)],
  ["another version", (text: string) => text.replace('"version": 3', '"version": 4')],
  ["changed by hand", (text: string) => text.replace("1c72", "0000")],
])("a state file that is %s is refused with the backup named", async (_, damage) => {
  const state = await open();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("a") }] });
  await state.fold();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("b") }] });
  await state.fold();
  writeFileSync(path("test.json"), damage(readFileSync(path("test.json"), "utf8")));
  await expect(open()).rejects.toThrow(
    /test\.json: not a deployment that can be used; the one before is .*backups\/test\.2/,
  );
});

test("what another process is recording can be looked at", async () => {
  const state = await open();
  await state.record({ put: [{ key: state.snapshot.newKey(), state: resource("a") }] });
  expect((await exportState({ folder, stack: "test" })).deployment.resources).toEqual([resource("a")]);
  expect(existsSync(path("test.journal"))).toBe(true);
  expect((await exportState({ folder, stack: "never" })).deployment.resources).toEqual([]);
});

test("after a failed write nothing later counts as recorded", async () => {
  const state = await open();
  rmSync(folder, { recursive: true });
  await expect(state.record({ put: [{ key: 0, state: resource("a") }] })).rejects.toThrow("ENOENT");
  // Though it could be written now.
  mkdirSync(folder);
  await expect(state.record({ put: [{ key: 1, state: resource("b") }] })).rejects.toThrow("ENOENT");
});
