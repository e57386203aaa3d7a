/** The step runner, driven by small steps of its own and by a process that is killed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runSteps } from "./steps.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const silent = { begin() {}, start() {}, skip() {}, finish() {}, fail() {}, say() {}, end() {} };
let tools;
beforeEach(() => (tools = mkdtempSync(join(tmpdir(), "steps-"))));
afterEach(() => rmSync(tools, { recursive: true, force: true }));

const step = (name, more) => ({
  name,
  title: name,
  seconds: 1,
  megabytes: 1,
  key: () => "1",
  run: async () => name,
  ...more,
});
const run = (steps, more) => runSteps({ steps, tools, progress: silent, ...more });
const runAll = async (steps) => (await run(steps)).late;

test("runs a step after those that it needs and hands it their results", async () => {
  const order = [];
  const note =
    (name) =>
    async ({ results }) => (order.push([name, { ...results }]), name.toUpperCase());
  await runAll([step("a", { run: note("a") }), step("b", { needs: ["a"], run: note("b") })]);
  assert.deepEqual(order, [
    ["a", {}],
    ["b", { a: "A" }],
  ]);
});

test("runs independent steps at the same time", async () => {
  const bothStarted = barrier(2);
  await runAll([step("a", { run: bothStarted }), step("b", { run: bothStarted })]);
});

test("skips what is done, and runs it again when its key has changed or what it made is gone", async () => {
  let runs = 0;
  const made = (key) => [
    step("a", { output: "a", key: () => key, check: () => existsSync(join(tools, "a")), run: async () => ++runs }),
  ];
  assert.deepEqual(await runAll(made("1")), { a: 1 });
  assert.deepEqual(await runAll(made("1")), { a: 1 });
  assert.deepEqual(await runAll(made("2")), { a: 2 });
  rmSync(join(tools, "a"), { recursive: true });
  assert.deepEqual(await runAll(made("2")), { a: 3 });
});

test("runs a step again when what it needs has changed", async () => {
  let runs = 0;
  const steps = (key) => [
    step("a", { key: () => key, run: async () => key }),
    step("b", { needs: ["a"], key: ({ a }) => a, run: async () => ++runs }),
  ];
  await runAll(steps("1"));
  await runAll(steps("2"));
  assert.equal(runs, 2);
});

test("adopts work that is found done without a stamp", async () => {
  const never = async () => assert.fail("ran");
  assert.deepEqual(await runAll([step("a", { adopt: () => "found", run: never })]), { a: "found" });
});

test("puts a step's folder in place only when it has succeeded", async () => {
  const write =
    (text, fail) =>
    async ({ folder }) => {
      writeFileSync(join(folder, "file"), text);
      if (fail) throw new Error("half way");
    };
  const made = (key, text, fail) => [step("a", { output: "out/a", key: () => key, run: write(text, fail) })];
  await runAll(made("1", "whole"));
  await assert.rejects(runAll(made("2", "half", true)), /half way/);
  assert.equal(readFileSync(join(tools, "out/a/file"), "utf8"), "whole");
  assert.equal(existsSync(join(tools, "done/a.json")), false);
});

test("names the command, the end of what it said and the log when a step fails, and starts no other", async () => {
  const failing = step("a", { run: ({ exec }) => exec("sh", ["-c", "echo out; echo the reason >&2; exit 3"]) });
  const after = step("b", { needs: ["a"], run: async () => assert.fail("ran") });
  const log = join(tools, "logs/a.log");
  await assert.rejects(runAll([failing, after]), (error) => {
    assert.match(error.message, /^sh ended with exit code 3:\n/);
    assert.match(error.message, /the reason/);
    assert.ok(error.message.includes(log));
    return true;
  });
  assert.match(readFileSync(log, "utf8"), /the reason/);
});

test("ends the other running steps when one fails, and names the one that failed", async () => {
  const started = join(tools, "started");
  const slow = step("slow", { run: ({ exec }) => exec("sh", ["-c", `echo $$ > ${started}; exec sleep 30`]) });
  const failing = step("a", {
    run: async () => {
      await whenWritten(started);
      throw new Error("the reason");
    },
  });
  await assert.rejects(runAll([slow, failing]), /the reason/);
  assert.equal(isAlive(Number(readFileSync(started, "utf8"))), false);
});

test("does not wait for a child that will not end", async () => {
  const started = join(tools, "started");
  const stubborn = step("slow", {
    run: ({ exec }) =>
      exec("sh", [
        "-c",
        `trap '' TERM; echo $$ > ${started}; for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1; done`,
      ]),
  });
  const failing = step("a", {
    run: async () => {
      await whenWritten(started);
      throw new Error("the reason");
    },
  });
  await assert.rejects(runAll([stubborn, failing]), /the reason/);
  await until(() => !isAlive(Number(readFileSync(started, "utf8"))));
});

test("returns when what is waited for is done, while a late step goes on", async () => {
  let finish;
  const late = step("late", { run: () => new Promise((resolve) => (finish = resolve)) });
  const outcome = await run([step("a"), late], { wait: ["a"] });
  assert.deepEqual(outcome.results, { a: "a" });
  finish("at last");
  assert.deepEqual(await outcome.late, { a: "a", late: "at last" });
});

test("has the late steps done while an idle one goes on", async () => {
  let finish;
  const idle = step("idle", { idle: true, run: () => new Promise((resolve) => (finish = resolve)) });
  const outcome = await run([step("a"), step("late"), idle], { wait: ["a"] });
  assert.equal((await outcome.late).idle, undefined);
  finish("at last");
  assert.deepEqual(await outcome.finished, { a: "a", late: "late", idle: "at last" });
});

test("tells the failure of a late step to whoever waits for it", async () => {
  const outcome = await run(
    [
      step("a"),
      step("late", {
        needs: ["a"],
        run: async () => {
          throw new Error("too late");
        },
      }),
    ],
    { wait: ["a"] },
  );
  await assert.rejects(outcome.late, /too late/);
});

test("ends the children of a step when it is aborted", async () => {
  const abort = new AbortController();
  const file = join(tools, "pid");
  const running = run([step("a", { run: ({ exec }) => exec("sh", ["-c", `sleep 30 & echo $! > ${file}; wait`]) })], {
    signal: abort.signal,
  });
  const outcome = assert.rejects(running);
  const pid = Number(await whenWritten(file));
  abort.abort();
  await outcome;
  await until(() => !isAlive(pid));
});

test("resumes after kill -9: the finished step stays, the half one is made whole, leftovers go", async () => {
  const script = (hang) => `
    import { runSteps } from ${JSON.stringify(join(here, "steps.mjs"))};
    import { appendFileSync, writeFileSync } from "node:fs";
    const tools = ${JSON.stringify(tools)};
    const note = (text) => appendFileSync(tools + "/ran", text + " ");
    const silent = { begin() {}, start() {}, skip() {}, finish() {}, fail() {}, say() {}, end() {} };
    const step = (name, needs, run) => ({ name, title: name, needs, seconds: 1, megabytes: 1, output: name, key: () => "1", run });
    await (await runSteps({ tools, progress: silent, steps: [
      step("first", [], async ({ folder }) => { note("first"); writeFileSync(folder + "/file", "whole"); }),
      step("second", ["first"], async ({ folder }) => {
        writeFileSync(folder + "/file", "half");
        note("second");
        if (${hang}) { writeFileSync(tools + "/hanging", "."); await new Promise((resolve) => setTimeout(resolve, 600_000)); }
        writeFileSync(folder + "/file", "whole");
      }),
    ] })).late;`;
  const killed = startNode(script(true));
  await whenWritten(join(tools, "hanging"));
  killed.kill("SIGKILL");
  await once(killed, "exit");
  assert.equal(existsSync(join(tools, "second")), false);
  const left = ["second", "second-scratch"].map((name) => `${name}-${killed.pid}`);
  assert.deepEqual(readdirSync(join(tools, "tmp")).sort(), left);
  const [code] = await once(startNode(script(false)), "exit");
  assert.equal(code, 0);
  assert.equal(readFileSync(join(tools, "ran"), "utf8"), "first second second ");
  assert.equal(readFileSync(join(tools, "second/file"), "utf8"), "whole");
  assert.deepEqual(readdirSync(join(tools, "tmp")), []);
});

test("refuses a plan that names an unknown step", async () => {
  await assert.rejects(run([step("a", { needs: ["z"] })]), /step a needs z/);
  await assert.rejects(run([step("a")], { wait: ["z"] }), /no step named z; steps: a/);
});

function startNode(source) {
  return spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "inherit", "inherit"] });
}

function barrier(count) {
  let arrived = 0;
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return async () => {
    if (++arrived === count) open();
    await opened;
  };
}

async function whenWritten(file) {
  await until(() => existsSync(file) && readFileSync(file, "utf8") !== "");
  return readFileSync(file, "utf8");
}

/** Looks again and again: what is waited for happens in another process. The runner's own timeout ends it. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(process.platform === "linux" ? readFileSync(`/proc/${pid}/status`, "utf8") : "");
  } catch (error) {
    if (error.code === "ESRCH" || error.code === "ENOENT") return false;
    throw error;
  }
}
