/** Messages, schedules, secrets and registries through the host's provider against a live cloud. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { artifactRegistry } from "../../cloud/services/artifactregistry";
import { cloudScheduler } from "../../cloud/services/cloudscheduler";
import { cloudTasks } from "../../cloud/services/cloudtasks";
import { iam } from "../../cloud/services/iam";
import { pubsub } from "../../cloud/services/pubsub";
import { secretManager } from "../../cloud/services/secretmanager";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Properties } from "../values";

const P = "projects/sparklab-local";
const N = "projects/100000000001";
const L = `${P}/locations/us-central1`;
const location = "us-central1";
const LABELS = { "goog-terraform-provisioned": "true" };
const EMAIL = "caller@sparklab-local.iam.gserviceaccount.com";
const MEMBER = `serviceAccount:${EMAIL}`;

let google: LiveProvider;
beforeAll(async () => {
  const services = [iam, artifactRegistry, secretManager];
  google = await liveProvider([...services, pubsub, cloudTasks, cloudScheduler]);
  await google.make("gcp:serviceaccount/account:Account", { accountId: "caller" });
});
afterAll(() => google.close());

const refused = (type: string, inputs: Properties) => {
  const checked = google.provider.check(type, "urn:pulumi:test::p::t::n", inputs, undefined);
  return expect(google.provider.create(type, checked.inputs, {})).rejects;
};

/** Grants a role, finds it, takes it away. */
const member = (type: string, resource: Properties, role: string, id: string) =>
  google.live({ type, inputs: { ...resource, role, member: MEMBER }, id: `${id}/${role}/${MEMBER}` });

describe("messages", () => {
  const TOPIC = "gcp:pubsub/topic:Topic";
  const SUBSCRIPTION = "gcp:pubsub/subscription:Subscription";

  test("Topic and TopicIAMMember", async () => {
    const topic = { name: "runs", messageRetentionDuration: "86400s" };
    await google.live({
      type: TOPIC,
      inputs: topic,
      id: `${P}/topics/runs`,
      outputs: { name: "runs", effectiveLabels: LABELS },
      change: [{ ...topic, labels: { v: "2" } }, ["labels"]],
      replace: [{ ...topic, name: "other" }, ["name"]],
      before: async () => {
        const type = "gcp:pubsub/topicIAMMember:TopicIAMMember";
        await member(type, { topic: "runs" }, "roles/pubsub.publisher", `${P}/topics/runs`);
      },
    });
  });

  test("Subscription that is pushed, with dead letters; without its topic it stays", async () => {
    const topic = await google.make(TOPIC, { name: "events" });
    const dead = await google.make(TOPIC, { name: "dead" });
    const inputs: Properties = {
      ...{ name: "push", topic: topic.id, ackDeadlineSeconds: 600, expirationPolicy: { ttl: "" } },
      pushConfig: { pushEndpoint: "https://x.run.app/", oidcToken: { serviceAccountEmail: EMAIL } },
      deadLetterPolicy: { deadLetterTopic: dead.id, maxDeliveryAttempts: 5 },
      retryPolicy: { minimumBackoff: "10s", maximumBackoff: "600s" },
    };
    await google.live({
      type: SUBSCRIPTION,
      inputs,
      id: `${P}/subscriptions/push`,
      outputs: { messageRetentionDuration: "604800s", expirationPolicy: { ttl: "" } },
      change: [
        { ...inputs, ackDeadlineSeconds: 60, retryPolicy: { minimumBackoff: "20s", maximumBackoff: "600s" } },
        ["ackDeadlineSeconds", "retryPolicy.minimumBackoff"],
      ],
      replace: [{ ...inputs, topic: dead.id }, ["topic"]],
      before: async () => {
        await google.provider.delete(TOPIC, topic, {});
        const found = await google.lab.rest(`GET https://pubsub.googleapis.com/v1/${P}/subscriptions/push`);
        expect(found).toMatchObject({ topic: "_deleted-topic_" });
      },
    });
    await refused(SUBSCRIPTION, { ...inputs, topic: `${P}/topics/none` }).toThrow(
      "Resource not found (resource=none).",
    );
  });
});

