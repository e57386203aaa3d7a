/** Functions and services behind the front door: real processes, asked at their addresses with real identity tokens. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetch, ProxyAgent } from "undici";
import type { Engines } from "../../../engines/interface";
import { createImageEngine } from "../../../engines/images";
import { registerImage } from "../../../engines/images-list";
import { createServerEngine } from "../../../engines/servers";
import { readTools } from "../../../engines/tools";
import { isRunning } from "../../../process";
import { OPERATOR } from "../../door/principals";
import { startCloud, type StartedCloud } from "../../main";
import type { JsonObject, Principal } from "../../service";
import { cloudFunctions } from "../cloudfunctions";
import { helloArchive } from "../cloudfunctions/testing";
import { iam } from "../iam";
import { logging } from "../logging";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";
import { run } from ".";

const L = "projects/sparklab-local/locations/us-central1";
const IMAGE = "us-central1-docker.pkg.dev/sparklab-local/spark/api:1";
const email = (id: string) => `${id}@sparklab-local.iam.gserviceaccount.com`;
const scheduler: Principal = { kind: "serviceAccount", email: email("scheduler"), via: "accessToken" };

const lab = mkdtempSync(join(tmpdir(), "sparklab-run-"));
const tools = readTools();
let started: StartedCloud;
let proxy: ProxyAgent;
let uri: string;
const url = "https://us-central1-sparklab-local.cloudfunctions.net/hello";

const open = async () => {
  const { clients: python } = tools.python;
  const folder = join(lab, "cloud");
  const engines = { servers: createServerEngine({ python }), images: createImageEngine({ python, folder }) };
  started = await startCloud({
    ...{ lab, port: 0, descriptions: tools.descriptions, services: [iam, storage, run, cloudFunctions, logging] },
    engines: engines as unknown as Engines,
  });
  const ca = readFileSync(join(lab, "cloud", "ca", "ca.pem"), "utf8");
  proxy = new ProxyAgent({ uri: started.door.proxy, requestTls: { ca } });
};
const rest = async (verb: string, address: string, body?: JsonObject): Promise<JsonObject> => {
  const { host, pathname, search } = new URL(address);
  return (await started.api.rest(
    { host, verb, path: pathname + search, ...(body && { body }) },
    OPERATOR,
  )) as JsonObject;
};
const functionBody = (greeting: string): JsonObject => ({
  buildConfig: {
    ...{
      runtime: "nodejs22",
      entryPoint: "hello",
      serviceAccount: `projects/sparklab-local/serviceAccounts/${email("launcher")}`,
    },
    source: { storageSource: { bucket: "code", object: "hello.zip" } },
  },
  serviceConfig: { serviceAccountEmail: email("launcher"), environmentVariables: { GREETING: greeting } },
});

interface Answer {
  status: number;
  body: JsonObject & { error?: { message: string } };
}
const ask = async (address: string, token?: string, init: { method?: string; body?: string } = {}): Promise<Answer> => {
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(init.body && { "content-type": "application/json" }),
  };
  const response = await fetch(address, { dispatcher: proxy, headers, ...init });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
};
const tokenFor = (audience: string, principal = scheduler) =>
  started.cloud.principals.identityToken(principal, audience);

beforeAll(async () => {
  // A package that Node would find above the function's folder, as it finds a checkout's own above a lab's.
  mkdirSync(join(lab, "node_modules", "outside"), { recursive: true });
  writeFileSync(join(lab, "node_modules", "outside", "index.js"), "");
  await open();
  for (const accountId of ["launcher", "scheduler"])
    await rest("POST", "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId });
  await rest("POST", "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "code" });
  await writeObject(started.cloud, { bucket: "code", name: "hello.zip" }, await helloArchive());
  await rest(
    "POST",
    `https://cloudfunctions.googleapis.com/v2beta/${L}/functions?functionId=hello`,
    functionBody("good morning"),
  );
  const bindings = [{ role: "roles/run.invoker", members: [`serviceAccount:${scheduler.email}`] }];
  await rest("POST", `https://run.googleapis.com/v2/${L}/services/hello:setIamPolicy`, { policy: { bindings } });
  uri = (await rest("GET", `https://run.googleapis.com/v2/${L}/services/hello`)).uri as string;
});
afterAll(async () => {
  await proxy.close();
  await started.close();
  rmSync(lab, { recursive: true, force: true });
});

describe("a function", () => {
  test("answers at both of its addresses, as its own account, with what it was deployed with", async () => {
    const token = await tokenFor(uri);
    const first = await ask(`${uri}/runs?day=1`, token, { method: "POST", body: JSON.stringify({ a: 1 }) });
    expect(first).toMatchObject({
      status: 200,
      body: {
        ...{ path: "/runs", query: { day: "1" }, body: { a: 1 }, service: "hello", greeting: "good morning" },
        ...{ account: email("launcher"), ownHome: true, findsPackagesOutside: false },
        revision: expect.stringMatching(/^hello-00001-/) as never,
      },
    });
    // What called it can be read from the token, but the token cannot be used again.
    expect(first.body.authorization).toBe(`Bearer ${token.replace(/\.[^.]*$/, "")}.SIGNATURE_REMOVED_BY_GOOGLE`);
    const second = await ask(`${url}/teapot`, await tokenFor(url));
    expect(second).toMatchObject({ status: 418, body: { path: "/teapot", pid: first.body.pid! } });
  });

  test.each<[string, number, () => Promise<string | undefined>, string]>([
    ["without a token", 401, async () => undefined, "got no identity token"],
    [
      "with a token for another audience",
      401,
      () => tokenFor("https://example.com"),
      "for the audience https://example.com",
    ],
    [
      "with a token whose signature is not the lab's",
      401,
      async () => `${(await tokenFor(uri)).slice(0, -8)}AAAAAAAA`,
      "invalid authentication credentials",
    ],
    [
      "with an access token",
      401,
      async () => started.cloud.principals.accessToken(scheduler).token,
      "invalid authentication credentials",
    ],
    [
      "by an account without the role",
      403,
      () => tokenFor(uri, { ...scheduler, email: email("launcher") }),
      "run.routes.invoke",
    ],
  ])("refuses a call %s", async (_, status, token, message) => {
    const refused = await ask(uri, await token());
    expect([refused.status, refused.body.error?.message]).toEqual([status, expect.stringContaining(message)]);
  });

  test("has what it prints in the project's log", async () => {
    const { body } = await ask(`${uri}/print?trace=one`, await tokenFor(uri));
    const asked = { resourceNames: ["projects/sparklab-local"], filter: 'trace="one"' };
    const { entries } = await rest("POST", "https://logging.googleapis.com/v2/entries:list", asked);
    const names = { service_name: "hello", revision_name: body.revision, configuration_name: "hello" };
    const labels = { project_id: "sparklab-local", location: "us-central1", ...names };
    expect(entries).toMatchObject([
      { severity: "ERROR", textPayload: "it failed", resource: { type: "cloud_run_revision", labels } },
    ]);
  });

  test("is started anew after its process was killed", async () => {
    const token = await tokenFor(uri);
    const { body } = await ask(uri, token);
    expect(await ask(`${uri}/die`, token)).toMatchObject({ status: 503 });
    const again = await ask(uri, token);
    expect(again.status).toBe(200);
    expect(again.body.pid).not.toBe(body.pid);
  });

  test("answers from its new revision once it is deployed, and the old one ends", async () => {
    const token = await tokenFor(uri);
    const before = await ask(uri, token);
    await rest(
      "PATCH",
      `https://cloudfunctions.googleapis.com/v2beta/${L}/functions/hello?updateMask=serviceConfig`,
      functionBody("good evening"),
    );
    const after = await ask(uri, token);
    expect(after.body).toMatchObject({
      greeting: "good evening",
      revision: expect.stringMatching(/^hello-00002-/) as never,
    });
    await until(() => !isRunning(before.body.pid as number));
  });

  test("leaves nothing running behind when the cloud dies, and answers the next cloud", async () => {
    const token = await tokenFor(uri);
    const { pid } = (await ask(uri, token)).body;
    const dead = started;
    // All that a dead process leaves is its state; its door is closed at the end of the test.
    await dead.cloud.store.close();
    await open();
    expect(isRunning(pid as number)).toBe(false);
    expect((await ask(uri, await tokenFor(uri))).status).toBe(200);
    await dead.door.close();
  });

  test("ends with its function", async () => {
    const { pid } = (await ask(uri, await tokenFor(uri))).body;
    await rest("DELETE", `https://cloudfunctions.googleapis.com/v2beta/${L}/functions/hello`);
    await until(() => !isRunning(pid as number));
  });
});

test("refuses parts of a service that would not be there", async () => {
  const template = { revision: "api-one", volumes: [{ name: "data" }], containers: [{ image: IMAGE }] };
  const traffic = [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", revision: "api-two", percent: 100 }];
  const made = rest("POST", `https://run.googleapis.com/v2/${L}/services?serviceId=parts`, { template, traffic });
  await expect(made).rejects.toThrow(/latest revision.*named by this cloud.*not mounted/s);
  const checked = rest("POST", `https://run.googleapis.com/v2/${L}/services?serviceId=parts&validateOnly=true`, {});
  await expect(checked).rejects.toThrow("with validate_only is not implemented");
});

test("a service runs the packaged program of an image that was built here", async () => {
  const folder = join(lab, "image");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "server.js"),
    "require('http').createServer((q, s) => s.end(JSON.stringify({ at: q.url, port: process.env.PORT, mode: process.env.MODE }))).listen(Number(process.env.PORT), '0.0.0.0')",
  );
  await registerImage(join(lab, "cloud"), IMAGE, {
    ...{ folder, command: ["server.js"], environment: { MODE: "image's" } },
    ...{ digest: "sha256:0", builtAt: "2026-11-21T09:00:00Z", bytes: 1 },
  });
  await rest("POST", `https://run.googleapis.com/v2/${L}/services?serviceId=api`, {
    template: {
      serviceAccount: email("launcher"),
      containers: [{ image: IMAGE, env: [{ name: "MODE", value: "x" }] }],
    },
  });
  const service = await rest("GET", `https://run.googleapis.com/v2/${L}/services/api`);
  const bindings = [{ role: "roles/run.invoker", members: ["allUsers"] }];
  await rest("POST", `https://run.googleapis.com/v2/${L}/services/api:setIamPolicy`, { policy: { bindings } });
  for (const address of service.urls as string[])
    expect(await ask(`${address}/healthz`)).toEqual({ status: 200, body: { at: "/healthz", port: "8080", mode: "x" } });
});

/** Waits for what happens by itself; the test's own time limit ends a wait that is in vain. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}
