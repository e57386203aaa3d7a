/** The lock, contended for by processes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bornOf, create, takeLock } from "./lock.mjs";

const module = join(dirname(fileURLToPath(import.meta.url)), "lock.mjs");
let folder;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "lock-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const take = (more) => takeLock(join(folder, "lock"), { purpose: "this test", pollMs: 10, ...more });
const node = (body) =>
  spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { takeLock } from ${JSON.stringify(module)}; const folder = ${JSON.stringify(folder)};\n${body}`,
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );

test("lets the second wait and tells it for whom, once", async () => {
  const release = await take({ purpose: "the first" });
  const told = [];
  let heard;
  const toldOnce = new Promise((resolve) => (heard = resolve));
  const second = take({ onWait: (holder) => (told.push(holder.purpose), heard()) });
  await toldOnce;
  release();
  (await second)();
  assert.deepEqual(told, ["the first"]);
});

test("is free again after its release", async () => {
  for (let round = 0; round < 5; round += 1) (await take({ onWait: () => assert.fail("waited") }))();
});

test("is taken over from a holder that was killed", async () => {
  const holder = node(
    `await takeLock(folder + "/lock", { purpose: "doomed" }); console.log("held"); setInterval(() => {}, 1000);`,
  );
  await once(holder.stdout, "data");
  holder.kill("SIGKILL");
  await once(holder, "exit");
  const release = await take({ onWait: () => assert.fail("waited for the dead") });
  release();
});

test("is taken over when its holder's number belongs to another process now", async () => {
  await take();
  const file = join(folder, "lock", "lock.1");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), born: "long ago" }));
  (await take({ onWait: () => assert.fail("waited for a stranger") }))();
});

test("is not taken under a number that others have gone past and cleaned away", async () => {
  for (let round = 0; round < 3; round += 1) (await take())();
  await take();
  assert.equal(create(join(folder, "lock"), 2, { pid: process.pid }), false);
  assert.deepEqual(readdirSync(join(folder, "lock")), ["lock.4"]);
});

test("is held by one of many processes at a time", async () => {
  const body = `
    import { appendFileSync } from "node:fs";
    for (let round = 0; round < 6; round += 1) {
      const release = await takeLock(folder + "/lock", { purpose: "worker", pollMs: 1 });
      appendFileSync(folder + "/trace", "in " + process.pid + "\\n");
      await new Promise((resolve) => setTimeout(resolve, 2));
      appendFileSync(folder + "/trace", "out " + process.pid + "\\n");
      if (round < 5) release(); // the last round ends like a crash, with the lock held
    }`;
  const workers = Array.from({ length: 6 }, () => node(body));
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0]));
  assert.deepEqual(codes, [0, 0, 0, 0, 0, 0]);
  const trace = readFileSync(join(folder, "trace"), "utf8").trim().split("\n");
  assert.equal(trace.length, 72);
  for (let at = 0; at < trace.length; at += 2) assert.equal(trace[at].replace("in", "out"), trace[at + 1]);
});

test("ends its wait when it is aborted", async () => {
  await take();
  const abort = new AbortController();
  const waiting = take({ signal: abort.signal, onWait: () => abort.abort() });
  await assert.rejects(waiting, { name: "AbortError" });
});

test("knows when a process was born, and that none is there", () => {
  assert.ok(bornOf(process.pid));
  assert.equal(bornOf(process.pid), bornOf(process.pid));
  assert.equal(bornOf(2 ** 22 + 1), undefined);
  assert.equal(existsSync(join(folder, "lock")), false);
});
