/** For tests: storage alone behind plain HTTP on loopback, and short ways to say requests. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "undici";
import { OPERATOR } from "../../door/principals";
import type { JsonObject, Principal } from "../../service";
import type { Generation } from "./resources";
import { type TestCloud, testCloud } from "../../testing";
import { storage } from ".";

type Body = Generation & { nextPageToken: string; rewriteToken: string; items?: Generation[]; error?: JsonObject };

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** The body as JSON, `{}` when it is none: mostly an object, so that its fields can be read without a cast. */
  json: Body;
  /** `errors[0].reason` of a refusal. */
  reason: string | undefined;
}

export interface Send {
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: Buffer | string | JsonObject;
}

export interface TestStorage {
  test: TestCloud;
  send: (verb: string, path: string, send?: Send) => Promise<Answer>;
  /** Makes a bucket; soft delete is off unless asked for. */
  bucket: (name: string, fields?: JsonObject) => Promise<JsonObject>;
  put: (bucket: string, name: string, body?: Buffer | string, query?: string) => Promise<Generation>;
  address: string;
  server: Server;
  close: () => Promise<void>;
}

/** @param given `as`: who sends, the operator if it does not say */
export async function testStorage(
  given: { now?: () => Date; folder?: string; as?: () => Principal } = {},
): Promise<TestStorage> {
  const { as = () => OPERATOR, ...options } = given;
  const test = await testCloud({ services: [storage], ...options });
  const server = createServer((incoming, response) => {
    void test.api.http("storage.googleapis.com", incoming, response, as());
  });
  // A connection that the server closes for idleness at the moment a client reuses it fails that client's request.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send: TestStorage["send"] = (verb, path, sent = {}) => exchange(address, verb, path, sent);
  return {
    ...{ test, send, address, server },
    bucket: async (name, fields = {}) => {
      const body = { name, location: "us-central1", softDeletePolicy: { retentionDurationSeconds: "0" }, ...fields };
      return expectOk(await send("POST", "/storage/v1/b?project=sparklab-local", { body })).json;
    },
    put: async (bucket, name, body = "content", query = "") => {
      const path = `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}${query}`;
      return expectOk(await send("POST", path, { body, headers: { "content-type": "text/plain" } })).json;
    },
    close: async () => {
      await stop(server);
      await test.close();
    },
  };
}

export function expectOk(answer: Answer): Answer {
  if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.body.toString("utf8")}`);
  return answer;
}

export function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function exchange(address: string, verb: string, path: string, { headers = {}, body }: Send): Promise<Answer> {
  const isJson = body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
  const answer = await request(`${address}${path}`, {
    method: verb as "GET",
    headers: { ...(isJson ? { "content-type": "application/json" } : {}), ...headers },
    body: isJson ? JSON.stringify(body) : body,
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  const json = parse(bytes, String(answer.headers["content-type"] ?? ""));
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
    ...{ body: bytes, json, reason: reasonOf(json) },
  };
}

const parse = (body: Buffer, type: string): Body =>
  type.startsWith("application/json") && body.length > 0 ? (JSON.parse(body.toString("utf8")) as Body) : ({} as Body);

const reasonOf = (json: JsonObject) =>
  (json as { error?: { errors?: { reason: string }[] } }).error?.errors?.[0]?.reason;

/** A multipart/related body as the clients send it. */
export function multipart(metadata: JsonObject, media: Buffer | string, type = "text/plain"): Send {
  const [head, tail] = [
    `--frontier\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(metadata)}\r\n--frontier\r\nContent-Type: ${type}\r\n\r\n`,
    "\r\n--frontier--",
  ];
  return {
    headers: { "content-type": 'multipart/related; boundary="frontier"' },
    body: Buffer.concat([Buffer.from(head), Buffer.from(media), Buffer.from(tail)]),
  };
}
