/** What the components under Spark declare: the exact children, and the inputs that matter. */
import { ExternalTable } from "./external-table";
import { HistoryServer } from "./history-server";
import { PrivateServices } from "./private-services";
import { record } from "./record";
import { SparkMetastore } from "./spark-metastore";
import { SparkNetwork } from "./spark-network";
import { SparkProcedure } from "./spark-procedure";
import { SparkRuntime } from "./spark-runtime";
import { children, inputs, labels } from "./testing";

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
