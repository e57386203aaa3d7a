/** Delivery of tasks' logs to an environment's bucket: what has grown, once, also after a cloud that died. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { testCloud, type TestCloud } from "../../testing";
import { iam } from "../iam";
import { storage } from "../storage";
import { listObjects, readObject } from "../storage/objects";
import { logDelivery } from "./task-logs";

const LOG = "dag_id=a/run_id=manual__2026-11-21T09:00:00+00:00/task_id=t/attempt=1.log";
let folder: string;
let lone: TestCloud;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sparklab-task-logs-"));
  lone = await testCloud({ services: [iam, storage] });
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