describe("schedules and queues", () => {
  test("Queue and QueueIamMember", () => {
    const inputs: Properties = {
      ...{ name: "runs", location, retryConfig: { maxAttempts: 5, minBackoff: "10s", maxBackoff: "300s" } },
      rateLimits: { maxConcurrentDispatches: 2, maxDispatchesPerSecond: 1 },
    };
    return google.live({
      type: "gcp:cloudtasks/queue:Queue",
      inputs,
      id: `${L}/queues/runs`,
      outputs: { state: "RUNNING", rateLimits: { maxBurstSize: 10 }, retryConfig: { maxDoublings: 16 } },
      change: [
        { ...inputs, rateLimits: { maxConcurrentDispatches: 3, maxDispatchesPerSecond: 1 }, desiredState: "PAUSED" },
        ["rateLimits.maxConcurrentDispatches", "desiredState"],
      ],
      replace: [{ ...inputs, location: "us-east1" }, ["location"]],
      before: async () => {
        const found = await google.lab.rest(`GET https://cloudtasks.googleapis.com/v2/${L}/queues/runs`);
        expect(found).toMatchObject({ state: "PAUSED" });
        const type = "gcp:cloudtasks/queueIamMember:QueueIamMember";
        await member(type, { name: "runs", location }, "roles/cloudtasks.enqueuer", `${L}/queues/runs`);
      },
    });
  });

  const JOB = "gcp:cloudscheduler/job:Job";
  const job: Properties = {
    ...{ name: "weekly", region: location, schedule: "0 9 * * 1", retryConfig: { retryCount: 3 } },
    httpTarget: {
      ...{
        uri: "https://x.run.app/",
        httpMethod: "POST",
        body: "e30=",
        headers: { "Content-Type": "application/json" },
      },
      oidcToken: { serviceAccountEmail: EMAIL, audience: "https://x.run.app/" },
    },
  };

  test("Job", () =>
    google.live({
      type: JOB,
      inputs: job,
      id: `${L}/jobs/weekly`,
      outputs: { state: "ENABLED", timeZone: "Etc/UTC", attemptDeadline: "180s", retryConfig: { maxDoublings: 5 } },
      change: [{ ...job, schedule: "0 10 * * 1", paused: true }, ["schedule", "paused"]],
      replace: [{ ...job, name: "other" }, ["name"]],
      before: async () => {
        const found = await google.lab.rest(`GET https://cloudscheduler.googleapis.com/v1/${L}/jobs/weekly`);
        expect(found).toMatchObject({ state: "PAUSED", schedule: "0 10 * * 1" });
      },
    }));

  test.each([
    ["schedules that are none", { schedule: "at nine" }, "expected five cron fields"],
    ["fields out of range", { schedule: "0 25 * * *" }, "Schedule '0 25 * * *' in time zone 'Etc/UTC' is invalid"],
    ["time zones that are none", { timeZone: "Mars/Base" }, "in time zone 'Mars/Base' is invalid"],
  ])("Scheduler refuses %s", (_what, change, message) => refused(JOB, { ...job, ...change }).toThrow(message));
});

test("Secret with its SecretVersion and SecretIamMember", async () => {
  const secret: Properties = { secretId: "token", replication: { auto: {} } };
  await google.live({
    type: "gcp:secretmanager/secret:Secret",
    inputs: secret,
    id: `${P}/secrets/token`,
    outputs: { name: `${N}/secrets/token`, replication: { auto: {} } },
    change: [{ ...secret, labels: { v: "2" } }, ["labels"]],
    replace: [{ ...secret, secretId: "other" }, ["secretId"]],
    before: async () => {
      const version = { secret: `${P}/secrets/token`, secretData: "s3cr3t" };
      const API = "https://secretmanager.googleapis.com/v1";
      await google.live({
        type: "gcp:secretmanager/secretVersion:SecretVersion",
        inputs: version,
        id: `${N}/secrets/token/versions/1`,
        outputs: { version: "1", enabled: true },
        change: [{ ...version, enabled: false }, ["enabled"]],
        replace: [{ ...version, secretData: "other" }, ["secretData"]],
        before: async () => {
          const { message } = await google.lab.refusal(`GET ${API}/${P}/secrets/token/versions/1:access`);
          expect(message).toBe(`Secret Version [${N}/secrets/token/versions/1] is in DISABLED state.`);
        },
      });
      await google.make("gcp:secretmanager/secretVersion:SecretVersion", { ...version, secretData: "new" });
      const payload = { data: Buffer.from("new").toString("base64"), dataCrc32c: expect.any(String) };
      const latest = await google.lab.rest(`GET ${API}/${P}/secrets/token/versions/latest:access`);
      expect(latest).toEqual({ name: `${N}/secrets/token/versions/2`, payload });
      const type = "gcp:secretmanager/secretIamMember:SecretIamMember";
      await member(type, { secretId: "token" }, "roles/secretmanager.secretAccessor", `${P}/secrets/token`);
    },
  });
});

test("Repository and RepositoryIamMember", () => {
  const inputs: Properties = {
    ...{ repositoryId: "spark", location, format: "DOCKER" },
    cleanupPolicies: [{ id: "keep5", action: "KEEP", mostRecentVersions: { keepCount: 5 } }],
  };
  return google.live({
    type: "gcp:artifactregistry/repository:Repository",
    inputs,
    id: `${L}/repositories/spark`,
    outputs: { name: "spark", registryUri: "us-central1-docker.pkg.dev/sparklab-local/spark" },
    change: [{ ...inputs, description: "x" }, ["description"]],
    replace: [{ ...inputs, format: "KFP" }, ["format"]],
    before: async () => {
      const type = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember";
      await member(type, { repository: "spark", location }, "roles/artifactregistry.reader", `${L}/repositories/spark`);
    },
  });
});
