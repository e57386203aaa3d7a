/** Long-running operations as records: names, states, waiting, survival of a restart. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Operations, Store } from "../cloud";
import { createOperations } from "./operations";
import { OPERATOR } from "../door/principals";
import type { Call } from "../service";
import { openStore } from "./store";

const call: Call = {
  methodId: "dataproc.projects.locations.batches.create",
  host: "",
  path: {},
  query: {},
  body: {},
  principal: OPERATOR,
};
const parent = "projects/p/locations/l";

let folder: string;
let store: Store;
let operations: Operations;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-operations-"));
  store = await openStore(folder);
  operations = createOperations(store);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test("a pending operation goes from start over update to finish, and no further", async () => {
  const { name } = (await operations.start({ parent, id: "x", metadata: { step: 1 }, call })) as { name: string };
  expect(name).toBe(`${parent}/operations/x`);
  await operations.update(name, { step: 2 });
  expect(await operations.get(name)).toEqual({ name, metadata: { step: 2 }, done: false });
  await operations.finish(name, { ok: true });
  expect(await operations.get(name)).toEqual({ name, metadata: { step: 2 }, done: true, response: { ok: true } });
  await expect(operations.fail(name, { code: 13, message: "late" })).rejects.toThrow("already done");
});

test("a failed operation carries the error and no response", async () => {
  const { name } = (await operations.start({ parent, metadata: {}, call })) as { name: string };
  await operations.fail(name, { code: 9, message: "no" }, { step: 3 });
  expect(await operations.get(name)).toEqual({
    name,
    metadata: { step: 3 },
    done: true,
    error: { code: 9, message: "no" },
  });
});

test("waiting ends with the operation, or with the time", async () => {
  const { name } = (await operations.start({ parent, metadata: {}, call })) as { name: string };
  expect(await operations.wait(name, 10)).toMatchObject({ done: false });
  const waiting = operations.wait(name, 60_000);
  await operations.finish(name, {});
  expect(await waiting).toMatchObject({ done: true });
  expect(await operations.wait(name, 60_000)).toMatchObject({ done: true });
});

test("operations without a parent have bare names", async () => {
  const { name } = (await operations.done({ parent: "", response: {}, call })) as { name: string };
  expect(name).toMatch(/^operations\/[0-9a-f-]{36}$/);
});

test("a list has the operations of its API and parent only", async () => {
  await operations.start({ parent, id: "mine", metadata: {}, call });
  await operations.start({ parent: `${parent}2`, id: "elsewhere", metadata: {}, call });
  await operations.start({
    parent,
    id: "foreign",
    metadata: {},
    call: { ...call, methodId: "run.projects.locations.services.create" },
  });
  expect((await operations.list("dataproc", parent)).map(({ name }) => name)).toEqual([`${parent}/operations/mine`]);
});

test("a pending operation is there after a restart, and what is not there is 404", async () => {
  await operations.start({ parent, id: "x", metadata: {}, call });
  await store.close();
  store = await openStore(folder);
  operations = createOperations(store);
  expect(await operations.get(`${parent}/operations/x`)).toMatchObject({ done: false });
  await expect(operations.get(`${parent}/operations/y`)).rejects.toMatchObject({ status: "NOT_FOUND" });
});
