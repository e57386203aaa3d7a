/** The BigQuery engine's process: who may call it, that it comes back, and that it never outlives its cloud. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { request } from "undici";
import { isRunning } from "../process";
import { createBigQueryEngine } from "./bigquery";
import type { BigQueryAddress, BigQueryEngine } from "./interface";
import { readTools } from "./tools";

jest.setTimeout(120_000);

let folder: string;
let engine: BigQueryEngine;
const open = (python = readTools().python.bigquery) =>
  createBigQueryEngine({ python, home: readTools().bigqueryHome, folder, project: "p", location: "us-central1" });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-engine-"));
  engine = open();
});
afterEach(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function call(address: BigQueryAddress, method: string, body = {}, path = {}, token = address.token) {
  const sent = { path: { projectId: "p", ...path }, query: {}, body, principal: "me@example.com" };
  const headers = { authorization: `Bearer ${token}` };
  const answer = await request(`${address.rest}/call/${method}`, {
    method: "POST",
    headers,
    body: JSON.stringify(sent),
  });
  return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
}

const makeDataset = (address: BigQueryAddress) =>
  call(address, "bigquery.datasets.insert", { datasetReference: { datasetId: "d" } });

test("answers its own cloud only", async () => {
  const address = await engine.start();
  expect((await call(address, "bigquery.datasets.list")).status).toBe(200);
  expect((await call(address, "bigquery.datasets.list", {}, {}, "wrong")).status).toBe(401);
  expect(address.rest).toMatch(/^http:\/\/127\.0\.0\.1:/);
});

test("is one process however often it is asked for, and another one after it was killed, with what it held", async () => {
  const [first, same] = await Promise.all([engine.start(), engine.start()]);
  expect(same).toEqual(first);
  expect((await makeDataset(first)).status).toBe(200);
  process.kill(first.pid, "SIGKILL");
  const second = await nextProcess(first.pid);
  expect((await call(second, "bigquery.datasets.get", {}, { datasetId: "d" })).status).toBe(200);
});

test("answers the first queries of all when they come at the same moment", async () => {
  const address = await engine.start();
  const query = (n: number) => call(address, "bigquery.jobs.query", { query: `SELECT ${n} AS n`, useLegacySql: false });
  const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => query(n)));
  expect(answers.map(({ body }) => JSON.stringify(body.rows))).toEqual(
    answers.map((_, n) => JSON.stringify([{ f: [{ v: String(n) }] }])),
  );
});

/** The exit of a killed process is learnt a moment later; the same address is given until then. */
async function nextProcess(old: number): Promise<BigQueryAddress> {
  for (;;) {
    const address = await engine.start();
    if (address.pid !== old) return address;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("ends with the process that started it, however that ended, and leaves its folder to the next", async () => {
  const script = `require("${join(__dirname, "bigquery")}").createBigQueryEngine(${JSON.stringify({
    ...{ python: readTools().python.bigquery, home: readTools().bigqueryHome, folder, project: "p", location: "us" },
  })}).start().then((address) => console.log(JSON.stringify(address)))`;
  const parent = spawn(process.execPath, ["--import", "tsx", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const orphan = JSON.parse(line.toString()) as BigQueryAddress;
  expect((await makeDataset(orphan)).status).toBe(200);
  parent.kill("SIGKILL");
  // Waits for the orphan's lock: it is gone when this one answers.
  const address = await engine.start();
  expect((await call(address, "bigquery.datasets.get", {}, { datasetId: "d" })).status).toBe(200);
  expect(isRunning(orphan.pid)).toBe(false);
});

test("says why it does not start, with the end of its log", async () => {
  await expect(open(process.execPath).start()).rejects.toThrow(
    /ended before it was ready \(exit code \d+\)[^]*engine\.log/,
  );
});
