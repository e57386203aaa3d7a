/** Pipelines outlive the cloud's process: killed at any moment, it finds their steps again and goes on. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { CloudProcess } from "../../faults/cloud-process";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { output, spec, states, tasks } from "./pipelines/testing";
import { readTools } from "../../../engines/tools";

const ACCOUNT = "runner@sparklab-local.iam.gserviceaccount.com";
/** Sends one request with Google's own authorised session and prints the answer. */
const SEND = `
import json, sys, google.auth
from google.auth.transport.requests import AuthorizedSession
verb, url, body = sys.argv[1:]
session = AuthorizedSession(google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0])
print(json.dumps(session.request(verb, url, json=json.loads(body) if body else None).json()))
`;

let cloud: CloudProcess;
afterEach(() => cloud.close());

const send = async (verb: string, url: string, body?: JsonObject) =>
  JSON.parse(
    await cloud.run(readTools().python.pipelines, "-c", SEND, verb, url, body ? JSON.stringify(body) : ""),
  ) as JsonObject;
const JOBS =
  "https://us-central1-aiplatform.googleapis.com/v1/projects/sparklab-local/locations/us-central1/pipelineJobs";

async function until(
  id: string,
  isExpected: (job: JsonObject) => boolean,
  meanwhile: (job: JsonObject) => Promise<void> = async () => undefined,
): Promise<JsonObject> {
  for (;;) {
    const job = await send("GET", `${JOBS}/${id}`);
    if (isExpected(job)) return job;
    await meanwhile(job);
    await pause(100);
  }
}

async function prepare(): Promise<void> {
  cloud = await CloudProcess.start();
  await send("POST", "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId: "runner" });
  await send("POST", "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", {
    name: "sparklab-local-p",
  });
  await send("PUT", "https://storage.googleapis.com/storage/v1/b/sparklab-local-p/iam", {
    bindings: [{ role: "roles/storage.objectAdmin", members: [`serviceAccount:${ACCOUNT}`] }],
  });
}

async function start(id: string): Promise<{ first: string; second: string }> {
  await prepare();
  const files = { first: join(cloud.lab, "first"), second: join(cloud.lab, "second") };
  await send("POST", `${JOBS}?pipelineJobId=${id}`, {
    pipelineSpec: spec("waiting"),
    serviceAccount: ACCOUNT,
    runtimeConfig: { gcsOutputDirectory: "gs://sparklab-local-p/root", parameterValues: files },
  });
  return files;
}

const both = (job: JsonObject) => states(job)["wait-for"] === "RUNNING" && states(job)["wait-for-2"] === "RUNNING";

test("a run goes on after a kill -9: a step that ended meanwhile is not repeated, one that runs is found again", async () => {
  const { first, second } = await start("survives");
  const before = tasks(await until("survives", both));
  await cloud.kill();
  writeFileSync(first, "one");
  // The step records its end itself: it has no cloud to tell.
  await pause(1500);
  await cloud.restart();
  const between = await until("survives", (job) => states(job).word === "SUCCEEDED");
  expect(output(tasks(between).word)).toBe("one");
  expect(states(between)["wait-for-2"]).toBe("RUNNING");
  writeFileSync(second, "two");
  const after = await until("survives", (job) => /SUCCEEDED|FAILED/.test(textOf(job.state)));
  expect(states(after)).toEqual({
    root: "SUCCEEDED",
    "wait-for": "SUCCEEDED",
    "wait-for-2": "SUCCEEDED",
    word: "SUCCEEDED",
  });
  expect(tasks(after)["wait-for"]?.startTime).toBe(before["wait-for"]?.startTime);
}, 180_000);

test("a run whose cloud is killed before its first step begins it with the next cloud, once", async () => {
  const { first, second } = await start("early");
  await cloud.kill();
  for (const file of [first, second]) if (!existsSync(file)) writeFileSync(file, "x");
  await cloud.restart();
  const job = await until("early", (found) => /SUCCEEDED|FAILED/.test(textOf(found.state)));
  expect(job.state).toBe("PIPELINE_STATE_SUCCEEDED");
}, 180_000);

test("a run whose cloud is killed whenever it has come further ends as one that nobody disturbed", async () => {
  await prepare();
  const body = {
    pipelineSpec: spec("artifacts"),
    serviceAccount: ACCOUNT,
    runtimeConfig: { gcsOutputDirectory: "gs://sparklab-local-p/root", parameterValues: { choice: "other" } },
  };
  await send("POST", `${JOBS}?pipelineJobId=disturbed`, body);
  let seen = "";
  let kills = 0;
  const job = await until(
    "disturbed",
    (found) => /SUCCEEDED|FAILED/.test(textOf(found.state)),
    async (found) => {
      const now = JSON.stringify(states(found));
      if (now === seen) return;
      seen = now;
      kills += 1;
      await cloud.kill();
      await cloud.restart();
    },
  );
  expect([job.error, job.state]).toEqual([undefined, "PIPELINE_STATE_SUCCEEDED"]);
  expect(output(tasks(job).root)).toBe("one two three the other (2)");
  // How often depends on how far the run comes between two looks.
  expect(kills).toBeGreaterThan(0);
}, 300_000);
