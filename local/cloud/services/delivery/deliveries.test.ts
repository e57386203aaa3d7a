/** Scheduler, Tasks and Pub/Sub behind the front door: Google's own clients ask, a target at an https address is called. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { PubSub, type Message } from "@google-cloud/pubsub";
import { CloudSchedulerClient } from "@google-cloud/scheduler";
import { CloudTasksClient } from "@google-cloud/tasks";
import { credentials, Metadata } from "@grpc/grpc-js";
import type { Engines } from "../../../engines/interface";
import { readTools } from "../../../engines/tools";
import { OPERATOR } from "../../door/principals";
import { startCloud, type StartedCloud } from "../../main";
import { grantOnProject } from "../../testing";
import { cloudScheduler } from "../cloudscheduler";
import { cloudTasks } from "../cloudtasks";
import { iam } from "../iam";
import { pubsub } from "../pubsub";
import { backoff } from "./deliver";
import { target, TARGET, type Visit } from "./testing";

const P = "projects/sparklab-local";
const L = `${P}/locations/us-central1`;
const EMAIL = "caller@sparklab-local.iam.gserviceaccount.com";

const lab = mkdtempSync(join(tmpdir(), "sparklab-deliveries-"));
const visits: Visit[] = [];
const statuses: number[] = [];
const bell = new EventEmitter();
/** What the target waits for before it answers. */
let held: Promise<unknown> = Promise.resolve();
let now: Date | undefined;
let started: StartedCloud;
const open = async () => {
  const called = target(
    visits,
    statuses,
    () => bell.emit("visit"),
    () => held,
  );
  const services = [iam, pubsub, cloudTasks, cloudScheduler, called];
  started = await startCloud({
    ...{ lab, port: 0, descriptions: readTools().descriptions, services, now: () => now ?? new Date() },
    engines: {} as Engines,
  });
  process.env.grpc_proxy = started.door.proxy;
};

/** Google's clients over gRPC, through the door, as the operator. */
const options = () => {
  const { token } = started.cloud.principals.accessToken(OPERATOR);
  const call = credentials.createFromMetadataGenerator((_parameters, give) => {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    give(null, metadata);
  });
  const ca = readFileSync(join(lab, "cloud", "ca", "ca.pem"));
  return {
    projectId: "sparklab-local",
    sslCreds: credentials.combineChannelCredentials(credentials.createSsl(ca), call),
  };
};
const visit = async (count = 1): Promise<Visit[]> => {
  while (visits.length < count) await once(bell, "visit");
  return visits;
};

beforeAll(async () => {
  // The clients have their credentials and need not look for others.
  process.env.METADATA_SERVER_DETECTION = "none";
  await open();
  await started.cloud.call(
    { methodId: "iam.projects.serviceAccounts.create", path: { name: P }, body: { accountId: "caller" } },
    OPERATOR,
  );
});
beforeEach(() => {
  visits.length = 0;
  statuses.length = 0;
});
afterAll(async () => {
  for (const name of ["grpc_proxy", "METADATA_SERVER_DETECTION"]) delete process.env[name];
  await started.close();
  rmSync(lab, { recursive: true });
});

