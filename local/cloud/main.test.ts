/** The whole cloud behind its door, used by Google's own clients as a user's programs use them: by environment only. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { readTools } from "../engines/tools";
import { clientEnvironment, printExports } from "./door/client-environment";
import { parseSettings, type StartedCloud } from "./main";
import { runNode, startTestCloud } from "./main-testing";
import { OPERATOR } from "./door/principals";
import type { JsonObject } from "./service";
import { assertNoViolations } from "./contract/validate";

// Clients are real and machines are busy: a wait in vain ends here, no test depends on the time.
jest.setTimeout(60_000);

const HOUR = 3600 * 1000;

let lab: string;
let started: StartedCloud;
let environment: Record<string, string>;
let clockAhead = 0;

const start = () =>
  startTestCloud(
    lab,
    process.env.SPARKLAB_DESCRIPTIONS ?? readTools().descriptions,
    () => new Date(Date.now() + clockAhead),
  );
const node = <T>(expression: string, more?: Record<string, string>) => runNode<T>(environment, expression, more);

beforeAll(async () => {
  lab = mkdtempSync(join(tmpdir(), "lab-"));
  started = await start();
  environment = clientEnvironment(lab);
});

afterAll(async () => {
  await started.close();
  assertNoViolations(join(lab, "cloud"));
  rmSync(lab, { recursive: true });
});

describe("startCloud", () => {
  it("writes where its door is, and credentials that only the owner may read", () => {
    const files = join(lab, "cloud");
    expect(JSON.parse(readFileSync(join(files, "door.json"), "utf8"))).toMatchObject({
      pid: process.pid,
      port: started.door.port,
      proxy: started.door.proxy,
      project: "sparklab-local",
      region: "us-central1",
    });
    for (const name of [
      "lab-secret",
      "signing-key.pem",
      "application_default_credentials.json",
      "operator-access-token",
    ]) {
      expect([name, statSync(join(files, "credentials", name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it("refuses a second cloud of the same lab", async () => {
    await expect(start()).rejects.toThrow(/in use by another process .*npx sparklab down/);
  });

  it("records who called what, and no token", async () => {
    await node(
      `(await new GoogleAuth({ scopes }).getClient()).request({ url: "https://storage.googleapis.com/storage/v1/b?project=sparklab-local" }).then(({ data }) => data)`,
    );
    const log = join(lab, "cloud", "log", "requests.jsonl");
    const wanted = { principal: OPERATOR.email, via: "accessToken", host: "storage.googleapis.com", status: 200 };
    const isThere = () => {
      const lines = readFileSync(log, "utf8").trim().split("\n").filter(Boolean);
      return lines.some((line) =>
        isMatch(JSON.parse(line) as JsonObject, { ...wanted, method: "storage.buckets.list" }),
      );
    };
    // The log is written behind the answers; the test's time limit ends a wait in vain.
    while (!isThere()) await setImmediate();
    expect(readFileSync(log, "utf8") + readFileSync(join(lab, "cloud", "log", "cloud.jsonl"), "utf8")).not.toMatch(
      /ya29\.|PRIVATE KEY/,
    );
    expect(statSync(log).mode & 0o777).toBe(0o600);
  });

  it("names every wrong setting at once", () => {
    expect(() => parseSettings(["--port", "x", "--project-number", "n"])).toThrow(
      /--lab: got nothing[^]*--port: got x[^]*--project: got nothing[^]*--project-number: got n/,
    );
    expect(() => parseSettings(["--prot", "1"])).toThrow(/--prot/);
  });
});

describe("tokens", () => {
  const status = (token: string, proxy = environment.HTTPS_PROXY) =>
    node<number>(
      `(async () => (await gaxios.request({ url: "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", headers: { authorization: "Bearer " + process.env.TOKEN }, validateStatus: () => true })).status)()`,
      { TOKEN: token, HTTPS_PROXY: proxy!, https_proxy: proxy! },
    );

  it("are refused when they have expired, were changed, or are of another lab", async () => {
    const { token } = started.cloud.principals.accessToken(OPERATOR);
    expect(await status(token)).toBe(200);
    expect(await status(`${token.slice(0, -2)}xx`)).toBe(401);
    expect(await status(`ya29.${"x".repeat(100)}`)).toBe(401);
    clockAhead = HOUR + 1000;
    expect(await status(token)).toBe(401);
    clockAhead = 0;
  });

  it("survive a restart of the cloud", async () => {
    const { token } = started.cloud.principals.accessToken(OPERATOR);
    await started.close();
    expect(existsSync(join(lab, "cloud", "door.json"))).toBe(false);
    expect(() => clientEnvironment(lab)).toThrow(/door.json.*npx sparklab up/);
    started = await start();
    const before = environment.GOOGLE_OAUTH_ACCESS_TOKEN!;
    environment = clientEnvironment(lab);
    expect(environment.GOOGLE_OAUTH_ACCESS_TOKEN).toBe(before);
    expect(await status(token)).toBe(200);
  });
});

describe("gRPC", () => {
  it("reaches Dataproc by Google's own client and by a regional host", async () => {
    const result = await node<JsonObject>(`(async () => {
      const { v1 } = require("@google-cloud/dataproc");
      const client = new v1.BatchControllerClient({ apiEndpoint: "us-central1-dataproc.googleapis.com" });
      const parent = "projects/sparklab-local/locations/us-central1";
      const [batches] = await client.listBatches({ parent });
      const refusal = await client.getBatch({ name: parent + "/batches/none" }).catch(({ code, details }) => ({ code, details }));
      const invalid = await client.createBatch({ parent, batchId: "x", batch: {} }).catch(({ code, statusDetails }) => ({ code, statusDetails }));
      const bad = await client.getBatch({ name: "nonsense" }).catch(({ code, details }) => ({ code, details }));
      await client.close();
      return { batches, refusal, invalid, bad };
    })()`);
    expect(result).toMatchObject({ batches: [], refusal: { code: 5 }, invalid: { code: 3 }, bad: { code: 3 } });
    expect((result.bad as JsonObject).details).toContain(
      'name: got "nonsense"; expected projects/*/locations/*/batches/*',
    );
  });

  it("refuses a call without a token by status 16", async () => {
    const code = await node<number>(`(async () => {
      const { credentials, Metadata, makeGenericClientConstructor } = require("@grpc/grpc-js");
      const Client = makeGenericClientConstructor({}, "none");
      const ca = require("node:fs").readFileSync(process.env.GRPC_DEFAULT_SSL_ROOTS_FILE_PATH);
      const client = new Client("dataproc.googleapis.com:443", credentials.createSsl(ca));
      const bytes = (value) => value;
      return new Promise((resolve) => client.makeUnaryRequest("/google.cloud.dataproc.v1.BatchController/ListBatches", bytes, bytes, Buffer.alloc(0), new Metadata(), {}, (error) => resolve(error.code)));
    })()`);
    expect(code).toBe(16);
  });
});

describe("the environment", () => {
  it("prints as lines that a shell takes back", async () => {
    const tricky = { ...environment, QUOTED: "it's $HOME `x`" };
    const { stdout } = await promisify(execFile)("sh", [
      "-c",
      `${printExports(tricky)} printf %s "$QUOTED|$HTTPS_PROXY"`,
    ]);
    expect(stdout).toBe(`${tricky.QUOTED}|${started.door.proxy}`);
  });

  it("leads Python's requests and google-auth, and its gRPC", async () => {
    const script = [
      "import google.auth, json, requests",
      "from google.auth.transport.requests import AuthorizedSession",
      "from google.cloud import dataproc_v1",
      "credentials, project = google.auth.default(scopes=['https://www.googleapis.com/auth/cloud-platform'])",
      "user = AuthorizedSession(credentials).get('https://openidconnect.googleapis.com/v1/userinfo').json()",
      "client = dataproc_v1.BatchControllerClient(client_options={'api_endpoint': 'us-central1-dataproc.googleapis.com:443'})",
      "batches = list(client.list_batches(parent='projects/sparklab-local/locations/us-central1'))",
      "print(json.dumps([project, user['email'], len(batches)]))",
    ].join("\n");
    const { stdout } = await promisify(execFile)(readTools().python.clients, ["-c", script], {
      env: { ...process.env, ...environment },
    });
    expect(JSON.parse(stdout)).toEqual(["sparklab-local", OPERATOR.email, 0]);
  });
});

const isMatch = (value: JsonObject, wanted: JsonObject) =>
  Object.keys(wanted).every((key) => value[key] === wanted[key]);
