/** Usage from event logs: task time by weight, shuffle bytes by time, logs that are still written. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { dcuPerCore, eventLogs, milliDcu, readUsage } from "./spark-usage";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-usage-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const resources = { cores: 2, heapMb: 4096, memoryMb: 5000, reduced: [] };
const GB = 2 ** 30;
const task = (finish: number, run: number, shuffled = 0) => ({
  Event: "SparkListenerTaskEnd",
  "Task Info": { "Finish Time": finish },
  "Task Metrics": { "Executor Run Time": run, "Shuffle Write Metrics": { "Shuffle Bytes Written": shuffled } },
});
const log = (name: string, ...events: object[]) => {
  const file = join(folder, name);
  writeFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  return file;
};

test("weighs a core 0.6 DCU and its memory 0.1 a gigabyte, 0.2 above eight", () => {
  expect([dcuPerCore(2), dcuPerCore(8), dcuPerCore(10)].map((dcu) => dcu.toFixed(2))).toEqual(["0.80", "1.40", "1.80"]);
  expect(milliDcu(resources)).toBeCloseTo(1600);
});

test("counts the time of tasks, and shuffle bytes until the application's end", async () => {
  const file = log("a", task(1_000, 3_000), task(2_000, 1_000, 2 * GB), {
    Event: "SparkListenerApplicationEnd",
    Timestamp: 7_000,
  });
  const usage = await readUsage([file], resources);
  expect(usage.milliDcuSeconds).toBeCloseTo(4 * 800);
  expect(usage).toMatchObject({ shuffleStorageGb: 2, shuffleStorageGbSeconds: 10 });
});

test("counts each core of a task", async () => {
  const file = log(
    "a",
    { Event: "SparkListenerEnvironmentUpdate", "Spark Properties": { "spark.task.cpus": "2" } },
    task(1, 1_000),
  );
  expect((await readUsage([file], resources)).milliDcuSeconds).toBeCloseTo(2 * 800);
});

test("sums the applications of a driver", async () => {
  const usage = await readUsage([log("a", task(1, 1_000)), log("b", task(1, 1_000))], resources);
  expect(usage.milliDcuSeconds).toBeCloseTo(2 * 800);
});

test("reads a log whose last line is still being written", async () => {
  const file = log("a.inprogress", task(1, 1_000));
  writeFileSync(file, '{"Event":"SparkListenerTaskEnd","Task In', { flag: "a" });
  expect((await readUsage([file], resources)).milliDcuSeconds).toBeCloseTo(800);
});

test("finds logs and passes over Spark's checksum files", async () => {
  for (const name of ["local-2", "local-1.inprogress", ".local-1.inprogress.crc"]) log(name);
  expect(await eventLogs(folder)).toEqual([join(folder, "local-1.inprogress"), join(folder, "local-2")]);
  expect(await eventLogs(join(folder, "none"))).toEqual([]);
});