describe("Cloud Scheduler", () => {
  const job = { name: `${L}/jobs/weekly`, schedule: "0 9 * * 1", timeZone: "Etc/UTC", retryConfig: { retryCount: 1 } };

  test("calls a job's target when it is told to, with a token of the job's account", async () => {
    const client = new CloudSchedulerClient(options());
    const oidcToken = { serviceAccountEmail: EMAIL, audience: TARGET };
    const httpTarget = { uri: `${TARGET}/start`, httpMethod: "POST" as const, body: Buffer.from("{}"), oidcToken };
    await client.createJob({ parent: L, job: { ...job, httpTarget } });
    await client.runJob({ name: job.name });
    const [call] = await visit();
    expect(call).toMatchObject({ path: "/start", body: "{}", claims: { email: EMAIL, aud: TARGET } });
    expect(call!.headers["x-cloudscheduler-jobname"]).toBe("weekly");
    await client.close();
  });

  test("calls it once more when it is told to while a call is under way", async () => {
    const client = new CloudSchedulerClient(options());
    let answer!: (value?: unknown) => void;
    held = new Promise((resolve) => (answer = resolve));
    await client.runJob({ name: job.name });
    while (visits.length === 0) await pause(20);
    await client.runJob({ name: job.name });
    answer();
    expect(await visit(2)).toHaveLength(2);
    await client.close();
  });

  test("calls it at its time, again when it fails, and no restart of the cloud loses a call", async () => {
    // In the past: certificates that are made meanwhile must hold for clients that have the real time.
    const due = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 120_000);
    const at = (seconds: number) => (now = new Date(due.getTime() + seconds * 1000));
    const restart = async () => {
      await started.close();
      await open();
    };
    statuses.push(500);
    at(-1);
    const schedule = `${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
    const daily = { ...job, name: `${L}/jobs/daily`, schedule, httpTarget: { uri: `${TARGET}/daily` } };
    const create = { methodId: "cloudscheduler.projects.locations.jobs.create", path: { parent: L }, body: daily };
    expect(await started.cloud.call(create, OPERATOR)).toMatchObject({ scheduleTime: due.toISOString() });
    at(0);
    await restart();
    await visit(1);
    const get = { methodId: create.methodId.replace("create", "get"), path: { name: daily.name } };
    // Thirteen is INTERNAL: the failure is kept, and so is what follows from it.
    while (((await started.cloud.call(get, OPERATOR)) as { status?: { code?: number } }).status?.code !== 13)
      await pause(20);
    at(6);
    await restart();
    const times = (await visit(2)).map(({ headers }) => headers["x-cloudscheduler-scheduletime"]);
    expect(times).toEqual([due.toISOString(), due.toISOString()]);
    await started.cloud.call(
      { methodId: "cloudscheduler.projects.locations.jobs.delete", path: { name: daily.name } },
      OPERATOR,
    );
    now = undefined;
    await restart();
  });
});

test("Cloud Tasks dispatches a task until its target takes it", async () => {
  const client = new CloudTasksClient(options());
  const name = `${L}/queues/runs`;
  await client.createQueue({
    parent: L,
    queue: { name, retryConfig: { minBackoff: { seconds: 0, nanos: 1_000_000 } } },
  });
  statuses.push(503);
  const httpRequest = { url: `${TARGET}/task`, body: Buffer.from("work"), oidcToken: { serviceAccountEmail: EMAIL } };
  const [task] = await client.createTask({ parent: name, task: { httpRequest } });
  const [first, second] = await visit(2);
  expect(first).toMatchObject({ path: "/task", body: "work", claims: { email: EMAIL, aud: `${TARGET}/task` } });
  expect([first, second].map((call) => call!.headers["x-cloudtasks-taskretrycount"])).toEqual(["0", "1"]);
  expect(first!.headers["x-cloudtasks-taskname"]).toBe(task.name!.split("/").at(-1));
  await client.close();
});

describe("Pub/Sub", () => {
  test("streams messages to Google's client, which acknowledges them", async () => {
    const client = new PubSub(options());
    const [topic] = await client.createTopic("runs");
    const [subscription] = await topic.createSubscription("stream");
    const received = new Promise<Message>((resolve, reject) => {
      subscription.on("message", (message: Message) => {
        message.ack();
        resolve(message);
      });
      subscription.on("error", reject);
    });
    await topic.publishMessage({ data: Buffer.from("hello"), attributes: { kind: "greeting" } });
    const message = await received;
    expect([message.data.toString(), message.attributes]).toEqual(["hello", { kind: "greeting" }]);
    await subscription.close();
    expect(await started.cloud.store.list("pubsub/backlog/")).toEqual([]);
    await client.close();
  });

  test("pushes messages with a token of the subscription's account, again when they are not taken", async () => {
    statuses.push(500);
    const client = new PubSub(options());
    const oidcToken = { serviceAccountEmail: EMAIL, audience: "push" };
    const pushConfig = { pushEndpoint: `${TARGET}/push`, oidcToken };
    const [topic] = await client.createTopic("pushed");
    await topic.createSubscription("push", { pushConfig });
    const messageId = await topic.publishMessage({ json: { run: 1 } });
    const calls = await visit(2);
    for (const { body, claims } of calls) {
      const { message, subscription } = JSON.parse(body) as { message: JsonMessage; subscription: string };
      expect([message.messageId, subscription, claims.email]).toEqual([messageId, `${P}/subscriptions/push`, EMAIL]);
      expect(Buffer.from(message.data, "base64").toString()).toBe('{"run":1}');
    }
    await client.close();
  });
});

test("nobody has an account call that they may not act as", async () => {
  const someone = { kind: "user", email: "someone@example.com", via: "accessToken" } as const;
  for (const role of ["roles/cloudscheduler.admin", "roles/pubsub.editor"])
    await grantOnProject(started.cloud, role, `user:${someone.email}`);
  const oidcToken = { serviceAccountEmail: EMAIL };
  const job = { name: `${L}/jobs/lent`, schedule: "0 9 * * 1", httpTarget: { uri: TARGET, oidcToken } };
  const push = { topic: `${P}/topics/pushed`, pushConfig: { pushEndpoint: TARGET, oidcToken } };
  for (const [methodId, path, body] of [
    ["cloudscheduler.projects.locations.jobs.create", { parent: L }, job],
    ["pubsub.projects.subscriptions.create", { name: `${P}/subscriptions/lent` }, push],
  ] as const)
    await expect(started.cloud.call({ methodId, path, body }, someone)).rejects.toThrow("not authorized to act as");
});

interface JsonMessage {
  messageId: string;
  data: string;
}

test("pauses double, then grow by equal steps, up to their limit", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map((failures) => backoff(failures, 10, 300, 3))).toEqual([
    10, 20, 40, 80, 160, 240, 300, 300,
  ]);
});
