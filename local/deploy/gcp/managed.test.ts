/** Workbench, Composer and Vertex AI through the host's provider against a live cloud. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spec } from "../../cloud/services/aiplatform/pipelines/testing";
import { vertex } from "../../cloud/services/aiplatform/versions";
import { composer } from "../../cloud/services/composer";
import { compute } from "../../cloud/services/compute";
import { iam } from "../../cloud/services/iam";
import { notebooks } from "../../cloud/services/notebooks";
import { storage } from "../../cloud/services/storage";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Instance } from "../provider";
import type { Properties } from "../values";

const P = "projects/sparklab-local";
const L = `${P}/locations/us-central1`;
const account = "worker-one@sparklab-local.iam.gserviceaccount.com";

let google: LiveProvider;
let network: Instance;
let subnet: Instance;
beforeAll(async () => {
  const services = [...compute, iam, storage, ...vertex, composer, notebooks];
  google = await liveProvider(services);
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

const environment = (more: Properties = {}, config: Properties = {}): Properties => ({
  ...{ name: "airflow", region: "us-central1", ...more },
  config: {
    ...{ environmentSize: "ENVIRONMENT_SIZE_SMALL", enablePrivateEnvironment: true },
    softwareConfig: { imageVersion: "composer-3-airflow-3", envVariables: { A: "1" } },
    nodeConfig: { serviceAccount: account, network: network.id, subnetwork: subnet.id },
    workloadsConfig: {
      scheduler: { count: 1, cpu: 0.5, memoryGb: 2, storageGb: 1 },
      worker: { cpu: 0.5, memoryGb: 2, storageGb: 1, minCount: 1, maxCount: 2 },
    },
    ...config,
  },
});

describe("the life of a", () => {
  test("Instance of Workbench, which stops and starts", () => {
    const inputs = (more: Properties = {}, setup: Properties = {}): Properties => ({
      ...{ name: "notebooks", location: "us-central1-a", ...more },
      gceSetup: {
        ...{ machineType: "e2-standard-4", disablePublicIp: true, metadata: { "idle-timeout-seconds": "3600" } },
        ...{
          bootDisk: { diskSizeGb: "150", diskType: "PD_BALANCED" },
          dataDisks: { diskSizeGb: "100", diskType: "PD_BALANCED" },
        },
        serviceAccounts: [{ email: account }],
        networkInterfaces: [{ network: network.id, subnet: subnet.id }],
        shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
        ...setup,
      },
    });
    return google.live({
      type: "gcp:workbench/instance:Instance",
      inputs: inputs(),
      id: `${P}/locations/us-central1-a/instances/notebooks`,
      outputs: { state: "ACTIVE", creator: "operator@sparklab.local" },
      change: [
        inputs({ labels: { v: "2" }, desiredState: "STOPPED" }, { machineType: "e2-standard-2" }),
        ["labels", "gceSetup.machineType", "desiredState"],
      ],
      replace: [inputs({}, { disablePublicIp: false }), ["gceSetup.disablePublicIp"]],
      before: () =>
        expect(google.provider.delete("gcp:compute/subnetwork:Subnetwork", subnet, {})).rejects.toThrow(
          "instances/notebooks",
        ),
    });
  });

  test("Environment of Composer, whose bucket stays", async () => {
    const before = await buckets();
    await google.live({
      type: "gcp:composer/environment:Environment",
      inputs: environment(),
      id: `${L}/environments/airflow`,
      outputs: {
        config: { dagGcsPrefix: expect.stringMatching(/^gs:\/\/us-central1-airflow-\w{8}-bucket\/dags$/) as never },
      },
      change: [
        environment(
          { labels: { v: "2" } },
          { softwareConfig: { imageVersion: "composer-3-airflow-3", envVariables: { A: "2" } } },
        ),
        ["labels", "config.softwareConfig.envVariables.A"],
      ],
      replace: [environment({}, { nodeConfig: { serviceAccount: "other" } }), ["config.nodeConfig.serviceAccount"]],
    });
    expect((await buckets()).length).toBe(before.length + 1);
    await expect(
      google.make(
        "gcp:composer/environment:Environment",
        environment({}, { softwareConfig: { imageVersion: "composer-2-airflow-2" } }),
      ),
    ).rejects.toThrow("Got 'composer-2-airflow-2'; expected an image of Composer 3");
  });

  test("AiEndpoint, which stays while it serves a model", async () => {
    const inputs = (more: Properties = {}): Properties => ({
      ...{ name: "1234567890", location: "us-central1", displayName: "churn", dedicatedEndpointEnabled: true, ...more },
    });
    const key = `${L}/endpoints/1234567890`;
    const { store } = google.lab.cloud;
    await google.live({
      type: "gcp:vertex/aiEndpoint:AiEndpoint",
      inputs: inputs(),
      id: key,
      outputs: { dedicatedEndpointDns: "1234567890.us-central1-100000000001.prediction.vertexai.goog" },
      change: [inputs({ description: "x" }), ["description"]],
      replace: [inputs({ network: "projects/1/global/networks/x" }), ["network"]],
      before: async () => {
        const found = (await store.get(key))!;
        await store.write({ put: { [key]: { ...found, deployedModels: [{ id: "7", model: `${L}/models/1` }] } } });
        const refusal = await google.lab.refusal(`DELETE https://us-central1-aiplatform.googleapis.com/v1beta1/${key}`);
        expect(refusal.message).toContain("has deployed or being-deployed DeployedModel(s) with ID(s): 7.");
        await store.write({ put: { [key]: found } });
        const member = { endpoint: "1234567890", location: "us-central1", role: "roles/aiplatform.user" };
        await google.live({
          type: "gcp:vertex/aiEndpointIamMember:AiEndpointIamMember",
          inputs: { ...member, member: `serviceAccount:${account}` },
          id: `${key}/roles/aiplatform.user/serviceAccount:${account}`,
        });
      },
    });
  });

  test("Schedule, which pauses and resumes", () => {
    const pipeline = spec("files");
    const inputs = (more: Properties = {}): Properties => ({
      ...{ displayName: "nightly", location: "us-central1", cron: "TZ=Etc/UTC 0 3 * * *", maxConcurrentRunCount: "1" },
      createPipelineJobRequest: {
        pipelineJob: {
          ...{
            displayName: "x",
            pipelineSpec: JSON.stringify(pipeline),
            serviceAccount: account,
          },
          runtimeConfig: {
            gcsOutputDirectory: "gs://data/root",
            parameterValues: { text: "a", uri: "gs://data/file" },
          },
        },
      },
      ...more,
    });
    return google.live({
      type: "gcp:colab/schedule:Schedule",
      inputs: inputs({ desiredState: "PAUSED" }),
      id: /schedules\/\d+$/,
      outputs: { state: "PAUSED", startedRunCount: "0" },
      change: [inputs({ cron: "TZ=Etc/UTC 0 4 * * *", desiredState: "ACTIVE" }), ["cron", "desiredState"]],
    });
  });
});
