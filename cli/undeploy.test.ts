/** Models of a stack's endpoint are undeployed before destroy: here and on Google Cloud, against a real Vertex surface. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { clientEnvironment } from "../local/cloud/door/client-environment";
import { OPERATOR } from "../local/cloud/door/principals";
import { startCloud, type StartedCloud } from "../local/cloud/main";
import { vertex } from "../local/cloud/services/aiplatform/versions";
import { iam } from "../local/cloud/services/iam";
import { importStack } from "../local/deploy";
import type { Engines } from "../local/engines/interface";
import { readTools } from "../local/engines/tools";
import { openLab } from "./lab";
import { tell } from "./testing-terminal";

const PLACE = "projects/sparklab-local/locations/us-central1";
const ENDPOINT = `${PLACE}/endpoints/1234567890`;
const folder = mkdtempSync(join(tmpdir(), "sparklab-undeploy-"));
const lab = { ...openLab({}, resolve(__dirname, "testdata", "two-buckets")), folder };
const before = { ...process.env };
const urn = "urn:pulumi:dev::two-buckets::gcp:vertex/aiEndpoint:AiEndpoint::churn";
const resources = [{ urn, type: "gcp:vertex/aiEndpoint:AiEndpoint", custom: true, id: ENDPOINT }];
let started: StartedCloud;

beforeAll(async () => {
  const engines = {} as Engines;
  const { descriptions } = readTools();
  started = await startCloud({ lab: folder, port: 0, descriptions, services: [iam, ...vertex], engines });
  Object.assign(process.env, {
    ...clientEnvironment(folder),
    PATH: `${resolve(__dirname, "testdata/pulumi-cli")}:${before.PATH}`,
    ...{ PULUMI_LOG: join(folder, "log"), PULUMI_SAYS: JSON.stringify({ resources }) },
  });
  const own = { ...resources[0], urn: urn.replace(":dev:", ":local:") };
  const manifest = { time: "2026-11-21T09:00:00Z", version: "", magic: createHash("sha256").digest("hex") };
  const state = { version: 3, deployment: { manifest, resources: [own] } };
  await importStack({ lab: folder, stack: "local" }, JSON.stringify(state));
  await rest("POST", `${PLACE}/endpoints?endpointId=1234567890`, { displayName: "churn" });
});
afterAll(async () => {
  process.env = { ...before };
  await started.close();
  rmSync(folder, { recursive: true });
});

const rest = (verb: string, path: string, body?: { displayName: string }) =>
  started.api.rest(
    { host: "us-central1-aiplatform.googleapis.com", verb, path: `/v1/${path}`, ...(body && { body }) },
    OPERATOR,
  );
const endpoint = async () => (await rest("GET", ENDPOINT)) as Record<string, never>;

/** As three deployments leave it, two of which share the traffic. */
async function serveThree(): Promise<void> {
  const deployedModels = ["1", "2", "3"].map((id) => ({ id, model: `${PLACE}/models/churn`, modelVersionId: id }));
  const serving = { ...(await endpoint()), deployedModels, trafficSplit: { 1: 50, 2: 50 } };
  await started.cloud.store.write({ put: { [ENDPOINT]: serving } });
}

it.each(["local", "dev"])(
  "destroy of %s is refused with the command before the first change, until the models are undeployed",
  async (stack) => {
    const more = stack === "local" ? "" : ` -s ${stack}`;
    await serveThree();
    const { code, notes } = await tell(`destroy${more} --yes --json`, lab);
    expect({ code, notes }).toEqual({
      code: 2,
      notes: `${ENDPOINT} serves churn@1, churn@2, churn@3: Vertex AI does not delete it.\nUndeploy first: npx sparklab undeploy${more}\n`,
    });
    expect(await tell(`undeploy${more}`, lab, false)).toMatchObject({
      ...{ code: 2, asked: "Undeploy churn@1, churn@2, churn@3?", notes: "Nothing was changed.\n" },
    });
    const gone = await tell(`undeploy${more} --yes`, lab);
    expect([gone.code, gone.out.split("\n").filter((line) => line.includes(ENDPOINT))]).toEqual([
      0,
      ["churn@2", "churn@3", "churn@1"].map((model) => `  undeployed  ${model}  ${ENDPOINT}`),
    ]);
    expect(await endpoint()).not.toHaveProperty("deployedModels.0");
    expect(await tell(`undeploy${more} --yes`, lab)).toMatchObject({ code: 0, out: "No model is deployed.\n" });
  },
);

it("on Google Cloud nothing is undeployed where there is nobody to ask", async () => {
  await serveThree();
  const { code, notes } = await tell("undeploy -s dev", lab);
  expect([code, notes]).toEqual([
    2,
    "undeploy: no terminal to ask on; expected --yes. npx sparklab undeploy -s dev --yes\n",
  ]);
  expect(await endpoint()).toHaveProperty("deployedModels.2");
});
