/** Models served at endpoints: the scoring API's own image, built here, asked by Google's own client through the front door. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createImageEngine } from "../../../engines/images";
import type { Engines } from "../../../engines/interface";
import { createServerEngine } from "../../../engines/servers";
import { readTools } from "../../../engines/tools";
import { isRunning } from "../../../process";
import { assertNoViolations } from "../../contract/validate";
import { clientEnvironment } from "../../door/client-environment";
import { OPERATOR } from "../../door/principals";
import { startCloud, type StartedCloud } from "../../main";
import type { JsonObject } from "../../service";
import { grantOnProject } from "../../testing";
import { artifactRegistry } from "../artifactregistry";
import { cloudBuild } from "../cloudbuild";
import { buildBody, done, scoringApiArchive } from "../cloudbuild/testing";
import { cloudResourceManager } from "../cloudresourcemanager";
import { iam } from "../iam";
import { run } from "../run";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";
import { vertex } from "./versions";

const L = "projects/sparklab-local/locations/us-central1";
const VERTEX = `https://us-central1-aiplatform.googleapis.com/v1/${L}`;
const IMAGE = "us-central1-docker.pkg.dev/sparklab-local/images/scoring-api:1";
const email = (id: string) => `${id}@sparklab-local.iam.gserviceaccount.com`;
const testdata = resolve(__dirname, "..", "..", "..", "..", "functions", "scoring-api", "testdata");
const [line = ""] = readFileSync(join(testdata, "predictions.jsonl"), "utf8").split("\n");
const { instance, probability } = JSON.parse(line) as { instance: JsonObject; probability: number };

const lab = mkdtempSync(join(tmpdir(), "sparklab-serving-"));
const folder = join(lab, "cloud");
const tools = readTools();
let started: StartedCloud;
const open = async () => {
  const { clients: python } = tools.python;
  const engines = { servers: createServerEngine({ python }), images: createImageEngine({ python, folder }) };
  const services = [...cloudResourceManager, iam, storage, artifactRegistry, cloudBuild, ...vertex, run];
  started = await startCloud({
    ...{ lab, port: 0, descriptions: tools.descriptions, services, engines: engines as unknown as Engines },
  });
};
const rest = async (verb: string, address: string, body?: JsonObject): Promise<JsonObject> => {
  const { host, pathname, search } = new URL(address);
  return (await started.api.rest(
    { host, verb, path: pathname + search, ...(body && { body }) },
    OPERATOR,
  )) as JsonObject;
};
const finished = (operation: JsonObject, host = VERTEX.replace(/\/projects.*$/, "")) =>
  done(() => rest("GET", `${host}/${operation.name as string}`));

beforeAll(async () => {
  await open();
  for (const accountId of ["builder", "scoring"])
    await rest("POST", "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId });
  for (const [role, account] of [
    ["storage.objectViewer", "builder"],
    ["artifactregistry.writer", "builder"],
    ["storage.objectViewer", "scoring"],
  ] as const)
    await grantOnProject(started.cloud, `roles/${role}`, `serviceAccount:${email(account)}`);
  for (const name of ["functions", "bundles"])
    await rest("POST", "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name });
  const bundle = readFileSync(join(testdata, "bundle.json"));
  await writeObject(started.cloud, { bucket: "bundles", name: "churn/golden/bundle.json" }, bundle);
  await writeObject(started.cloud, { bucket: "bundles", name: "churn/cut/bundle.json" }, bundle.subarray(0, 5000));
  await writeObject(started.cloud, { bucket: "functions", name: "api.zip" }, await scoringApiArchive());
  await rest("POST", `https://artifactregistry.googleapis.com/v1/${L}/repositories?repositoryId=images`, {
    format: "DOCKER",
  });
  const body = buildBody(IMAGE, "functions", "api.zip", email("builder"));
  const build = await rest("POST", `https://cloudbuild.googleapis.com/v1/${L}/builds`, body);
  expect(await finished(build, "https://cloudbuild.googleapis.com/v1")).toMatchObject({
    response: { status: "SUCCESS", results: { images: [{ name: IMAGE }] } },
  });
});
afterAll(async () => {
  await started.close();
  assertNoViolations(folder);
  rmSync(lab, { recursive: true, force: true });
});

test("google-cloud-aiplatform deploys, predicts as Spark does, splits traffic and undeploys", async () => {
  const options = { env: { PATH: process.env.PATH, ...clientEnvironment(lab) }, maxBuffer: 64 << 20 };
  const script = join(__dirname, "clients", "serving.py");
  const words = [IMAGE, "gs://bundles/churn/golden", email("scoring"), join(testdata, "predictions.jsonl")];
  const { stdout } = await promisify(execFile)(tools.python.pipelines, [script, ...words], options);
  expect(stdout.split("\n").filter((text) => /^[a-z_]+$/.test(text))).toEqual([
    "refuses_an_unknown_image",
    "deploys_a_version",
    "predicts_as_spark_does",
    "answers_many_at_once",
    "says_what_is_wrong_with_instances",
    "splits_traffic",
    "keeps_what_serves",
  ]);
}, 120_000);

/** A model of its own at an endpoint of its own. */
async function deployed(version: string): Promise<{ endpoint: string; operation: JsonObject }> {
  const model = {
    ...{ displayName: version, artifactUri: `gs://bundles/churn/${version}` },
    containerSpec: { imageUri: IMAGE, predictRoute: "/v1/predict", healthRoute: "/healthz" },
  };
  const upload = await finished(await rest("POST", `${VERTEX}/models:upload`, { model }));
  const made = await finished(await rest("POST", `${VERTEX}/endpoints`, { displayName: version }));
  const endpoint = (made.response as JsonObject).name as string;
  const machine = { machineSpec: { machineType: "n1-standard-2" }, minReplicaCount: 1 };
  const operation = await rest("POST", `${VERTEX.replace(L, endpoint)}:deployModel`, {
    // As Google's own pipeline component sends it: what the path says is said again.
    endpoint,
    deployedModel: {
      model: (upload.response as JsonObject).model!,
      serviceAccount: email("scoring"),
      dedicatedResources: machine,
    },
    trafficSplit: { "0": 100 },
  });
  return { endpoint, operation };
}
const predict = (endpoint: string, instances: JsonObject[] = [instance]) =>
  rest("POST", `${VERTEX.replace(L, endpoint)}:predict`, { instances });
