/** Composer's environments: their address and who may use it, their DAGs, their commands, and what outlives what. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fetch, ProxyAgent } from "undici";
import type { Engines } from "../../../engines/interface";
import { readTools } from "../../../engines/tools";
import { OPERATOR } from "../../door/principals";
import { startCloud, type StartedCloud } from "../../main";
import type { JsonObject } from "../../service";
import { grantOnProject, testCloud } from "../../testing";
import { iam } from "../iam";
import { storage } from "../storage";
import { listObjects, writeObject } from "../storage/objects";
import { composer } from ".";
import { scriptedAirflow } from "./scripted-engine";

const PARENT = "projects/sparklab-local/locations/us-central1";
const NAME = `${PARENT}/environments/airflow`;
const API = "https://composer.googleapis.com/v1";
const mail = (id: string) => `${id}@sparklab-local.iam.gserviceaccount.com`;
const lab = mkdtempSync(join(tmpdir(), "sparklab-composer-"));
const airflow = scriptedAirflow();
let started: StartedCloud;
let proxy: ProxyAgent;
let address: string;

const environment = (software: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  name: NAME,
  config: {
    softwareConfig: { imageVersion: "composer-3-airflow-3", ...software },
    nodeConfig: { serviceAccount: mail("composer") },
  },
  storageConfig: { bucket: "dags-bucket" },
  ...more,
});
const rest = async (verb: string, url: string, body?: JsonObject) => {
  const { host, pathname, search } = new URL(url);
  const request = { host, verb, path: pathname + search, ...(body && { body }) };
  return (await started.api.rest(request, OPERATOR)) as JsonObject;
};
const open = async () => {
  const engines = { airflow: airflow.engine } as unknown as Engines;
  const services = [iam, storage, composer];
  started = await startCloud({ lab, port: 0, descriptions: readTools().descriptions, services, engines });
  const ca = readFileSync(join(lab, "cloud", "ca", "ca.pem"), "utf8");
  proxy = new ProxyAgent({ uri: started.door.proxy, requestTls: { ca } });
};
const close = async () => {
  await proxy.close();
  await started.close();
};
const tokenOf = (account: string) =>
  started.cloud.principals.accessToken({ kind: "serviceAccount", email: mail(account), via: "impersonation" }).token;
const ask = async (path: string, token?: string, more: { method?: string; body?: string } = {}) => {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), cookie: "_token=stolen" };
  const answer = await fetch(`${address}${path}`, { dispatcher: proxy, headers, ...more });
  return { status: answer.status, from: answer.headers.get("x-from"), data: (await answer.json()) as JsonObject };
};
const put = (name: string, text: string) => writeObject(started.cloud, { bucket: "dags-bucket", name }, text);
const dagsFolder = () => join(airflow.started.at(-1)!.folder, "dags");
/** What is copied shows a little later than it was written. */
const until = async (found: () => boolean | Promise<boolean>) => {
  for (let look = 0; !(await found()); look += 1) {
    if (look === 200) throw new Error("not seen within 20 s");
    await delay(100);
  }
};

