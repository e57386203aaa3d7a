/** What the components of the whole lab declare: the exact children, and the inputs that matter. */
import { DagEnvironment } from "./dag-environment";
import { ExternalTable } from "./external-table";
import { FailureAlerts } from "./failure-alerts";
import { HistoryServer } from "./history-server";
import { layout } from "./lab-dashboard";
import { LogArchive } from "./log-archive";
import { endpointNumber, ModelEndpoint } from "./model-endpoint";
import { MonthlyBudget } from "./monthly-budget";
import { NotebookServer } from "./notebook-server";
import { PipelineFunction } from "./pipeline-function";
import { PrivateServices } from "./private-services";
import { ProjectMembers } from "./project-members";
import { ProjectServices } from "./project-services";
import { declaredLines, record, type Recording } from "./record";
import { Registry } from "./registry";
import { RequestQueue } from "./request-queue";
import { ScoringApi } from "./scoring-api";
import { SparkMetastore } from "./spark-metastore";
import { SparkNetwork } from "./spark-network";
import { SparkProcedure } from "./spark-procedure";
import { SparkRuntime } from "./spark-runtime";
import { TrainingSchedule } from "./training-schedule";
import * as pulumi from "@pulumi/pulumi";

const labels = { lab: "l", environment: "e" };
/** `Type name` of each child, without the module. */
const children = (recording: Recording) =>
  declaredLines(recording)
    .map((line) => line.replace(/^gcp:[^:]+:/, ""))
    .sort();
const inputs = (recording: Recording, type: string) =>
  recording.resources.find((resource) => resource.type.endsWith(`:${type}`))?.inputs;
const url = "https://f.run.app";

describe("SparkNetwork", () => {
  const network = (internet: boolean) =>
    record(() => new SparkNetwork("spark", { networkName: "n", region: "r", cidr: "10.0.0.0/20", internet }));

  it("is one private subnet, open inside and closed outside", async () => {
    const recording = await network(false);
    expect(children(recording)).toEqual(["Firewall spark-nodes", "Network spark", "Subnetwork spark"]);
    expect(inputs(recording, "Subnetwork")).toMatchObject({ privateIpGoogleAccess: true, ipCidrRange: "10.0.0.0/20" });
    expect(inputs(recording, "Firewall")).toMatchObject({
      direction: "INGRESS",
      sourceRanges: ["10.0.0.0/20"],
      destinationRanges: ["10.0.0.0/20"],
    });
  });

  it("has router and NAT only when packages are fetched", async () =>
    expect(children(await network(true))).toEqual(expect.arrayContaining(["Router spark", "RouterNat spark"])));
});

it("PrivateServices reserves the range that it is given and connects it", async () => {
  const recording = await record(
    () => new PrivateServices("google", { rangeName: "g", network: "n", cidr: "10.20.0.0/16" }),
  );
  expect(children(recording)).toEqual(["Connection google", "GlobalAddress google"]);
  expect(inputs(recording, "GlobalAddress")).toMatchObject({
    address: "10.20.0.0",
    prefixLength: 16,
    purpose: "VPC_PEERING",
  });
});

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

it("HistoryServer is one private machine on the event logs, with buckets that are the lab's own", async () => {
  const recording = await record(
    () =>
      new HistoryServer("history", {
        clusterName: "h",
        region: "r",
        labels,
        subnetwork: "s",
        serviceAccount: "w@x",
        stagingBucket: "st",
        eventsBucket: "ev",
      }),
  );
  expect(inputs(recording, "Cluster")).toMatchObject({
    clusterConfig: {
      stagingBucket: "st",
      tempBucket: "st",
      gceClusterConfig: { internalIpOnly: true, serviceAccount: "w@x", subnetwork: "s" },
      softwareConfig: {
        imageVersion: "2.3-debian12",
        overrideProperties: {
          "dataproc:dataproc.allow.zero.workers": "true",
          "spark:spark.history.fs.logDirectory": "gs://ev/*/spark-job-history",
        },
      },
    },
  });
});

