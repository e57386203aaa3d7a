/** What the other components of the lab declare: the exact children, and the inputs that matter. */
import { DagEnvironment } from "./dag-environment";
import { FailureAlerts } from "./failure-alerts";
import { layout } from "./lab-dashboard";
import { LogArchive } from "./log-archive";
import { MonthlyBudget } from "./monthly-budget";
import { NotebookSchedule } from "./notebook-schedule";
import { NotebookServer } from "./notebook-server";
import { ProjectMembers } from "./project-members";
import { ProjectServices } from "./project-services";
import { record } from "./record";
import { Registry } from "./registry";
import { children, inputs, labels } from "./testing";
import type * as cloudscheduler from "@pulumi/gcp/cloudscheduler";
import * as pulumi from "@pulumi/pulumi";

it("ProjectServices makes the agents that are asked for", async () => {
  const recording = await record(() => new ProjectServices("services", { services: ["pubsub"], agents: ["pubsub"] }));
  expect(children(recording)).toEqual(["Service services-pubsub", "ServiceIdentity services-pubsub-agent"]);
});

it("ProjectMembers grants each role to each principal", async () => {
  const recording = await record(
    () =>
      new ProjectMembers("people", {
        project: "p",
        members: { a: "user:a@x.y", b: "user:b@x.y" },
        roles: { q: "roles/bigquery.jobUser" },
      }),
  );
  expect(children(recording)).toEqual(["IAMMember people-a-q", "IAMMember people-b-q"]);
});

describe("Registry", () => {
  const registry = (format: "DOCKER" | "KFP") =>
    record(
      () =>
        new Registry("images", {
          project: "p",
          repositoryId: "i",
          location: "r",
          format,
          description: "d",
          labels,
          grants: {},
        }),
    );

  it("cleans up images and keeps the newest", async () => {
    expect(inputs(await registry("DOCKER"), "Repository")).toMatchObject({
      cleanupPolicyDryRun: false,
      cleanupPolicies: [{ action: "KEEP", mostRecentVersions: { keepCount: 5 } }, { action: "DELETE" }],
    });
  });
  it("cleans no pipelines up, since their format has no such policy", async () =>
    expect(inputs(await registry("KFP"), "Repository")).not.toHaveProperty("cleanupPolicies"));
});

it("DagEnvironment is private, in the lab's bucket, with one variable and the DAGs", async () => {
  const recording = await record(
    () =>
      new DagEnvironment("airflow", {
        environmentName: "a",
        region: "r",
        labels,
        imageVersion: "composer-3-airflow-3",
        network: "n",
        subnetwork: "s",
        serviceAccount: "c@x",
        bucket: "dags",
        settings: "{}",
        dags: { "x.py": { source: new pulumi.asset.StringAsset("1"), contentType: "text/x-python" } },
      }),
  );
  expect(children(recording)).toEqual(["BucketObject airflow-x.py", "Environment airflow"]);
  expect(inputs(recording, "Environment")).toMatchObject({
    storageConfig: { bucket: "dags" },
    config: { enablePrivateEnvironment: true, softwareConfig: { envVariables: { AIRFLOW_VAR_SPARKLAB: "{}" } } },
  });
  expect(inputs(recording, "BucketObject")).toMatchObject({ name: "dags/x.py", contentType: "text/x-python" });
});

it("NotebookServer has no public address, is shielded and stops when idle", async () => {
  const recording = await record(
    () =>
      new NotebookServer("wb", {
        instanceName: "w",
        zone: "r-a",
        labels,
        network: "n",
        subnetwork: "s",
        serviceAccount: "w@x",
        startScript: "gs://b/start.sh",
      }),
  );
  expect(inputs(recording, "Instance")).toMatchObject({
    gceSetup: {
      disablePublicIp: true,
      serviceAccounts: [{ email: "w@x" }],
      shieldedInstanceConfig: { enableSecureBoot: true },
      metadata: { "idle-timeout-seconds": "3600", "disable-mixer": "false", "post-startup-script": "gs://b/start.sh" },
    },
  });
});

it("NotebookSchedule is created paused, and asks once for a batch as the account that submits it", async () => {
  const environmentConfig = { executionConfig: { serviceAccount: "spark@x" } };
  const recording = await record(
    () =>
      new NotebookSchedule("book", {
        ...{ jobName: "j", project: "p", region: "r", labels, cron: "0 9 * * 1", timeZone: "Etc/UTC" },
        notebook: "gs://b/n.ipynb",
        spark: { runtimeConfig: { version: "2.3" }, environmentConfig } as never,
        submitter: "runner@x",
      }),
  );
  const job = inputs(recording, "Job") as unknown as cloudscheduler.JobArgs & { httpTarget: { body: string } };
  expect(job).toMatchObject({
    paused: true,
    retryConfig: { retryCount: 0 },
    httpTarget: {
      uri: "https://r-dataproc.googleapis.com/v1/projects/p/locations/r/batches",
      oauthToken: { serviceAccountEmail: "runner@x" },
    },
  });
  expect(JSON.parse(Buffer.from(job.httpTarget.body, "base64").toString())).toEqual({
    labels: { ...labels, job: "book" },
    pysparkNotebookBatch: { notebookFileUri: "gs://b/n.ipynb" },
    runtimeConfig: { version: "2.3" },
    environmentConfig,
  });
});

it("LogArchive lets its sink's writer write and expires each day's entries", async () => {
  const recording = await record(
    () => new LogArchive("logs", { project: "p", sinkName: "s", datasetId: "l", location: "r", labels, filter: "f" }),
  );
  expect(children(recording)).toEqual(["Dataset logs", "DatasetIamMember logs-writer", "ProjectSink logs"]);
  expect(inputs(recording, "Dataset")).toMatchObject({
    defaultPartitionExpirationMs: 2_592_000_000,
    deleteContentsOnDestroy: true,
  });
  expect(inputs(recording, "ProjectSink")).toMatchObject({
    destination: "bigquery.googleapis.com/projects/p/datasets/l",
    uniqueWriterIdentity: true,
  });
});

describe("FailureAlerts", () => {
  const alerts = (email?: string) =>
    record(
      () =>
        new FailureAlerts("f", {
          labName: "lab",
          labels,
          email,
          failures: { batches: { title: "t", filter: "severity>=ERROR", advice: "a" } },
        }),
    );
  it("tells nobody by itself", async () => expect(children(await alerts())).toEqual(["AlertPolicy f-batches"]));
  it("tells the address that it is given", async () =>
    expect(inputs(await alerts("ann@x.y"), "AlertPolicy")).toMatchObject({ notificationChannels: ["f-id"] }));
});

it("the dashboard has one chart for each question", () => {
  const page = layout({ title: "t", charts: [{ title: "c", filter: "f", aligner: "ALIGN_RATE", groupBy: "g" }] }) as {
    gridLayout: { widgets: unknown[] };
  };
  expect(page.gridLayout.widgets).toHaveLength(1);
});

it("MonthlyBudget counts this project alone, by its number", async () => {
  const recording = await record(
    () =>
      new MonthlyBudget("b", { displayName: "b", billingAccount: "A", projectNumber: 7, amount: 100, channels: [] }),
  );
  expect(inputs(recording, "Budget")).toMatchObject({
    budgetFilter: { projects: ["projects/7"] },
    amount: { specifiedAmount: { units: "100", currencyCode: "USD" } },
  });
});
