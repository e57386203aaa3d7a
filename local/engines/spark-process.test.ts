/** Real processes: recorded ends, stopped groups, runs that are found again, ids that are used again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { startedAt } from "../process";
import { attach, type Command, start } from "./spark-process";
import { readTools } from "./tools";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-process-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const command = (script: string): Command => ({
  ...{ python: readTools().python.spark, folder, workingFolder: folder, output: join(folder, "out") },
  ...{ argv: ["/bin/sh", "-c", script], environment: { PATH: process.env.PATH ?? "", GREETING: "hello" } },
});
const record = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>;
const output = () => readFileSync(join(folder, "out"), "utf8");
const isGone = (pid: number) => startedAt(pid) === undefined;

describe("a run", () => {
  test("records who it is and how it ended, and keeps both streams", async () => {
    const run = await start(command("echo $GREETING; echo $HOME oops >&2; exit 3"));
    expect(record("process.json")).toEqual({ pid: run.pid, started: expect.any(String) });
    expect(await run.ended).toEqual({ exitCode: 3, signal: null });
    expect(record("exit.json")).toEqual({
      exitCode: 3,
      signal: null,
      cpuSeconds: expect.any(Number),
      peakMb: expect.any(Number),
    });
    expect(output()).toBe("hello\noops\n");
  });

  test("records the signal that ended it", async () => {
    const run = await start(command("kill -9 $$"));
    expect(await run.ended).toEqual({ exitCode: null, signal: "SIGKILL" });
  });

  test("says why a command cannot be started", async () => {
    const run = await start({ ...command(""), argv: [join(folder, "missing")] });
    expect(await run.ended).toEqual({ exitCode: 127, signal: null });
    expect(output()).toBe(`${folder}/missing: No such file or directory\n`);
  });

  test("is stopped with everything that it started", async () => {
    const run = await start(command("sleep 600 & echo $!; wait"));
    while (!output().includes("\n")) await new Promise((resolve) => setImmediate(resolve));
    await run.stop();
    // Signalled with the others of its group, it ends when the system gives it its turn.
    while (!isGone(Number(output()))) await new Promise((resolve) => setImmediate(resolve));
    expect(await run.ended).toEqual({ exitCode: null, signal: "SIGTERM" });
  });

  test("leaves nothing behind when its recorder is killed alone", async () => {
    const run = await start(command("sleep 600 & echo $!; wait"));
    while (!output().includes("\n")) await new Promise((resolve) => setImmediate(resolve));
    process.kill(run.pid, "SIGKILL");
    expect(await run.ended).toEqual({ exitCode: null, signal: null });
    while (!isGone(Number(output()))) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe("a run of before a restart", () => {
  test("is the only one, though the next cloud did not see it yet and starts it again", async () => {
    const script = command("echo begun; sleep 1; exit 4");
    const [first, second] = await Promise.all([start(script), start(script)]);
    expect(second.pid).toBe(first.pid);
    expect(await Promise.all([first.ended, second.ended])).toEqual(Array(2).fill({ exitCode: 4, signal: null }));
    expect(output()).toBe("begun\n");
  });

  test("goes on when the cloud that started it died before it could be told", async () => {
    const recorder = join(__dirname, "spark_process.py");
    const words = ["-I", recorder, folder, "/bin/sh", "-c", "exit 5"];
    // Nobody reads the other end of its descriptor 3.
    const child = spawn(readTools().python.spark, words, { stdio: ["ignore", "inherit", "inherit", "pipe"] });
    child.stdio[3]!.destroy();
    await once(child, "exit");
    expect(await attach(folder)!.ended).toEqual({ exitCode: 5, signal: null });
  });

  test("is not there when none was started", () => {
    expect(attach(folder)).toBeUndefined();
  });

  test("is found again while it runs, and can be stopped", async () => {
    const run = await start(command("sleep 600"));
    const found = attach(folder)!;
    expect(found.pid).toBe(run.pid);
    await found.stop();
    expect(await found.ended).toEqual({ exitCode: null, signal: "SIGTERM" });
  });

  test("tells how it ended while nobody looked", async () => {
    await (
      await start(command("exit 5"))
    ).ended;
    expect(await attach(folder)!.ended).toEqual({ exitCode: 5, signal: null });
  });

  test("has vanished when its id belongs to another process now", async () => {
    const record = { pid: process.pid, started: "another boot:1" };
    writeFileSync(join(folder, "process.json"), JSON.stringify(record));
    const found = attach(folder)!;
    expect(await found.ended).toEqual({ exitCode: null, signal: null });
  });

  test("is not stopped where its id belongs to another process now", async () => {
    const stranger = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    const ended = once(stranger, "exit");
    const record = { pid: stranger.pid, started: "another boot:1" };
    writeFileSync(join(folder, "process.json"), JSON.stringify(record));
    await attach(folder)!.stop();
    stranger.kill("SIGKILL");
    expect(await ended).toEqual([null, "SIGKILL"]);
  });
});
