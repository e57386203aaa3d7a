/** Clusters by Google's own client, and what this cloud does not run. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientEnvironment } from "../../door/client-environment";
import { OPERATOR } from "../../door/principals";
import type { StartedCloud } from "../../main";
import { runNode, startTestCloud } from "../../main-testing";
import type { JsonObject } from "../../service";
import { descriptionsFolder } from "../../testing";
import { ApiError } from "../../errors";

const lab = mkdtempSync(join(tmpdir(), "sparklab-clusters-"));
const PATH = "/v1/projects/sparklab-local/regions/us-central1/clusters";
let started: StartedCloud;
const post = (host: string, path: string, body: JsonObject) =>
  started.api.rest({ host, verb: "POST", path, body }, OPERATOR);
beforeAll(async () => {
  started = await startTestCloud(lab, descriptionsFolder());
  await post("iam.googleapis.com", "/v1/projects/sparklab-local/serviceAccounts", { accountId: "worker-one" });
});
afterAll(async () => {
  await started.close();
  rmSync(lab, { recursive: true, force: true });
});

const single = (config: JsonObject = {}): JsonObject => ({
  gceClusterConfig: { serviceAccount: "worker-one@sparklab-local.iam.gserviceaccount.com" },
  softwareConfig: { properties: { "dataproc:dataproc.allow.zero.workers": "true" } },
  ...config,
});

test("Google's client makes, lists and deletes a cluster, and sees what the service added", async () => {
  const seen = await runNode<JsonObject>(
    clientEnvironment(lab),
    `(async () => {
      const { ClusterControllerClient } = require("@google-cloud/dataproc").v1;
      const client = new ClusterControllerClient({ apiEndpoint: "us-central1-dataproc.googleapis.com" });
      const at = { projectId: "sparklab-local", region: "us-central1" };
      const cluster = { clusterName: "history", config: JSON.parse(process.env.CONFIG) };
      const [making] = await client.createCluster({ ...at, cluster });
      const [made] = await making.promise();
      const [listed] = await client.listClusters(at);
      const [deleting] = await client.deleteCluster({ ...at, clusterName: "history" });
      await deleting.promise();
      const [left] = await client.listClusters(at);
      const { labels, status, config } = made;
      // Google's Node client gives enums as numbers: 2 is RUNNING.
      return { labels: Object.keys(labels), state: status.state, bucket: config.configBucket, listed: listed.length, left: left.length };
    })()`,
    { CONFIG: JSON.stringify(single()) },
  );
  expect(seen).toEqual({
    labels: expect.arrayContaining([
      "goog-dataproc-cluster-name",
      "goog-dataproc-cluster-uuid",
      "goog-dataproc-location",
    ]),
    ...{ state: 2, bucket: "dataproc-staging-us-central1-100000000001", listed: 1, left: 0 },
  });
});

test.each<[string, JsonObject, string]>([
  ["workers", single({ workerConfig: { numInstances: 2 } }), "this cloud runs single-node clusters only"],
  ["no word on workers", single({ softwareConfig: {} }), 'dataproc:dataproc.allow.zero.workers must be "true"'],
  ["an image of another version", single({ softwareConfig: { imageVersion: "2.1" } }), "Got '2.1'; supported: 2.3."],
  [
    "a subnet that is not there",
    single({ gceClusterConfig: { subnetworkUri: "regions/us-central1/subnetworks/x" } }),
    "was not found",
  ],
  [
    "initialization actions",
    single({ initializationActions: [{ executableFile: "gs://b/x.sh" }] }),
    "are not run by this cloud",
  ],
  ["a life of its own", single({ lifecycleConfig: { idleDeleteTtl: "600s" } }), "deletes no cluster by itself"],
])("a cluster with %s is refused", async (_, config, message) => {
  const refused = post("dataproc.googleapis.com", PATH, { clusterName: "x", config }).catch((error: ApiError) =>
    JSON.stringify([error.message, error.details]).replaceAll("\\", ""),
  );
  expect(await refused).toContain(message);
});