it("SparkMetastore is reached by gRPC and grants on itself", async () => {
  const recording = await record(
    () =>
      new SparkMetastore("m", {
        serviceId: "m",
        location: "r",
        labels,
        grants: { worker: { role: "roles/metastore.metadataEditor", member: "user:a@x.y" } },
      }),
  );
  expect(children(recording)).toEqual(["MetastoreService m", "MetastoreServiceIamMember m-worker"]);
  expect(inputs(recording, "MetastoreService")).toMatchObject({
    hiveMetastoreConfig: { endpointProtocol: "GRPC" },
    scalingConfig: { scalingFactor: 0.1 },
  });
});

describe("SparkRuntime", () => {
  const runtime = () =>
    record(
      () =>
        new SparkRuntime("notebook", {
          project: "p",
          location: "r",
          version: "2.3",
          serviceAccount: "w@x",
          stagingBucket: "s",
          subnetwork: "net",
          containerImage: "img",
          metastore: "ms",
          historyServer: "hs",
          notebook: { templateId: "n", version: "2.3" },
          connect: { templateId: "c", version: "3.0" },
          labels,
        }),
    );

  it("gives batches image, network, metastore and history server as one value", async () => {
    expect((await runtime()).outputs.settings.batch).toEqual({
      runtimeConfig: { version: "2.3", containerImage: "img" },
      environmentConfig: {
        executionConfig: {
          serviceAccount: "w@x",
          stagingBucket: "s",
          subnetworkUri: "net",
          authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
        },
        peripheralsConfig: { metastoreService: "ms", sparkHistoryServerConfig: { dataprocCluster: "hs" } },
      },
    });
  });

  it("attaches nothing made for older runtimes to the Spark Connect template", async () => {
    const connect = (await runtime()).resources.find(({ name }) => name === "notebook-connect")!.inputs;
    expect(connect).toMatchObject({
      sparkConnectSession: {},
      runtimeConfig: { version: "3.0" },
      environmentConfig: { executionConfig: { ttl: "14400s" } },
    });
    expect(JSON.stringify(connect)).not.toMatch(/img|ms"|hs"/);
  });
});

it("SparkProcedure grants its connection's account what Spark in BigQuery needs, before the procedure", async () => {
  const recording = await record(
    () =>
      new SparkProcedure("rates", {
        project: "p",
        location: "r",
        connectionId: "c",
        datasetId: "d",
        routineId: "x",
        description: "",
        runtimeVersion: "2.3",
        mainFile: "gs://b/x.py",
        packages: [],
        parameters: ["column"],
        codeBucket: "code",
        stagingBucket: "staging",
      }),
  );
  const member = "serviceAccount:bqcx-123-c@gcp-sa-bigquery-condel.iam.gserviceaccount.com";
  const grants = recording.resources
    .filter(({ type }) => /IamMember$/i.test(type))
    .map(({ inputs: { role, member: who, bucket, datasetId } }) => [
      role,
      bucket ?? datasetId ?? "project",
      who === member,
    ]);
  expect(grants.sort()).toEqual([
    ["roles/bigquery.dataEditor", "d", true],
    ["roles/bigquery.jobUser", "project", true],
    ["roles/bigquery.readSessionUser", "project", true],
    ["roles/storage.objectUser", "staging", true],
    ["roles/storage.objectViewer", "code", true],
  ]);
  expect(inputs(recording, "Routine")).toMatchObject({
    definitionBody: "",
    sparkOptions: { runtimeVersion: "2.3", mainFileUri: "gs://b/x.py" },
    arguments: [{ name: "column", mode: "IN", dataType: '{"typeKind":"STRING"}' }],
  });
});

it("ExternalTable lets its connection's account read one bucket and do nothing else", async () => {
  const recording = await record(
    () =>
      new ExternalTable("biglake", {
        project: "p",
        location: "r",
        connectionId: "c",
        datasetId: "d",
        tableId: "t",
        schema: "[]",
        bucket: "raw",
        file: "gs://raw/x.csv",
        labels,
      }),
  );
  expect(children(recording)).toEqual(["BucketIAMMember biglake-reads", "Connection biglake", "Table biglake"]);
  expect(inputs(recording, "BucketIAMMember")).toMatchObject({ bucket: "raw", role: "roles/storage.objectViewer" });
});

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
