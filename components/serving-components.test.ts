/** What the components that answer and call declare: the exact children, and the inputs that matter. */
import { endpointNumber, ModelEndpoint } from "./model-endpoint";
import { PipelineFunction } from "./pipeline-function";
import { record } from "./record";
import { RequestQueue } from "./request-queue";
import { ScoringApi } from "./scoring-api";
import { children, inputs, labels } from "./testing";
import { TrainingSchedule } from "./training-schedule";

const url = "https://f.run.app";

describe("ModelEndpoint", () => {
  it("has a number that follows from its name", () => {
    expect(endpointNumber("sparklab-dev-churn")).toBe(endpointNumber("sparklab-dev-churn"));
    expect(endpointNumber("a")).toMatch(/^[1-9]\d{9}$/);
    expect(endpointNumber("a")).not.toBe(endpointNumber("b"));
  });
  it("names number and place", async () => {
    const recording = await record(() => new ModelEndpoint("churn", { displayName: "a", location: "r", labels }));
    expect(inputs(recording, "AiEndpoint")).toMatchObject({ name: endpointNumber("a"), location: "r" });
  });
});

it("ScoringApi runs the archive as its own account, callable by those with a grant alone", async () => {
  const recording = await record(
    () =>
      new ScoringApi("scoring", {
        serviceName: "s",
        location: "r",
        labels,
        serviceAccount: "s@x",
        source: { bucket: "b", object: "o.zip", generation: "7" },
        environment: { A: "1" },
        grants: { ann: { role: "roles/run.invoker", member: "user:ann@x.y" } },
      }),
  );
  expect(children(recording)).toEqual(["Service scoring", "ServiceIamMember scoring-ann"]);
  expect(inputs(recording, "Service")).toMatchObject({
    deletionProtection: false,
    template: {
      serviceAccount: "s@x",
      containers: [
        {
          image: "scratch",
          sourceCode: { cloudStorageSource: { object: "o.zip", generation: "7" } },
          envs: [{ name: "A", value: "1" }],
        },
      ],
    },
  });
});

it("PipelineFunction is built and run as accounts of its own, in a repository of its own", async () => {
  const recording = await record(
    () =>
      new PipelineFunction("start", {
        functionName: "f",
        location: "r",
        labels,
        description: "d",
        entryPoint: "go",
        source: { bucket: "b", object: "o" },
        serviceAccount: "l@x",
        buildAccount: "b",
        repository: "repo",
        environment: {},
        grants: { scheduler: { role: "roles/run.invoker", member: "user:s@x.y" } },
      }),
  );
  expect(inputs(recording, "Function")).toMatchObject({
    buildConfig: { runtime: "nodejs22", serviceAccount: "b", dockerRepository: "repo" },
    serviceConfig: { serviceAccountEmail: "l@x", maxInstanceCount: 3 },
  });
  expect(inputs(recording, "ServiceIamMember")).toMatchObject({
    name: "f",
    role: "roles/run.invoker",
    member: "user:s@x.y",
  });
});

it("TrainingSchedule calls with a token for exactly the address that it calls", async () => {
  const recording = await record(
    () =>
      new TrainingSchedule("weekly", {
        jobName: "j",
        region: "r",
        cron: "0 9 * * 1",
        timeZone: "Etc/UTC",
        url,
        caller: "c@x",
      }),
  );
  expect(inputs(recording, "Job")).toMatchObject({
    schedule: "0 9 * * 1",
    httpTarget: { uri: url, oidcToken: { audience: url, serviceAccountEmail: "c@x" } },
    retryConfig: { retryCount: 3 },
  });
});

it("RequestQueue keeps undeliverable messages, never expires, and lets Pub/Sub's agent move them", async () => {
  const recording = await record(
    () =>
      new RequestQueue("q", {
        requestsName: "q",
        deadLettersName: "dead",
        location: "r",
        labels,
        url,
        caller: "c@x",
        agent: "serviceAccount:agent@x",
        requesters: { ann: "user:ann@x.y" },
      }),
  );
  expect(children(recording)).toEqual([
    "Queue q",
    "QueueIamMember q-ann",
    "Subscription q",
    "Subscription q-dead",
    "SubscriptionIAMMember q-agent",
    "Topic q",
    "Topic q-dead",
    "TopicIAMMember q-ann",
    "TopicIAMMember q-dead-agent",
  ]);
  const push = recording.resources.find(({ type, name }) => type.endsWith(":Subscription") && name === "q")!.inputs;
  expect(push).toMatchObject({
    expirationPolicy: { ttl: "" },
    deadLetterPolicy: { maxDeliveryAttempts: 5 },
    pushConfig: { pushEndpoint: url, oidcToken: { audience: url } },
  });
});
