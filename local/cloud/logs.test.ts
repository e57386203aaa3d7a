/** The logs: whole lines in order, a bound that holds, files that only the owner may read. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { RequestRecord } from "./door/front-door-request";
import { openLogs } from "./logs";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const entry = (ms: number): RequestRecord => ({
  ...{ time: "2026-01-01T00:00:00Z", principal: "someone@example.com", via: "accessToken", protocol: "h2" },
  ...{ host: "storage.googleapis.com", method: "storage.objects.get", status: 200, ms },
});
const numbers = (name: string) =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as RequestRecord).ms);

test("lines are written whole and in order, and a next start goes on behind them", async () => {
  for (const start of [0, 100]) {
    const logs = openLogs(folder);
    for (let n = start; n < start + 100; n++) logs.record(entry(n));
    await logs.close();
  }
  expect(numbers("requests.jsonl")).toEqual(Array.from({ length: 200 }, (_, n) => n));
  expect(statSync(join(folder, "requests.jsonl")).mode & 0o777).toBe(0o600);
});

test("a file that has reached its bound becomes the one before, and no third is kept", async () => {
  const bound = 4096;
  const logs = openLogs(folder, bound);
  for (let n = 0; n < 200; n++) logs.record(entry(n));
  await logs.close();
  const kept = [...numbers("requests.jsonl.1"), ...numbers("requests.jsonl")];
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, n) => 200 - kept.length + n));
  for (const name of ["requests.jsonl", "requests.jsonl.1"])
    expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(bound);
});
