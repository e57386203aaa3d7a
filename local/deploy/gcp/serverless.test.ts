/** Functions and services of Cloud Run through the host's provider against a live cloud. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cloudFunctions } from "../../cloud/services/cloudfunctions";
import { archiveOf, helloArchive } from "../../cloud/services/cloudfunctions/testing";
import { iam } from "../../cloud/services/iam";
import { run } from "../../cloud/services/run";
import { storage } from "../../cloud/services/storage";
import { writeObject } from "../../cloud/services/storage/objects";
import { createImageEngine } from "../../engines/images";
import { registerImage } from "../../engines/images-list";
import { createServerEngine } from "../../engines/servers";
import { readTools } from "../../engines/tools";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Properties } from "../values";

const L = "projects/sparklab-local/locations/us-central1";
const FUNCTION = "gcp:cloudfunctionsv2/function:Function";
const SERVICE = "gcp:cloudrunv2/service:Service";
const INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember";
const account = (id: string) => `${id}@sparklab-local.iam.gserviceaccount.com`;

let google: LiveProvider;
const images = mkdtempSync(join(tmpdir(), "sparklab-images-"));
const image = "us-central1-docker.pkg.dev/sparklab-local/spark/api:1";
beforeAll(async () => {
  const { clients: python } = readTools().python;
  const engines = { servers: createServerEngine({ python }), images: createImageEngine({ python, folder: images }) };
  const built = { digest: "sha256:0", builtAt: "2026-11-21T09:00:00Z", bytes: 1, environment: {} };
  await registerImage(images, image, { folder: images, command: ["server.js"], ...built });
  google = await liveProvider([iam, storage, run, cloudFunctions], undefined, engines);
  for (const accountId of ["launcher", "fn-build", "scheduler"])
    await google.lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId });
  await google.lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "code" });
  await writeObject(google.lab.cloud, { bucket: "code", name: "a.zip" }, await helloArchive());
  await writeObject(google.lab.cloud, { bucket: "code", name: "b.zip" }, await helloArchive());
  await writeObject(google.lab.cloud, { bucket: "code", name: "empty.zip" }, await archiveOf({ "readme.txt": "x" }));
});
afterAll(async () => {
  await google.close();
  rmSync(images, { recursive: true });
});

const functionInputs = (object: string, more: Properties = {}, service: Properties = {}): Properties => ({
  ...{ name: "start", location: "us-central1", labels: { a: "1" }, ...more },
  buildConfig: {
    ...{ runtime: "nodejs22", entryPoint: "hello", source: { storageSource: { bucket: "code", object } } },
    serviceAccount: `projects/sparklab-local/serviceAccounts/${account("fn-build")}`,
  },
  serviceConfig: {
    ...{ serviceAccountEmail: account("launcher"), availableMemory: "256Mi", maxInstanceCount: 3 },
    ...{ environmentVariables: { GREETING: "hello" }, ...service },
  },
});

describe("the life of a", () => {
  test("Function, with the service behind it and the buckets that stay", async () => {
    const uri: unknown = expect.stringMatching(/^https:\/\/start-[a-z2-7]{10}-uc\.a\.run\.app$/);
    await google.live({
      type: FUNCTION,
      inputs: functionInputs("a.zip"),
      id: `${L}/functions/start`,
      outputs: {
        ...{ state: "ACTIVE", environment: "GEN_2" },
        url: "https://us-central1-sparklab-local.cloudfunctions.net/start",
        serviceConfig: {
          service: `${L}/services/start`,
          uri,
          timeoutSeconds: 60,
          ingressSettings: "ALLOW_ALL",
        } as Properties,
      },
      change: [
        functionInputs("b.zip", { labels: { a: "2" } }, { timeoutSeconds: 30 }),
        ["labels.a", "buildConfig.source.storageSource.object", "serviceConfig.timeoutSeconds"],
      ],
      replace: [functionInputs("b.zip", { location: "us-east1" }), ["location"]],
      before: async () => {
        const service = (await google.lab.rest(`GET https://run.googleapis.com/v2/${L}/services/start`)) as Properties;
        expect(service).toMatchObject({
          generation: "2",
          template: { timeout: "30s", serviceAccount: account("launcher") },
        });
        const refused = await google.lab.refusal(`DELETE https://run.googleapis.com/v2/${L}/services/start`);
        expect(refused.message).toContain("belongs to a function");
      },
    });
    expect((await google.lab.refusal(`GET https://run.googleapis.com/v2/${L}/services/start`)).status).toBe(
      "NOT_FOUND",
    );
    const { items } = (await google.lab.rest(
      "GET https://storage.googleapis.com/storage/v1/b?project=sparklab-local",
    )) as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toEqual([
      "code",
      "gcf-v2-sources-100000000001-us-central1",
      "gcf-v2-uploads-100000000001-us-central1",
    ]);
  });

  const serviceInputs = (more: Properties = {}, template: Properties = {}): Properties => ({
    ...{ name: "api", location: "us-central1", deletionProtection: false, ingress: "INGRESS_TRAFFIC_ALL", ...more },
    template: {
      serviceAccount: account("launcher"),
      scaling: { maxInstanceCount: 3 },
      containers: [
        {
          image,
          resources: { limits: { cpu: "1", memory: "512Mi" }, cpuIdle: true },
          startupProbe: { httpGet: { path: "/healthz" } },
        },
      ],
      ...template,
    },
  });

  test("Service of source that needs no build", () => {
    const source = (object: string): Properties => ({
      ...serviceInputs({ name: "scoring", launchStage: "BETA" }),
      template: {
        serviceAccount: account("launcher"),
        containers: [
          {
            ...{
              image: "scratch",
              baseImageUri: "us-central1-docker.pkg.dev/serverless-runtimes/google-22/runtimes/nodejs22",
            },
            ...{
              commands: ["node"],
              args: ["index.js"],
              envs: [{ name: "A", value: "1" }],
              ports: { containerPort: 8080 },
            },
            sourceCode: { cloudStorageSource: { bucket: "code", object } },
          },
        ],
      },
    });
    return google.live({
      type: SERVICE,
      inputs: source("a.zip"),
      id: `${L}/services/scoring`,
      outputs: { uri: expect.stringMatching(/^https:\/\/scoring-[a-z2-7]{10}-uc\.a\.run\.app$/) as never },
      change: [source("b.zip"), ["template.containers[0].sourceCode.cloudStorageSource.object"]],
    });
  });

  test("Service, and who may call it", async () => {
    const member = {
      name: "api",
      location: "us-central1",
      role: "roles/run.invoker",
      member: `serviceAccount:${account("scheduler")}`,
    };
    await google.live({
      type: SERVICE,
      inputs: serviceInputs(),
      id: `${L}/services/api`,
      outputs: {
        generation: "1",
        reconciling: false,
        latestReadyRevision: expect.stringContaining("/revisions/api-00001-") as never,
      },
      change: [serviceInputs({ description: "x" }, { timeout: "60s" }), ["description", "template.timeout"]],
      replace: [serviceInputs({ name: "other" }), ["name"]],
      before: async () =>
        void (await google.live({
          type: INVOKER,
          inputs: member,
          id: `${L}/services/api/roles/run.invoker/serviceAccount:${account("scheduler")}`,
          replace: [{ ...member, member: `serviceAccount:${account("launcher")}` }, ["member"]],
        })),
    });
  });
});

describe("refuses", () => {
  test.each<[string, string, Properties, string]>([
    [
      "an archive without a package",
      FUNCTION,
      functionInputs("empty.zip"),
      "package.json: not in the archive's top folder",
    ],
    ["an archive that is not there", FUNCTION, functionInputs("none.zip"), "Object 'gs://code/none.zip' was not found"],
    [
      "a runtime that is not Node",
      FUNCTION,
      {
        ...functionInputs("a.zip"),
        buildConfig: {
          runtime: "python311",
          entryPoint: "x",
          source: { storageSource: { bucket: "code", object: "a.zip" } },
        },
      },
      "Got 'python311'; runtimes that this cloud runs: nodejs20, nodejs22, nodejs24",
    ],
    [
      "an account that is not there",
      FUNCTION,
      functionInputs("a.zip", {}, { serviceAccountEmail: account("nobody") }),
      "Service account 'nobody@sparklab-local.iam.gserviceaccount.com' was not found",
    ],
    [
      "source without the file that starts it",
      SERVICE,
      {
        ...{ name: "x", location: "us-central1" },
        template: {
          serviceAccount: account("launcher"),
          containers: [
            {
              image: "scratch",
              args: ["main.js"],
              sourceCode: { cloudStorageSource: { bucket: "code", object: "a.zip" } },
            },
          ],
        },
      },
      "gs://code/a.zip: main.js: not in the archive",
    ],
    [
      "an image that was not built here",
      SERVICE,
      {
        name: "x",
        location: "us-central1",
        template: { serviceAccount: account("launcher"), containers: [{ image: "gcr.io/other/image:1" }] },
      },
      `Image 'gcr.io/other/image:1' not found; expected one that this lab has built: ${image}. Run npx sparklab image build.`,
    ],
  ])("%s", async (_, type, inputs, message) => {
    await expect(google.make(type, inputs)).rejects.toThrow(message);
  });
});
