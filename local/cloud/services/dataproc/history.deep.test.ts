/** Spark's real history server behind a cluster's component gateway: what it shows, to whom, and what a death leaves. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as askPlain } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetch, ProxyAgent } from "undici";
import { createHistoryEngine } from "../../../engines/history";
import type { Engines, HistoryRun } from "../../../engines/interface";
import { readTools } from "../../../engines/tools";
import { OPERATOR } from "../../door/principals";
import { grantOnProject } from "../../testing";
import { startCloud, type StartedCloud } from "../../main";
import type { JsonObject } from "../../service";
import { iam } from "../iam";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";
import { dataproc } from ".";
import { historyOf } from "./history";
import { scriptedEngine } from "./scripted-engine";

const CLUSTER = "projects/sparklab-local/regions/us-central1/clusters/history";
const tools = readTools();
const lab = mkdtempSync(join(tmpdir(), "sparklab-history-"));
let started: StartedCloud;
let address: string;
let proxy: ProxyAgent;

const rest = async (verb: string, url: string, body?: JsonObject) => {
  const { host, pathname, search } = new URL(url);
  return (await started.api.rest(
    { host, verb, path: pathname + search, ...(body && { body }) },
    OPERATOR,
  )) as JsonObject;
};
const open = async () => {
  const engines = { spark: scriptedEngine(1), history: createHistoryEngine(tools) } as unknown as Engines;
  started = await startCloud({
    lab,
    port: 0,
    descriptions: tools.descriptions,
    services: [iam, storage, dataproc],
    engines,
  });
  const ca = readFileSync(join(lab, "cloud", "ca", "ca.pem"), "utf8");
  proxy = new ProxyAgent({ uri: started.door.proxy, requestTls: { ca } });
};

beforeAll(async () => {
  await open();
  const account = { accountId: "worker-one" };
  await rest("POST", "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", account);
  await grantOnProject(
    started.cloud,
    "roles/dataproc.worker",
    "serviceAccount:worker-one@sparklab-local.iam.gserviceaccount.com",
  );
  await rest("POST", "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "events" });
  await rest("POST", "https://dataproc.googleapis.com/v1/projects/sparklab-local/regions/us-central1/clusters", {
    clusterName: "history",
    config: {
      ...{ configBucket: "events", tempBucket: "events", endpointConfig: { enableHttpPortAccess: true } },
      gceClusterConfig: { serviceAccount: "worker-one@sparklab-local.iam.gserviceaccount.com" },
      softwareConfig: {
        properties: {
          "dataproc:dataproc.allow.zero.workers": "true",
          "spark:spark.history.fs.logDirectory": "gs://events/*/spark-job-history",
        },
      },
    },
  });
  const cluster = await rest("GET", `https://dataproc.googleapis.com/v1/${CLUSTER}`);
  const { httpPorts } = (cluster.config as { endpointConfig: { httpPorts: Record<string, string> } }).endpointConfig;
  address = httpPorts["Spark History Server"]!;
});
afterAll(async () => {
  await proxy.close();
  await started.close();
  rmSync(lab, { recursive: true, force: true });
});

const ENVIRONMENT = Object.fromEntries(
  ["JVM Information", "Spark Properties", "Hadoop Properties", "System Properties", "Metrics Properties"]
    .concat("Classpath Entries")
    .map((part) => [part, {}]),
);
/** The log of an application that started, ran nothing and ended. */
const eventLog = (id: string) =>
  [
    { Event: "SparkListenerLogStart", "Spark Version": "3.5.7" },
    { Event: "SparkListenerEnvironmentUpdate", ...ENVIRONMENT },
    {
      Event: "SparkListenerApplicationStart",
      "App Name": "churn",
      "App ID": id,
      Timestamp: 1795275357420,
      User: "spark",
    },
    { Event: "SparkListenerApplicationEnd", Timestamp: 1795275357920 },
  ]
    .map((event) => `${JSON.stringify(event)}\n`)
    .join("");

const get = (path: string, token = started.cloud.principals.accessToken(OPERATOR).token) =>
  fetch(new URL(path, address), { dispatcher: proxy, headers: { authorization: `Bearer ${token}` } });
const applications = async (): Promise<string[]> =>
  ((await (await get("api/v1/applications")).json()) as { id: string }[]).map(({ id }) => id).sort();
const until = async (wanted: string[]) => {
  while (JSON.stringify(await applications()) !== JSON.stringify(wanted)) await new Promise((r) => setTimeout(r, 200));
};

test("shows the applications whose logs lie in the bucket, and those that come", async () => {
  await writeObject(started.cloud, { bucket: "events", name: "one/spark-job-history/local-1" }, eventLog("local-1"));
  await writeObject(started.cloud, { bucket: "events", name: "elsewhere/local-9" }, eventLog("local-9"));
  await until(["local-1"]);
  await writeObject(started.cloud, { bucket: "events", name: "two/spark-job-history/local-2" }, eventLog("local-2"));
  await until(["local-1", "local-2"]);
  const page = await (await get("")).text();
  expect(page).toContain("History Server");
  expect(page).toContain('href="/sparkhistory/static/');
});

test("answers nobody without the permission, and nobody at its own port", async () => {
  const stranger = {
    kind: "serviceAccount",
    email: "worker-one@sparklab-local.iam.gserviceaccount.com",
    via: "accessToken",
  } as const;
  expect((await get("", started.cloud.principals.accessToken(stranger).token)).status).toBe(403);
  const { port, identity } = await server();
  const refused = (shown: object) =>
    new Promise((resolve) => {
      const asked = askPlain({ host: "localhost", port, ca: identity.ca as string, ...shown }, () =>
        resolve("answered"),
      );
      asked.once("error", () => resolve("refused")).end();
    });
  expect(await refused({})).toBe("refused");
  expect(await refused(identity)).toBe("answered");
});

test("is ended by the cloud that follows a dead one, and started again", async () => {
  const { ended } = await server();
  const dead = started;
  await dead.cloud.store.close();
  await open();
  await ended;
  await until(["local-1", "local-2"]);
  await dead.door.close();
  await rest("DELETE", `https://dataproc.googleapis.com/v1/${CLUSTER}`);
  expect((await get("")).status).toBe(404);
});

const server = async (): Promise<HistoryRun> => {
  const cluster = (await started.cloud.store.get(CLUSTER))!;
  return historyOf(started.cloud).server(CLUSTER, cluster);
};
