/** What instances print, as log entries: real processes, and a cloud that dies. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engines } from "../../../engines/interface";
import { createServerEngine } from "../../../engines/servers";
import { readTools } from "../../../engines/tools";
import { OPERATOR } from "../../door/principals";
import { startCloud, type StartedCloud } from "../../main";
import type { JsonObject } from "../../service";
import { logging } from "../logging";
import { ENTRIES } from "../logging/arrivals";
import { countsOfMetric } from "../logging/counts";
import { run } from ".";
import type { Deployment } from "./deployment";
import { instancesOf } from "./instances";
import { INSTANCES } from "./output";

const P = "projects/sparklab-local";
const lab = mkdtempSync(join(tmpdir(), "sparklab-output-"));
const tools = readTools();
const resource = { type: "cloud_run_revision", labels: { service_name: "printer" } };
const deployment: Deployment = {
  ...{ name: `${P}/locations/us-central1/services/printer`, title: "printer", revision: "printer-00001-abc" },
  ...{ account: "printer@sparklab-local.iam.gserviceaccount.com", environment: {}, memoryMb: 64, port: 8080, resource },
  program: async () => ({ source: lab, command: ["printer.js"], environment: {} }),
};
/** Prints what it is sent to the stream that the path names, and answers; at /end it kills itself instead. */
const PRINTER = `require("http").createServer((asked, answer) => {
  let text = "";
  asked.on("data", (part) => (text += part)).on("end", () => {
    process[asked.url === "/stderr" ? "stderr" : "stdout"].write(text);
    if (asked.url === "/end") process.kill(process.pid, "SIGKILL");
    answer.end();
  });
}).listen(Number(process.env.PORT));`;

let started: StartedCloud;
const open = async () => {
  const engines = { servers: createServerEngine({ python: tools.python.clients }) } as unknown as Engines;
  started = await startCloud({ lab, port: 0, descriptions: tools.descriptions, services: [run, logging], engines });
};
beforeAll(async () => {
  writeFileSync(join(lab, "printer.js"), PRINTER);
  await open();
});
afterAll(async () => {
  await started.close();
  rmSync(lab, { recursive: true });
});

/** Resolves when the instance has answered, or has ended. */
const print = (text: string, path = "/stdout") =>
  instancesOf(started.cloud).use(
    deployment,
    (socketPath) =>
      new Promise<void>((resolve) => {
        const asked = request({ socketPath, method: "POST", path, host: "printer" }, (answer) =>
          answer.resume().once("end", resolve),
        );
        asked.once("error", () => resolve()).end(text);
      }),
  );
const rest = (verb: string, path: string, body: JsonObject) =>
  started.api.rest({ host: "logging.googleapis.com", verb, path: `/v2/${path}`, body }, OPERATOR);
const list = async (filter: string) =>
  ((await rest("POST", "entries:list", { resourceNames: [P], filter })) as { entries: JsonObject[] }).entries;
/** Waits for what happens by itself; the test's own time limit ends a wait that is in vain. */
const until = async (isSo: () => Promise<boolean>) => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
};
const ended = () => until(async () => (await started.cloud.store.list(INSTANCES)).length === 0);

test("each line of either stream is an entry, and one that is not whole is none yet", async () => {
  await print('{"severity":"ERROR","message":"one"}\n\ntwo\nthr');
  await print("four\n", "/stderr");
  const log = (stream: string) => ({ logName: `${P}/logs/run.googleapis.com%2F${stream}`, resource });
  expect(await list(`logName:stdout`)).toMatchObject([
    { ...log("stdout"), severity: "ERROR", textPayload: "one", insertId: expect.stringMatching(/-stdout-0{9}$/) },
    { ...log("stdout"), textPayload: "two", insertId: expect.stringMatching(/-stdout-0{8}2$/) },
  ]);
  expect(await list(`logName:stderr`)).toMatchObject([{ ...log("stderr"), textPayload: "four" }]);
  await print("ee\n");
  expect(await list("textPayload=three")).toMatchObject([{ insertId: expect.stringMatching(/-stdout-0{8}3$/) }]);
});

test("a line that is longer than entries may be becomes several", async () => {
  await print(`${"x".repeat(300_000)}\n`);
  const parts = (await list('textPayload=~"^x+$"')).map(({ textPayload }) => (textPayload as string).length);
  expect(parts).toEqual([256 * 1024, 300_000 - 256 * 1024]);
});

test("lines are counted by metrics, and what a process printed at its end is logged when it has ended", async () => {
  await rest("POST", `${P}/metrics`, { name: "last", filter: 'textPayload="last words"' });
  await print("last words", "/end");
  await ended();
  const counts = () => countsOfMetric("last", started.cloud);
  await until(async () => (await counts()).length > 0);
  expect(await counts()).toMatchObject([{ count: 1, resource }]);
});

test("what a dead cloud had not taken up is logged by the next one, each line once", async () => {
  await print("taken up\n");
  expect(await list('textPayload="taken up"')).toHaveLength(1);
  await print("left\n");
  const dead = started;
  // All that a dead process leaves is its state; its door is closed at the end of the test.
  await dead.cloud.store.close();
  await open();
  const texts = async () =>
    (await list('textPayload="taken up" OR textPayload=left')).map((entry) => entry.textPayload);
  expect(await texts()).toEqual(["taken up", "left"]);
  // The next instance is not taken for the one before it.
  await print("again\n");
  expect(await texts()).toEqual(["taken up", "left"]);
  expect(await list("textPayload=again")).toHaveLength(1);
  await dead.door.close();
});

test("the newest lines are kept", async () => {
  const logName = `${P}/logs/run.googleapis.com%2Fstdout`;
  const timestamp = "2000-01-01T00:00:00.000Z";
  const key = (number: number) => `${ENTRIES}${timestamp}/${logName}/${String(number).padStart(9, "0")}`;
  const old = Array.from({ length: 10_000 }, (_, number): [string, JsonObject] => [
    key(number),
    { logName, timestamp, insertId: String(number) },
  ]);
  await started.cloud.store.write({ put: Object.fromEntries(old) });
  await print("newest", "/end");
  await ended();
  const all = () => started.cloud.store.list(ENTRIES);
  await until(async () => (await all()).length === 10_000);
  expect((await all()).some((entry) => entry.key === key(0))).toBe(false);
  expect(await list("textPayload=newest")).toHaveLength(1);
});
