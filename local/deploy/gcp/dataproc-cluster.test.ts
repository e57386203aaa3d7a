/** Clusters, their metastore and the connections to them through the host's provider against a live cloud. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { bigqueryConnection } from "../../cloud/services/bigqueryconnection";
import { compute } from "../../cloud/services/compute";
import { dataproc } from "../../cloud/services/dataproc";
import { scriptedEngine } from "../../cloud/services/dataproc/scripted-engine";
import { iam } from "../../cloud/services/iam";
import { metastore } from "../../cloud/services/metastore";
import { storage } from "../../cloud/services/storage";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Instance } from "../provider";
import type { Properties } from "../values";

const P = "projects/sparklab-local";
const L = `${P}/locations/us-central1`;
const CLUSTER = "gcp:dataproc/cluster:Cluster";
const account = "worker-one@sparklab-local.iam.gserviceaccount.com";

let google: LiveProvider;
let network: Instance;
let subnet: Instance;
beforeAll(async () => {
  const services = [...compute, iam, storage, metastore, dataproc, bigqueryConnection];
  google = await liveProvider(services, undefined, { spark: scriptedEngine(1) });
  await google.lab.rest(`POST https://iam.googleapis.com/v1/${P}/serviceAccounts`, { accountId: "worker-one" });
  await google.lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "data" });
  network = await google.make("gcp:compute/network:Network", { name: "lab", autoCreateSubnetworks: false });
  subnet = await google.make("gcp:compute/subnetwork:Subnetwork", {
    ...{ name: "spark", ipCidrRange: "10.10.0.0/20", region: "us-central1", network: network.id },
  });
});
afterAll(() => google.close());

const buckets = async (): Promise<string[]> => {
  const found = await google.lab.rest("GET https://storage.googleapis.com/storage/v1/b?project=sparklab-local");
  return (found as { items: { name: string }[] }).items.map(({ name }) => name);
};

const cluster = (more: Properties = {}, config: Properties = {}): Properties => ({
  ...{ name: "history", region: "us-central1", ...more },
  clusterConfig: {
    stagingBucket: "data",
    tempBucket: "data",
    endpointConfig: { enableHttpPortAccess: true },
    gceClusterConfig: {
      ...{ subnetwork: subnet.id, internalIpOnly: true, serviceAccount: account },
      ...{ serviceAccountScopes: ["cloud-platform"], shieldedInstanceConfig: { enableSecureBoot: true } },
    },
    masterConfig: {
      ...{ numInstances: 1, machineType: "e2-standard-2" },
      diskConfig: { bootDiskSizeGb: 100, bootDiskType: "pd-balanced" },
    },
    softwareConfig: {
      imageVersion: "2.3-debian12",
      overrideProperties: {
        "dataproc:dataproc.allow.zero.workers": "true",
        "spark:spark.history.fs.logDirectory": "gs://data/*/spark-job-history",
      },
    },
    ...config,
  },
});

describe("the life of a", () => {
  test("Cluster, which keeps its subnet and connects BigQuery to its history", async () => {
    const connection = (more: Properties = {}): Properties => ({
      ...{ connectionId: "spark", location: "us-central1", ...more },
      spark: { sparkHistoryServerConfig: { dataprocCluster: `${P}/regions/us-central1/clusters/history` } },
    });
    await google.live({
      type: CLUSTER,
      inputs: cluster(),
      id: `${P}/regions/us-central1/clusters/history`,
      outputs: {
        clusterConfig: {
          bucket: "data",
          masterConfig: { instanceNames: ["history-m"] },
          endpointConfig: {
            httpPorts: {
              "Spark History Server": expect.stringMatching(
                /\.dataproc\.googleusercontent\.com\/sparkhistory\/$/,
              ) as never,
            },
          },
        },
      },
      change: [cluster({ labels: { v: "2" } }), ["labels"]],
      replace: [cluster({}, { tempBucket: "other" }), ["clusterConfig.tempBucket"]],
      before: async () => {
        await google.live({
          type: "gcp:bigquery/connection:Connection",
          inputs: connection(),
          id: `${L}/connections/spark`,
          outputs: {
            name: `${L}/connections/spark`,
            spark: {
              serviceAccountId: expect.stringMatching(/^bqcx-100000000001-\w{4}@gcp-sa-bigquery-condel\./) as never,
            },
          },
          change: [connection({ friendlyName: "f" }), ["friendlyName"]],
          replace: [{ connectionId: "spark", location: "us-central1", cloudResource: {} }, ["cloudResource", "spark"]],
          before: async () => {
            const member = {
              connectionId: `${L}/connections/spark`,
              location: "us-central1",
              role: "roles/bigquery.connectionUser",
            };
            await google.live({
              type: "gcp:bigquery/connectionIamMember:ConnectionIamMember",
              inputs: { ...member, member: `serviceAccount:${account}` },
              id: `${L}/connections/spark/roles/bigquery.connectionUser/serviceAccount:${account}`,
            });
          },
        });
        await expect(google.provider.delete("gcp:compute/subnetwork:Subnetwork", subnet, {})).rejects.toThrow(
          "history",
        );
      },
    });
  });

  test("Cluster without buckets of its own, for which two are made that stay", async () => {
    const { stagingBucket: _, tempBucket: __, ...config } = cluster().clusterConfig as Properties;
    const made = await google.make(CLUSTER, { name: "bare", region: "us-central1", clusterConfig: config });
    await google.provider.delete(CLUSTER, made, {});
    expect(await buckets()).toEqual(
      expect.arrayContaining(["dataproc-staging-us-central1-100000000001", "dataproc-temp-us-central1-100000000001"]),
    );
  });

  test("MetastoreService", () => {
    const inputs = (more: Properties = {}): Properties => ({
      ...{
        serviceId: "store",
        location: "us-central1",
        databaseType: "SPANNER",
        scalingConfig: { scalingFactor: 0.1 },
      },
      hiveMetastoreConfig: { version: "3.1.2", endpointProtocol: "GRPC" },
      ...more,
    });
    return google.live({
      type: "gcp:dataproc/metastoreService:MetastoreService",
      inputs: inputs(),
      id: `${L}/services/store`,
      outputs: { state: "ACTIVE", port: 443, releaseChannel: "STABLE" },
      change: [
        inputs({ labels: { v: "2" }, scalingConfig: { scalingFactor: 0.2 } }),
        ["labels", "scalingConfig.scalingFactor"],
      ],
      replace: [inputs({ databaseType: "MYSQL" }), ["databaseType"]],
      before: async () => {
        const member = { serviceId: "store", location: "us-central1", role: "roles/metastore.metadataEditor" };
        await google.live({
          type: "gcp:dataproc/metastoreServiceIamMember:MetastoreServiceIamMember",
          inputs: { ...member, member: `serviceAccount:${account}` },
          id: `${L}/services/store/roles/metastore.metadataEditor/serviceAccount:${account}`,
        });
      },
    });
  });
});
