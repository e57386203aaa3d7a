/** The whole cloud behind its door, used by Google's own clients as a user's programs use them: by environment only. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Engines } from "../engines/interface";
import { readTools } from "../engines/tools";
import { clientEnvironment, printExports } from "./client-environment";
import { parseSettings, startCloud, type StartedCloud } from "./main";
import { OPERATOR } from "./principals";
import type { JsonObject } from "./service";
import { dataproc } from "./services/dataproc";
import { scriptedEngine } from "./services/dataproc/scripted-engine";
import { iam } from "./services/iam";
import { iamcredentials } from "./services/iamcredentials";
import { storage } from "./services/storage";
import { assertNoViolations } from "./validate";

// Clients are real and machines are busy: a wait in vain ends here, no test depends on the time.
jest.setTimeout(60_000);

const HOUR = 3600 * 1000;
const EMAIL = "runner@sparklab-local.iam.gserviceaccount.com";
const IAM = "iam.googleapis.com";

let lab: string;
let started: StartedCloud;
let environment: Record<string, string>;
let clockAhead = 0;

const start = () =>
  startCloud({
    ...{
      lab,
      port: 0,
      services: [iam, iamcredentials, storage, dataproc],
      engines: { spark: scriptedEngine() } as unknown as Engines,
    },
    descriptions: process.env.SPARKLAB_DESCRIPTIONS ?? readTools().descriptions,
    now: () => new Date(Date.now() + clockAhead),
  });

beforeAll(async () => {
  lab = mkdtempSync(join(tmpdir(), "lab-"));
  started = await start();
  environment = clientEnvironment(lab);
  await started.cloud.call(
    {
      methodId: "iam.projects.serviceAccounts.create",
      path: { name: "projects/sparklab-local" },
      body: { accountId: "runner" },
    },
    OPERATOR,
  );
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

describe("google-auth-library", () => {
  it("takes the operator's application default credentials, and says whose token it is", async () => {
    const { user, info } = await node<{ user: JsonObject; info: JsonObject }>(`(async () => {
      const client = await new GoogleAuth({ scopes }).getClient();
      const user = await client.request({ url: "https://openidconnect.googleapis.com/v1/userinfo" });
      const info = await client.getTokenInfo((await client.getAccessToken()).token);
      return { user: user.data, info };
    })()`);
    expect(user).toEqual({
      email: OPERATOR.email,
      email_verified: true,
      sub: expect.stringMatching(/^\d{21}$/),
      id: user.sub,
    });
    expect(info).toMatchObject({
      email: OPERATOR.email,
      scopes: expect.arrayContaining(["https://www.googleapis.com/auth/cloud-platform"]),
    });
  });

  it("takes a service account's key: exchanged, self-signed with scopes and with an audience, and for identity tokens", async () => {
    const file = await createKey();
    const result = await node<JsonObject>(
      `(async () => {
        const whoami = "https://openidconnect.googleapis.com/v1/userinfo";
        const exchanged = await (await new GoogleAuth({ scopes }).getClient()).request({ url: whoami });
        const scoped = new JWT({ ...key, scopes });
        scoped.useJWTAccessWithScope = true;
        scoped.defaultServicePath = "storage.googleapis.com";
        const selfSigned = await scoped.getRequestHeaders("https://openidconnect.googleapis.com/");
        const bound = await new JWT(key).getRequestHeaders("https://openidconnect.googleapis.com/");
        const identity = await new GoogleAuth().getIdTokenClient("https://my-service.run.app");
        const idToken = (await identity.getRequestHeaders()).get("authorization").split(" ")[1];
        const ticket = await new OAuth2Client().verifyIdToken({ idToken, audience: "https://my-service.run.app" });
        const as = async (headers) => (await gaxios.request({ url: whoami, headers })).data.email;
        const elsewhere = await gaxios.request({ url: "https://storage.googleapis.com/storage/v1/b?project=p", headers: bound, validateStatus: () => true });
        return { exchanged: exchanged.data.email, selfSigned: await as(selfSigned), bound: await as(bound), elsewhere: elsewhere.status, identity: ticket.getPayload() };
      })()`,
      { GOOGLE_APPLICATION_CREDENTIALS: file },
    );
    expect(result).toMatchObject({ exchanged: EMAIL, selfSigned: EMAIL, bound: EMAIL, elsewhere: 401 });
    expect(result.identity).toMatchObject({ email: EMAIL, email_verified: true, iss: "https://accounts.google.com" });
  });

  it("is refused with the key of a deleted key, a disabled account, and a foreign key", async () => {
    const file = await createKey();
    const key = JSON.parse(readFileSync(file, "utf8")) as { private_key_id: string };
    const foreign = join(lab, "foreign.json");
    writeFileSync(
      foreign,
      JSON.stringify({
        ...key,
        private_key: readFileSync(join(lab, "cloud", "credentials", "signing-key.pem"), "utf8"),
      }),
    );
    const attempt = (path: string) =>
      node<{ token: string; selfSigned: number }>(
        `(async () => {
          const token = await new GoogleAuth({ scopes }).getAccessToken().then(() => "granted", (error) => JSON.stringify(error.response.data));
          const headers = await new JWT(key).getRequestHeaders("https://storage.googleapis.com/");
          const { status } = await gaxios.request({ url: "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", headers, validateStatus: () => true });
          return { token, selfSigned: status };
        })()`,
        { GOOGLE_APPLICATION_CREDENTIALS: path },
      );
    expect(await attempt(file)).toEqual({ token: "granted", selfSigned: 200 });
    expect(await attempt(foreign)).toEqual({
      token: expect.stringContaining("Invalid JWT Signature."),
      selfSigned: 401,
    });
    await iamCall("disable", `projects/-/serviceAccounts/${EMAIL}`);
    expect(await attempt(file)).toEqual({ token: expect.stringContaining("invalid_grant"), selfSigned: 401 });
    await iamCall("enable", `projects/-/serviceAccounts/${EMAIL}`);
    await iamCall("keys.delete", `projects/-/serviceAccounts/${EMAIL}/keys/${key.private_key_id}`);
    expect(await attempt(file)).toEqual({ token: expect.stringContaining("invalid_grant"), selfSigned: 401 });
  });

  it("impersonates a service account only with the token creator role on it", async () => {
    const attempt = () =>
      node<JsonObject>(`(async () => {
        const sourceClient = await new GoogleAuth({ scopes }).getClient();
        const client = new Impersonated({ sourceClient, targetPrincipal: "${EMAIL}", targetScopes: scopes, lifetime: 600, delegates: [] });
        try {
          const { data } = await client.request({ url: "https://openidconnect.googleapis.com/v1/userinfo" });
          const blob = await client.sign("some text");
          const idToken = await client.fetchIdToken("https://my-service.run.app", { includeEmail: true });
          const ticket = await new OAuth2Client().verifyIdToken({ idToken, audience: "https://my-service.run.app" });
          return { email: data.email, keyId: blob.keyId, identity: ticket.getPayload().email };
        } catch (error) {
          return { refusal: error.message };
        }
      })()`);
    expect(await attempt()).toEqual({ refusal: expect.stringContaining("iam.serviceAccounts.getAccessToken") });
    await iamCall("setIamPolicy", `projects/sparklab-local/serviceAccounts/${EMAIL}`, {
      policy: { bindings: [{ role: "roles/iam.serviceAccountTokenCreator", members: [`user:${OPERATOR.email}`] }] },
    });
    expect(await attempt()).toEqual({ email: EMAIL, keyId: expect.stringMatching(/^[0-9a-f]{40}$/), identity: EMAIL });
  });

  it("takes the metadata server of a workload", async () => {
    const server = await started.cloud.principals.metadataServer(EMAIL);
    const result = await node<JsonObject>(
      `(async () => {
        const auth = new GoogleAuth({ scopes });
        const client = await auth.getClient();
        const { data } = await client.request({ url: "https://openidconnect.googleapis.com/v1/userinfo" });
        return { kind: client.constructor.name, email: data.email, project: await auth.getProjectId() };
      })()`,
      {
        GCE_METADATA_HOST: server.host,
        GOOGLE_APPLICATION_CREDENTIALS: "",
        GOOGLE_CLOUD_PROJECT: "",
        GOOGLE_OAUTH_ACCESS_TOKEN: "",
        HOME: lab,
      },
    );
    expect(result).toEqual({ kind: "Compute", email: EMAIL, project: "sparklab-local" });
    await server.close();
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

/** Runs an expression in a process of its own, as a client of the cloud, and gives its value. */
async function node<T>(expression: string, more: Record<string, string> = {}): Promise<T> {
  const script = `
    const { GoogleAuth, Impersonated, JWT, OAuth2Client } = require("google-auth-library");
    const gaxios = require("gaxios");
    const file = process.env.GOOGLE_APPLICATION_CREDENTIALS;
    const { client_email: email, private_key, private_key_id: keyId } = file ? require(file) : {};
    const key = { email, key: private_key, keyId };
    const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
    (async () => process.stdout.write(JSON.stringify((await (${expression})) ?? null)))();`;
  const options = { cwd: resolve(__dirname, "../.."), env: { ...process.env, ...environment, ...more } };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--unhandled-rejections=strict", "-e", script],
    options,
  );
  return JSON.parse(stdout) as T;
}

function iamCall(verb: string, resource: string, body: JsonObject = {}) {
  const key = verb === "setIamPolicy" ? "resource" : "name";
  return started.cloud.call(
    { methodId: `iam.projects.serviceAccounts.${verb}`, host: IAM, path: { [key]: resource }, body },
    OPERATOR,
  );
}

async function createKey(): Promise<string> {
  const key = (await iamCall("keys.create", `projects/-/serviceAccounts/${EMAIL}`)) as { privateKeyData: string };
  const file = join(lab, "key.json");
  writeFileSync(file, Buffer.from(key.privateKeyData, "base64"), { mode: 0o600 });
  return file;
}
