/** Real batches of a notebook: as their account, with parameters, by the clock; kept with what they showed, failed or not. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CloudProcess } from "../../faults/cloud-process";
import type { JsonObject } from "../../service";
import { HOST, PARENT, waitFor } from "./testing";
import { objectAt, text } from "./workload-rules";

const MINUTES = 60_000;
const PROJECT = "projects/sparklab-local";
const ACCOUNT = "notebooks@sparklab-local.iam.gserviceaccount.com";
const BUCKET = "sparklab-local-lessons";
const JOB = `https://cloudscheduler.googleapis.com/v1/${PARENT}/jobs`;
const POLICY = `https://cloudresourcemanager.googleapis.com/v1/${PROJECT}`;
let cloud: CloudProcess;

beforeAll(async () => {
  cloud = await CloudProcess.start();
  await sent(`POST https://iam.googleapis.com/v1/${PROJECT}/serviceAccounts`, { accountId: "notebooks" });
  const account = `https://iam.googleapis.com/v1/${PROJECT}/serviceAccounts/${ACCOUNT}`;
  const member = `serviceAccount:${ACCOUNT}`;
  const binding = (role: string) => ({ role, members: [member] });
  await sent(`POST ${account}:setIamPolicy`, { policy: { bindings: [binding("roles/iam.serviceAccountUser")] } });
  const { bindings = [], ...policy } = await sent(`POST ${POLICY}:getIamPolicy`, {});
  const roles = ["roles/storage.objectUser", "roles/dataproc.worker", "roles/dataproc.serverlessEditor"];
  const added = [...(bindings as JsonObject[]), ...roles.map(binding)];
  await sent(`POST ${POLICY}:setIamPolicy`, { policy: { ...policy, bindings: added } });
  await sent(`POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local`, { name: BUCKET });
}, MINUTES);
afterAll(() => cloud.close(), MINUTES);

async function sent(what: string, body?: JsonObject | Buffer): Promise<JsonObject> {
  const { status, json } = await cloud.send(what, body);
  if (status !== 200) throw new Error(`${what}: ${status} ${JSON.stringify(json)}`);
  return json;
}

/** Puts a notebook of these cells into the bucket; gives the request for its batch. */
async function notebook(name: string, params: Record<string, string>, ...cells: string[]): Promise<JsonObject> {
  const [first, ...others] = cells.map((source) => ({
    ...{ cell_type: "code", metadata: {}, source, outputs: [], execution_count: null },
  }));
  const tagged = { ...first, metadata: { tags: ["parameters"] } };
  const file = { cells: [tagged, ...others], metadata: {}, nbformat: 4, nbformat_minor: 4 };
  const upload = `https://storage.googleapis.com/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${name}.ipynb`;
  await sent(`POST ${upload}`, Buffer.from(JSON.stringify(file)));
  return {
    pysparkNotebookBatch: { notebookFileUri: `gs://${BUCKET}/${name}.ipynb`, params },
    runtimeConfig: { version: "2.3", properties: { "spark.driver.memory": "1g" } },
    environmentConfig: { executionConfig: { serviceAccount: ACCOUNT, stagingBucket: BUCKET } },
  };
}

const batches = async () => (await sent(`GET ${HOST}/${PARENT}/batches`)).batches as JsonObject[] | undefined;
const ended = (prefix: string) =>
  waitFor(
    async () => (await batches())?.find((one) => JSON.stringify(one.pysparkNotebookBatch).includes(`/${prefix}.`)),
    (found) => ["SUCCEEDED", "FAILED"].includes(text(found?.state)),
  );

/** What each cell showed, read from beside the driver's output. */
async function shown(batch: JsonObject, name: string): Promise<string[]> {
  const { outputUri } = objectAt(batch, "runtimeInfo");
  const path = text(outputUri).slice(`gs://${BUCKET}/`.length).replace("driveroutput", `${name}.ipynb`);
  const object = `https://storage.googleapis.com/storage/v1/b/${BUCKET}/o/${encodeURIComponent(path)}?alt=media`;
  const { bytes } = await cloud.send(`GET ${object}`);
  const { cells } = JSON.parse(bytes.toString()) as { cells: { outputs: { text?: string; ename?: string }[] }[] };
  return cells.map(({ outputs }) => outputs.map(({ text: said, ename }) => said ?? ename ?? "").join(""));
}

test(
  "a notebook that the clock starts runs as its account in a Spark of its own, with parameters in place of defaults",
  async () => {
    const request = await notebook(
      "daily",
      { rows: "5" },
      "rows = '1'",
      "print(spark.range(int(rows)).count())",
      "from google.auth import default\nfrom google.auth.transport.requests import Request\n" +
        "account, _ = default()\naccount.refresh(Request())\nprint(account.service_account_email)",
    );
    const httpTarget = {
      uri: `${HOST}/${PARENT}/batches`,
      body: Buffer.from(JSON.stringify(request)).toString("base64"),
      headers: { "content-type": "application/json" },
      oauthToken: { serviceAccountEmail: ACCOUNT },
    };
    const job = `${PARENT}/jobs/notebook`;
    await sent(`POST ${JOB}`, { name: job, schedule: "0 9 * * 1", timeZone: "Etc/UTC", httpTarget });
    await sent(`POST ${JOB}/notebook:run`, {});
    const batch = await ended("daily");
    expect(batch).toMatchObject({ state: "SUCCEEDED", creator: ACCOUNT });
    expect(await shown(batch!, "daily")).toEqual(["", "", "5\n", `${ACCOUNT}\n`]);
  },
  4 * MINUTES,
);

test(
  "a cell that fails fails the batch with its own error, and the notebook is kept with it",
  async () => {
    const request = await notebook("broken", {}, "days = 7", "print('before')", "days / 0", "print('never')");
    await sent(`POST ${HOST}/${PARENT}/batches?batchId=broken`, request);
    const batch = await ended("broken");
    expect(batch?.state).toBe("FAILED");
    expect(batch?.stateMessage).toContain("broken.ipynb, In [3]: ZeroDivisionError: division by zero");
    expect(await shown(batch!, "broken")).toEqual(["", "before\n", "ZeroDivisionError", ""]);
  },
  4 * MINUTES,
);
