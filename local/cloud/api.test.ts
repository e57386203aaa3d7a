/** The API surface over HTTP: bodies, verbs, errors, answers, and one of Google's own clients. */
import { createServer, request as send, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { OAuth2Client } from "google-auth-library";
import { createApi, type KernelApi } from "./api";
import { OPERATOR } from "./door/principals";
import { HANDLED, type JsonObject, type Service } from "./service";
import { cloudResourceManager } from "./services/cloudresourcemanager";
import { iam } from "./services/iam";
import { descriptionsFolder, testCloud, type TestCloud } from "./testing";
import { assertNoViolations } from "./contract/validate";

const storage: Service = {
  apis: ["storage.v1"],
  types: [],
  methods: {
    "storage.buckets.get": async () => ({ colour: "a field that no bucket has" }),
    "storage.buckets.list": async () => {
      throw new Error("secret of the inside");
    },
    "storage.buckets.delete": async () => ({}),
    "storage.objects.insert": async (call) => {
      const bytes = await text(call.http!.request);
      call.http!.response.writeHead(200, { "content-type": "text/plain" }).end(`${call.path.bucket}:${bytes}`);
      return HANDLED;
    },
  },
  undescribed: async ({ http: { request, response } }) => {
    if (!request.url?.startsWith("/download/")) return false;
    response.writeHead(200).end("bytes");
    return true;
  },
};

let lab: TestCloud;
let server: Server;
let api: KernelApi;
let served = 0;
beforeAll(async () => {
  const services = [iam, ...cloudResourceManager, storage];
  lab = await testCloud({ services });
  api = createApi({ services, cloud: lab.cloud, descriptions: descriptionsFolder() });
  server = createServer((request, response) => {
    const host = request.headers["x-test-host"];
    const answered = api.http(typeof host === "string" ? host : "iam.googleapis.com", request, response, OPERATOR);
    void answered.then(() => (served += 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await lab.close();
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

const port = () => (server.address() as AddressInfo).port;

function http(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = send({ host: "127.0.0.1", port: port(), method, path, headers }, (response) => {
      text(response).then(
        (read) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: read }),
        reject,
      );
    });
    request.on("error", reject).end(body);
  });
}

/** Resolves when the condition holds, checked after each turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const ACCOUNTS = "/v1/projects/sparklab-local/serviceAccounts";
const onStorage = { "x-test-host": "storage.googleapis.com" };

test("answers JSON with Google's headers, printed pretty unless asked not to", async () => {
  const pretty = await http("POST", ACCOUNTS, { body: JSON.stringify({ accountId: "web-client" }) });
  expect(pretty.status).toBe(200);
  expect(pretty.headers).toMatchObject({
    "content-type": "application/json; charset=UTF-8",
    vary: "Origin, X-Origin, Referer",
  });
  expect(pretty.body).toContain('\n  "name"');
  const plain = await http("GET", `${ACCOUNTS}/web-client@sparklab-local.iam.gserviceaccount.com?prettyPrint=false`);
  expect(plain.body).not.toContain("\n");
});

test("a gzipped body is read", async () => {
  const body = gzipSync(JSON.stringify({ accountId: "gzipped" }));
  const answer = await http("POST", ACCOUNTS, { headers: { "content-encoding": "gzip" }, body });
  expect(JSON.parse(answer.body)).toMatchObject({ email: "gzipped@sparklab-local.iam.gserviceaccount.com" });
});

test("a broken body, a broken gzip and a body that is no object are 400 in JSON", async () => {
  for (const [headers, body] of [
    [{}, '{"a":'],
    [{ "content-encoding": "gzip" }, "not gzip"],
    [{}, "[1]"],
  ] as [Record<string, string>, string][]) {
    const answer = await http("POST", ACCOUNTS, { headers, body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 400, status: "INVALID_ARGUMENT" } });
  }
});

test("a path with a broken escape is 400, not a fault", async () => {
  expect((await http("GET", "/storage/v1/b/x/o/%zz", { headers: onStorage })).status).toBe(400);
});

test("a client that goes away in the middle of its body is no fault of the cloud", async () => {
  const request = send({
    host: "127.0.0.1",
    port: port(),
    method: "POST",
    path: ACCOUNTS,
    headers: { "content-length": "100" },
  });
  request.on("error", () => undefined); // The test ends this connection itself.
  const before = served;
  await new Promise<void>((resolve) => request.write("{", () => resolve()));
  request.destroy();
  await until(() => served > before);
  expect(lab.logged.at(-1)).toMatchObject({ level: "info", message: "request failed" });
});

test("a body that is too large is refused", async () => {
  const body = gzipSync(Buffer.alloc(33 * 1024 * 1024, 32));
  const answer = await http("POST", ACCOUNTS, { headers: { "content-encoding": "gzip" }, body });
  expect(answer.body).toContain("Request payload size exceeds the limit");
});

test("POST may name another verb in its header", async () => {
  await http("POST", ACCOUNTS, { body: JSON.stringify({ accountId: "to-delete" }) });
  const path = `${ACCOUNTS}/to-delete@sparklab-local.iam.gserviceaccount.com`;
  expect((await http("POST", path, { headers: { "x-http-method-override": "DELETE" } })).status).toBe(200);
  expect((await http("GET", path)).status).toBe(404);
});

test("HEAD is GET without a body, OPTIONS names the verbs", async () => {
  const head = await http("HEAD", ACCOUNTS);
  expect([head.status, head.body]).toEqual([200, ""]);
  expect((await http("OPTIONS", ACCOUNTS)).headers.allow).toContain("PATCH");
});

test("a method without a described answer is 204 without a body", async () => {
  const answer = await http("DELETE", "/storage/v1/b/x", { headers: onStorage });
  expect([answer.status, answer.body]).toEqual([204, ""]);
});

test("an error of an older API carries the reason that its clients read", async () => {
  const answer = await http("GET", "/storage/v1/b/x/iam/nothing", { headers: onStorage });
  expect(JSON.parse(answer.body)).toMatchObject({
    error: { code: 404, errors: [{ reason: "notFound", domain: "global" }] },
  });
});

test("a fault inside is 500 without its text, and logged with it", async () => {
  const answer = await http("GET", "/storage/v1/b?project=sparklab-local", { headers: onStorage });
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain("secret");
  expect(
    lab.logged.some(
      ({ level, fields }) => level === "error" && (fields as { err?: Error }).err?.message === "secret of the inside",
    ),
  ).toBe(true);
});

test("an answer that breaks the description is given, logged and kept for the test run", async () => {
  const answer = await http("GET", "/storage/v1/b/x", { headers: onStorage });
  expect(answer.status).toBe(200);
  expect(() => assertNoViolations(lab.cloud.folder)).toThrow("Bucket.colour: not a field of Bucket");
  lab.forgetViolations();
});

test("a media upload reaches its behaviour unread, an undescribed path its service", async () => {
  const upload = await http("POST", "/upload/storage/v1/b/x/o?uploadType=media&name=n", {
    headers: onStorage,
    body: "raw bytes",
  });
  expect(upload.body).toBe("x:raw bytes");
  expect((await http("GET", "/download/storage/v1/b/x/o/y", { headers: onStorage })).body).toBe("bytes");
});

test.each([
  ["GET", `${ACCOUNTS}?pageSize=1`, "iam.projects.serviceAccounts.list"],
  ["HEAD", ACCOUNTS, "iam.projects.serviceAccounts.list"],
  ["POST", ACCOUNTS, "iam.projects.serviceAccounts.create"],
  ["GET", "/v1/nowhere", undefined],
  ["GET", "/v1/projects/%zz/serviceAccounts", undefined],
])("for the log of requests %s %s is the method %s", (verb, path, id) => {
  expect(api.methodId!({ host: "iam.googleapis.com", verb, path })).toBe(id);
});

test("Google's auth library reads answers and errors as from Google", async () => {
  // Node's own fetch: the library would import its own, which jest's module loader cannot.
  const client = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } });
  client.setCredentials({ access_token: "unused here: the door resolves tokens" });
  const { data } = await client.request<JsonObject>({ url: `http://127.0.0.1:${port()}${ACCOUNTS}` });
  expect(data.accounts).toBeInstanceOf(Array);
  const refused = client.request({ url: `http://127.0.0.1:${port()}/v1/projects/other/serviceAccounts` });
  await expect(refused).rejects.toMatchObject({ status: 403, message: "Permission denied on resource project other." });
});

test("behaviours call other methods in process with the same checks", async () => {
  const methodId = "iam.projects.serviceAccounts.create";
  const made = await lab.cloud.call(
    { methodId, path: { name: "projects/sparklab-local" }, body: { accountId: "by-call" } },
    OPERATOR,
  );
  expect(made).toMatchObject({ email: "by-call@sparklab-local.iam.gserviceaccount.com" });
  const wrong = lab.cloud.call({ methodId, path: { name: "projects/sparklab-local" }, body: { colour: 1 } }, OPERATOR);
  await expect(wrong).rejects.toMatchObject({ status: "INVALID_ARGUMENT" });
});