beforeAll(async () => {
  await open();
  for (const accountId of ["composer", "stranger"])
    await rest("POST", "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId });
  await grantOnProject(started.cloud, "roles/composer.worker", `serviceAccount:${mail("composer")}`);
  await rest("POST", "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "dags-bucket" });
});
afterAll(async () => {
  await close();
  rmSync(lab, { recursive: true, force: true });
});

test("An environment is ready when it is recorded, and nothing runs before it is used", async () => {
  const variables = { AIRFLOW_VAR_SPARKLAB: "{}" };
  const operation = await rest("POST", `${API}/${PARENT}/environments`, environment({ envVariables: variables }));
  expect(operation).toMatchObject({ done: true, response: { state: "RUNNING" } });
  const made = await rest("GET", `${API}/${NAME}`);
  address = (made.config as { airflowUri: string }).airflowUri;
  expect(address).toMatch(/^https:\/\/[0-9a-f]{32}-dot-us-central1\.composer\.googleusercontent\.com$/);
  expect(airflow.started).toEqual([]);
});

test("Its address asks for a token and for the permission, and starts nothing for anyone else", async () => {
  expect((await ask("/api/v2/dags")).status).toBe(401);
  const refused = await ask("/api/v2/dags", tokenOf("stranger"));
  expect(refused).toMatchObject({ status: 403, data: { error: { status: "PERMISSION_DENIED" } } });
  expect(airflow.started).toEqual([]);
});

test("What is not installed is said with the command that installs it", async () => {
  airflow.missing = "Airflow is not installed. node local/setup/add.mjs airflow";
  const answer = await ask("/api/v2/dags", tokenOf("composer"));
  expect(answer).toMatchObject({ status: 503, data: { error: { message: airflow.missing } } });
  airflow.missing = undefined;
});

test("The first request starts Airflow with the environment's variables; each reaches it in the caller's name alone", async () => {
  await put("dags/a.py", "one");
  const body = '{"conf":{}}';
  const [first, second] = await Promise.all([
    ask("/api/v2/dags?limit=1", tokenOf("composer")),
    ask("/api/v2/dags/x/dagRuns", tokenOf("composer"), { method: "POST", body }),
  ]);
  const seen = { authorization: `Bearer ${mail("composer")}`, body: "" };
  expect(first).toEqual({
    status: 200,
    from: "airflow",
    data: { method: "GET", url: "/api/v2/dags?limit=1", ...seen },
  });
  expect(second).toMatchObject({ status: 201, data: { method: "POST", body } });
  expect(airflow.started).toHaveLength(1);
  expect(airflow.started[0]).toMatchObject({
    address,
    triggerer: true,
    variables: { AIRFLOW_VAR_SPARKLAB: "{}", COMPOSER_ENVIRONMENT: "airflow", GCS_BUCKET: "dags-bucket" },
  });
  const metadata = `http://${airflow.started[0]!.metadataHost}/computeMetadata/v1/instance/service-accounts/default/email`;
  const email = await (await fetch(metadata, { headers: { "metadata-flavor": "Google" } })).text();
  expect(email).toBe(mail("composer"));
});

test("DAGs follow the bucket: new, changed, deleted; no name leads out of the folder", async () => {
  expect(readFileSync(join(dagsFolder(), "a.py"), "utf8")).toBe("one");
  await put("dags/a.py", "two");
  await put("dags/lib/b.py", "b");
  await put("dags/../../escaped.py", "c");
  await put("data/d.py", "d");
  await until(() => existsSync(join(dagsFolder(), "lib", "b.py")));
  expect(readFileSync(join(dagsFolder(), "a.py"), "utf8")).toBe("two");
  await rest(
    "DELETE",
    `https://storage.googleapis.com/storage/v1/b/dags-bucket/o/${encodeURIComponent("dags/lib/b.py")}`,
  );
  await until(() => !existsSync(join(dagsFolder(), "lib", "b.py")));
  expect(readdirSync(dagsFolder()).sort()).toEqual(["a.py", "lib"]);
  expect(existsSync(join(dagsFolder(), "..", "..", "escaped.py"))).toBe(false);
});

test("A command's lines are told from any number on, with how it ended", async () => {
  const call = (verb: string, body: JsonObject) => rest("POST", `${API}/${NAME}:${verb}`, body);
  const { executionId } = await call("executeAirflowCommand", {
    command: "dags",
    subcommand: "list",
    parameters: ["-v"],
  });
  expect(await call("pollAirflowCommand", { executionId: executionId!, nextLineNumber: 2 })).toEqual({
    output: [
      { lineNumber: 2, content: "one" },
      { lineNumber: 3, content: "two" },
    ],
    outputEnd: true,
    exitInfo: { exitCode: 0 },
  });
  const failing = await call("executeAirflowCommand", { command: "dags", parameters: ["--fail"] });
  const failed = await call("pollAirflowCommand", { executionId: failing.executionId! });
  expect(failed.exitInfo).toEqual({ exitCode: 3, error: "ended with 3" });
  const waiting = await call("executeAirflowCommand", { command: "dags", parameters: ["--wait"] });
  expect((await call("pollAirflowCommand", { executionId: waiting.executionId! })).outputEnd).toBe(false);
  expect(await call("stopAirflowCommand", { executionId: waiting.executionId! })).toMatchObject({ isDone: true });
  const ended = await call("pollAirflowCommand", { executionId: waiting.executionId! });
  expect(ended).toMatchObject({ outputEnd: true, exitInfo: { exitCode: 1, error: "ended by SIGTERM" } });
  await expect(call("executeAirflowCommand", { command: "db", subcommand: "reset" })).rejects.toThrow(
    "Got 'db'; expected a command such as dags",
  );
  await expect(call("pollAirflowCommand", { executionId: "none" })).rejects.toThrow("Execution 'none' was not found");
});

test("New variables reach a running Airflow by a new start; other changes leave it", async () => {
  const patch = (mask: string, body: JsonObject) => rest("PATCH", `${API}/${NAME}?updateMask=${mask}`, body);
  await patch("labels", { labels: { a: "b" } });
  expect(airflow.started).toHaveLength(1);
  await patch("config.softwareConfig.envVariables", { config: { softwareConfig: { envVariables: { NEW: "1" } } } });
  expect(await ask("/", tokenOf("composer"))).toMatchObject({ status: 200 });
  expect(airflow.started.map(({ variables }) => variables.NEW)).toEqual([undefined, "1"]);
});

test("An Airflow that ended by itself leaves its last logs in the bucket and is started by the next request", async () => {
  const log = "dag_id=a/run_id=manual__1/task_id=t/attempt=1.log";
  const file = join(airflow.started.at(-1)!.folder, "logs", log);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "the end\n");
  airflow.die("it had enough");
  await until(() => airflow.started.length === 2);
  await until(async () => (await listObjects(started.cloud, "dags-bucket", `logs/${log}`)).length === 1);
  const answers = async () => (await ask("/", tokenOf("composer"))).status === 200;
  for (let look = 0; !(await answers()); look += 1) expect(look).toBeLessThan(50);
  expect(airflow.started).toHaveLength(3);
});

test("A clean end ends commands too and is not followed by a start; deletion ends Airflow, removes its folder and leaves the bucket", async () => {
  const call = (verb: string, body: JsonObject) => rest("POST", `${API}/${NAME}:${verb}`, body);
  const { executionId } = await call("executeAirflowCommand", { command: "dags", parameters: ["--wait"] });
  await close();
  const before = airflow.started.length;
  await open();
  const ended = await call("pollAirflowCommand", { executionId: executionId! });
  expect(ended).toMatchObject({ outputEnd: true, exitInfo: { error: "ended by SIGTERM" } });
  expect(airflow.swept).toEqual([]);
  expect(airflow.started).toHaveLength(before);
  await ask("/", tokenOf("composer"));
  const { folder } = airflow.started.at(-1)!;
  await rest("DELETE", `${API}/${NAME}`);
  expect(airflow.stopped.at(-1)).toBe(folder);
  expect(existsSync(folder)).toBe(false);
  expect(await rest("GET", "https://storage.googleapis.com/storage/v1/b/dags-bucket")).toMatchObject({
    name: "dags-bucket",
  });
  expect((await ask("/", tokenOf("composer"))).status).toBe(404);
});

test("What a killed cloud left is ended and started again behind the next one's start", async () => {
  await rest("POST", `${API}/${PARENT}/environments`, environment());
  await ask("/", tokenOf("composer"));
  const { folder } = airflow.started.at(-1)!;
  const before = airflow.started.length;
  const record = await started.cloud.store.get(`composer/airflows/${NAME}`);
  await close();
  const again = await testCloud({
    services: [iam, storage, composer],
    engines: { airflow: airflow.engine },
    folder: started.cloud.folder,
  });
  await again.cloud.store.write({ put: { [`composer/airflows/${NAME}`]: record! } });
  const next = await again.restart();
  await until(() => airflow.started.length > before);
  expect(airflow.swept).toEqual([folder]);
  expect(airflow.started.at(-1)!.folder).toBe(folder);
  await next.close();
  await open();
});
