/** Delivery of tasks' logs to an environment's bucket: what has grown, once, also after a cloud that died. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { iam } from "../iam";
import { logging } from "../logging";
import { storage } from "../storage";
import { listObjects, readObject } from "../storage/objects";
import { logDelivery } from "./task-logs";

const LOG = "dag_id=a/run_id=manual__2026-11-21T09:00:00+00:00/task_id=t/attempt=1.log";
let folder: string;
let lone: TestCloud;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-task-logs-"));
  lone = await testCloud({ services: [iam, storage, logging] });
  await lone.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "environment" });
});
afterAll(async () => {
  await lone.close();
  rmSync(folder, { recursive: true, force: true });
});

const delivery = () => logDelivery(lone.cloud, "environment", join(folder, "logs"));
const objects = () => listObjects(lone.cloud, "environment");
const content = async (name: string) => text((await readObject(lone.cloud, "environment", name)).stream);

test("Before the first task has run there is nothing to deliver", async () => {
  await delivery()();
  expect(await objects()).toEqual([]);
});

test("A task's log is delivered under its name and again when it has grown; logs of Airflow's parts are not", async () => {
  const file = join(folder, "logs", LOG);
  for (const path of [LOG, "dag_processor/latest.log"]) {
    mkdirSync(dirname(join(folder, "logs", path)), { recursive: true });
    writeFileSync(join(folder, "logs", path), "one\n");
  }
  const deliver = delivery();
  await deliver();
  expect(await content(`logs/${LOG}`)).toBe("one\n");
  appendFileSync(file, "two\n");
  await deliver();
  expect(await content(`logs/${LOG}`)).toBe("one\ntwo\n");
  expect((await objects()).map(({ name }) => name)).toEqual([`logs/${LOG}`]);
});

test("What was delivered is not delivered again, by the next cloud neither", async () => {
  const [before] = await objects();
  await delivery()();
  expect((await objects())[0]!.generation).toBe(before!.generation);
});

test("Cloud Logging lists them by environment, DAG and task, each line with its time and level", async () => {
  const name = "projects/sparklab-local/locations/us-central1/environments/airflow";
  await lone.cloud.store.write({ put: { [name]: { name, storageConfig: { bucket: "environment" } } } });
  const at = (second: number) => `2026-11-21T09:00:0${second}.250000Z`;
  const lines = [
    JSON.stringify({ timestamp: at(1), level: "info", event: "Starting batch b" }),
    "printed past Airflow",
    JSON.stringify({ timestamp: at(2), level: "error", event: "It failed" }),
  ];
  const log = join(folder, "logs", LOG.replace("task_id=t", "task_id=u"));
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, `${lines.join("\n")}\n`);
  await delivery()();
  const filter =
    'resource.type="cloud_composer_environment" AND resource.labels.environment_name="airflow" AND labels.workflow="a" AND labels.task-id="u"';
  const body = { resourceNames: ["projects/sparklab-local"], filter };
  const { entries } = (await lone.rest("POST https://logging.googleapis.com/v2/entries:list", body)) as {
    entries: JsonObject[];
  };
  expect(entries.map(({ timestamp, severity, textPayload }) => [timestamp, severity, textPayload])).toEqual([
    ["2026-11-21T09:00:01.250Z", "INFO", "Starting batch b"],
    ["2026-11-21T09:00:01.250Z", "DEFAULT", "printed past Airflow"],
    ["2026-11-21T09:00:02.250Z", "ERROR", "It failed"],
  ]);
  expect(entries[0]).toMatchObject({
    logName: "projects/sparklab-local/logs/airflow-worker",
    labels: { "try-number": "1" },
  });
});