/** Process of the model's server. */
const servers = () =>
  readdirSync(join(folder, "instances")).map(
    (name) =>
      (JSON.parse(readFileSync(join(folder, "instances", name, "process.json"), "utf8")) as { pid: number }).pid,
  );

test("a model whose bundle is truncated is not deployed, and the operation says what the server said", async () => {
  const { endpoint, operation } = await deployed("cut");
  await expect(rest("DELETE", VERTEX.replace(L, endpoint))).rejects.toThrow("being-deployed");
  const { error } = (await finished(operation)) as { error: { message: string } };
  expect(error.message).toMatch(
    /could not be started: .*bundles\/churn\/cut\/bundle\.json: got a document that cannot be used/s,
  );
  expect(await rest("GET", VERTEX.replace(L, endpoint))).not.toHaveProperty("deployedModels");
});

test("a request of 10 MB is refused before the model's server sees it", async () => {
  const { endpoint, operation } = await deployed("golden");
  await finished(operation);
  await expect(predict(endpoint, [{ contract: "x".repeat(10_000_000) }])).rejects.toThrow(
    "Request payload size exceeds the limit: 1500000 bytes.",
  );
});

test("a deployed model's server is started again when it or the cloud is killed", async () => {
  const { endpoint, operation } = await deployed("golden");
  await finished(operation);
  const answer = { predictions: [{ probability }] };
  expect(await predict(endpoint)).toMatchObject(answer);
  const before = servers().filter(isRunning);
  for (const pid of before) process.kill(pid, "SIGKILL");
  while (before.some(isRunning)) await new Promise((resolve_) => setTimeout(resolve_, 20));
  expect(await predict(endpoint)).toMatchObject(answer);

  const dead = started;
  const left = servers().filter(isRunning);
  expect(left.length).toBeGreaterThan(0);
  // All that a dead process leaves is its state; its door is closed at the end of the test.
  await dead.cloud.store.close();
  await open();
  expect(await predict(endpoint)).toMatchObject(answer);
  expect(left.filter(isRunning)).toEqual([]);
  await dead.door.close();
});
