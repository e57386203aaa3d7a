/** The scoring API on Cloud Run, from its archive: before there is a champion, with the first one, and with the next. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fetch, ProxyAgent } from "undici";
import { createImageEngine } from "../../../engines/images";
import type { Engines } from "../../../engines/interface";
import { createServerEngine } from "../../../engines/servers";
import { readTools } from "../../../engines/tools";
import { OPERATOR } from "../../door/principals";
import { startCloud, type StartedCloud } from "../../main";
import type { JsonObject } from "../../service";
import { grantOnProject } from "../../testing";
import { scoringApiArchive } from "../cloudbuild/testing";
import { cloudResourceManager } from "../cloudresourcemanager";
import { iam } from "../iam";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";
import { run } from ".";

const L = "projects/sparklab-local/locations/us-central1";
const FOLDER = "customer-churn-model";
const email = "scoring@sparklab-local.iam.gserviceaccount.com";
const testdata = resolve(__dirname, "..", "..", "..", "..", "functions", "scoring-api", "testdata");
const bundle = readFileSync(join(testdata, "bundle.json"), "utf8");
const [line = ""] = readFileSync(join(testdata, "predictions.jsonl"), "utf8").split("\n");
const { instance, probability } = JSON.parse(line) as { instance: JsonObject; probability: number };

const lab = mkdtempSync(join(tmpdir(), "sparklab-champion-"));
let started: StartedCloud;
let proxy: ProxyAgent;
let uri: string;
let isClosed = false;
const rest = async (verb: string, address: string, body?: JsonObject): Promise<JsonObject> => {
  const { host, pathname, search } = new URL(address);
  return (await started.api.rest(
    { host, verb, path: pathname + search, ...(body && { body }) },
    OPERATOR,
  )) as JsonObject;
};

beforeAll(async () => {
  const tools = readTools();
  const { clients: python } = tools.python;
  const folder = join(lab, "cloud");
  const engines = { servers: createServerEngine({ python }), images: createImageEngine({ python, folder }) };
  started = await startCloud({
    ...{ lab, port: 0, descriptions: tools.descriptions, services: [...cloudResourceManager, iam, storage, run] },
    engines: engines as unknown as Engines,
  });
  const ca = readFileSync(join(folder, "ca", "ca.pem"), "utf8");
  proxy = new ProxyAgent({ uri: started.door.proxy, requestTls: { ca } });
  await rest("POST", "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId: "scoring" });
  await grantOnProject(started.cloud, "roles/storage.objectViewer", `serviceAccount:${email}`);
  for (const name of ["functions", "bundles"])
    await rest("POST", "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name });
  const { generation } = await writeObject(
    started.cloud,
    { bucket: "functions", name: "api.zip" },
    await scoringApiArchive(),
  );
  await rest("POST", `https://run.googleapis.com/v2/${L}/services?serviceId=api`, {
    invokerIamDisabled: true,
    template: {
      serviceAccount: email,
      containers: [
        {
          image: "scratch",
          sourceCode: { cloudStorageSource: { bucket: "functions", object: "api.zip", generation: generation } },
          command: ["node"],
          args: ["index.js"],
          env: [
            { name: "CHAMPION_URI", value: `gs://bundles/${FOLDER}/champion.json` },
            { name: "MODEL_REFRESH_SECONDS", value: "0.1" },
          ],
        },
      ],
    },
  });
  uri = (await rest("GET", `https://run.googleapis.com/v2/${L}/services/api`)).uri as string;
});
afterAll(async () => {
  await proxy.close();
  if (!isClosed) await started.close();
  rmSync(lab, { recursive: true, force: true });
});

const ask = async (path: string, body?: string) => {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const method = body === undefined ? "GET" : "POST";
  const response = await fetch(`${uri}${path}`, { dispatcher: proxy, method, headers, ...(body && { body }) });
  return { status: response.status, answer: (await response.json()) as JsonObject };
};
const predict = async () => {
  const { status, answer } = await ask("/v1/predict", JSON.stringify({ instances: [instance] }));
  const [first] = (answer.predictions ?? []) as JsonObject[];
  return { status, version: first?.model_version, probability: first?.probability, error: answer.error as JsonObject };
};
/** The bundle first, then the pointer: as churn_export and the training pipeline write them. */
async function promote(version: string): Promise<void> {
  const uriOfBundle = `gs://bundles/${FOLDER}/${version}/bundle.json`;
  const pointer = { version, bundle: uriOfBundle, pipelineId: version, pipelineJob: "", setAt: "2026-11-21T09:00:00Z" };
  const text = bundle.replace('"version": "golden"', `"version": "${version}"`);
  await writeObject(started.cloud, { bucket: "bundles", name: `${FOLDER}/${version}/bundle.json` }, Buffer.from(text));
  await writeObject(
    started.cloud,
    { bucket: "bundles", name: `${FOLDER}/champion.json` },
    Buffer.from(JSON.stringify(pointer)),
  );
}

test("before the first champion it is alive and says what would bring one; then the next request is answered", async () => {
  expect(await ask("/healthz")).toEqual({ status: 200, answer: { status: "ok" } });
  const { status, error } = await predict();
  expect([status, error.message]).toEqual([
    503,
    expect.stringContaining("No champion yet: gs://bundles/customer-churn-model/champion.json does not exist. Run the"),
  ]);
  await promote("first");
  expect(await predict()).toMatchObject({ status: 200, version: "first", probability });
});

test("the next champion takes over while requests are under way, none of which fails", async () => {
  const seen = new Set<unknown>();
  const client = async () => {
    while (!seen.has("second")) {
      const { status, version } = await predict();
      expect(status).toBe(200);
      seen.add(version);
    }
  };
  const clients = Promise.all([client(), client()]);
  await promote("second");
  await clients;
  expect([...seen]).toEqual(["first", "second"]);
});

test("a request of 10 MB is refused with 413, and the service goes on", async () => {
  const { status, answer } = await ask("/v1/predict", `{"instances": ["${"x".repeat(10_000_000)}"]}`);
  expect([status, (answer.error as JsonObject).status]).toEqual([413, "INVALID_ARGUMENT"]);
  expect((await predict()).status).toBe(200);
});

test("when the cloud is stopped the process ends by itself", async () => {
  const [folder = ""] = readdirSync(join(lab, "cloud", "instances"));
  await started.close();
  isClosed = true;
  const exit = readFileSync(join(lab, "cloud", "instances", folder, "exit.json"), "utf8");
  expect(JSON.parse(exit)).toMatchObject({ exitCode: 0, signal: null });
});
