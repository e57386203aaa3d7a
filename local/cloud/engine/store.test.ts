/** The state: order, pages, exclusion, the lock, and kill -9 at any moment. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { openStore } from "./store";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("lists a prefix in key order, in pages, and nothing beside it", async () => {
  const store = await openStore(folder);
  await store.write({ put: Object.fromEntries(["b/1", "a/3", "a/1", "a/2", "a0", "a"].map((key) => [key, { key }])) });
  const keys = async (options = {}) => (await store.list("a/", options)).map(({ key }) => key);
  expect(await keys()).toEqual(["a/1", "a/2", "a/3"]);
  expect(await keys({ limit: 2 })).toEqual(["a/1", "a/2"]);
  expect(await keys({ startAfter: "a/2" })).toEqual(["a/3"]);
  expect(await keys({ startAfter: "a/1", limit: 1 })).toEqual(["a/2"]);
  await store.close();
});

test("a write is all or nothing and may delete and put together", async () => {
  const store = await openStore(folder);
  await store.write({ put: { old: { n: 1 } } });
  await store.write({ put: { new: { n: 2 } }, delete: ["old"] });
  expect([await store.get("old"), await store.get("new")]).toEqual([undefined, { n: 2 }]);
  await store.close();
});

test("work on one key runs one after the other, work on others meanwhile; a failure does not stop the next", async () => {
  const store = await openStore(folder);
  const events: string[] = [];
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const first = store.exclusive("x", async () => {
    await held;
    events.push("x1");
    throw new Error("first fails");
  });
  const second = store.exclusive("x", async () => void events.push("x2"));
  await store.exclusive("y", async () => void events.push("y"));
  letGo();
  await expect(first).rejects.toThrow("first fails");
  await second;
  expect(events).toEqual(["y", "x1", "x2"]);
  await store.close();
});

test("a hundred increments at once count to a hundred", async () => {
  const store = await openStore(folder);
  const increment = () =>
    store.exclusive("n", async () => {
      const { n = 0 } = ((await store.get("n")) ?? {}) as { n?: number };
      await store.write({ put: { n: { n: n + 1 } } });
    });
  await Promise.all(Array.from({ length: 100 }, increment));
  expect(await store.get("n")).toEqual({ n: 100 });
  await store.close();
});

test("a second user of the folder is told who has it and what to do", async () => {
  const store = await openStore(folder);
  await expect(openStore(folder)).rejects.toThrow(new RegExp(`in use by .*${process.pid}.*npx sparklab down`));
  await store.close();
  await (await openStore(folder)).close();
});

/** Writes pairs of keys for ever and prints each number after its write is durable. */
const WRITER = `
  const { openStore } = require("./local/cloud/engine/store.ts");
  (async () => {
    const store = await openStore(process.argv[1]);
    const { n: start = 0 } = (await store.get("last")) ?? {};
    for (let n = start + 1; ; n += 1) {
      await store.write({ put: { last: { n }, ["left/" + n]: { n }, ["right/" + n]: { n } } });
      process.stdout.write(n + "\\n");
    }
  })();
`;

async function writeUntilKilled(after: number): Promise<number> {
  const child = spawn(process.execPath, ["--import", "tsx", "-e", WRITER, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let last = 0;
  let printed = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    printed += 1;
    if (printed === after) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return last;
}

test("what was acknowledged before kill -9 is there, and no write is there by half", async () => {
  for (const after of [1, 7, 40, 150]) {
    const acknowledged = await writeUntilKilled(after);
    const store = await openStore(folder);
    const { n } = (await store.get("last")) as { n: number };
    expect(n).toBeGreaterThanOrEqual(acknowledged);
    const count = async (side: string) => (await store.list(`${side}/`)).length;
    expect([await count("left"), await count("right")]).toEqual([n, n]);
    await store.close();
  }
}, 60_000);
