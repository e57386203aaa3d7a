/** The door with a small API behind it: who is let in, over which protocol, and how it closes. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ProxyAgent, fetch } from "undici";
import { openCertificates, type Certificates } from "./certificates";
import type { Api } from "./cloud";
import { ApiError } from "./errors";
import { openFrontDoor, type FrontDoor, type FrontDoorOptions } from "./front-door";
import type { RequestRecord } from "./front-door-request";
import { createGrpcCarrier } from "./grpc";
import type { Principal } from "./service";

const HOST = "storage.googleapis.com";
const CALLER: Principal = { kind: "user", email: "someone@example.com", via: "accessToken" };
const GOOD = { authorization: "Bearer good" };

let folder: string;
let certificates: Certificates;
let door: FrontDoor;
let records: RequestRecord[];
let logged: object[];
let agent: ProxyAgent;
let held: (() => void)[];
let peak: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "door-"));
  const log = { info: () => undefined, warn: () => undefined, error: (o: object) => void logged.push(o) };
  certificates = await openCertificates({ folder, now: () => new Date(), log });
  records = [];
  logged = [];
  held = [];
  peak = 0;
  door = await open();
  agent = new ProxyAgent({ uri: door.proxy, requestTls: { ca: readFileSync(certificates.caCertificate) } });
});
afterEach(async () => {
  await agent.destroy();
  await door.close();
  rmSync(folder, { recursive: true });
});

const open = (more: Partial<FrontDoorOptions> = {}) =>
  openFrontDoor({
    ...{ port: 0, certificates, api, serves: (host: string) => host === HOST || host === "www.googleapis.com" },
    endpoints: { serves: () => false, http: async () => undefined },
    grpc: createGrpcCarrier(),
    resolve: async (authorization) => {
      if (authorization === GOOD.authorization) return CALLER;
      throw new ApiError("UNAUTHENTICATED", "Request had invalid authentication credentials.");
    },
    record: (entry) => void records.push(entry),
    now: () => new Date(),
    log: { info: () => undefined, warn: () => undefined, error: (o) => void logged.push(o) },
    ...more,
  });

/** Hashes what is uploaded; `/hold` answers when the test lets it; `/bug` fails. */
const api: Api = {
  serves: () => true,
  methodId: ({ path }) => (path === "/hash" ? "test.hash" : undefined),
  rest: async () => ({}),
  http: async (host, request, response, principal) => {
    if (request.url === "/bug") throw new Error("a bug");
    if (request.url === "/hold") await new Promise<void>((resolve) => held.push(resolve));
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      peak = Math.max(peak, process.memoryUsage.rss());
      hash.update(chunk);
    }
    response.end(JSON.stringify({ host, bytes, sha256: hash.digest("hex"), caller: principal.email }));
  },
};

const get = (path: string, headers: Record<string, string> = GOOD) =>
  fetch(`https://${HOST}${path}`, { dispatcher: agent, headers });

describe("the door", () => {
  it("passes a request with a good token on, with its host and its caller, and records it", async () => {
    const answer = await get("/hash");
    expect(await answer.json()).toMatchObject({ host: HOST, caller: CALLER.email, bytes: 0 });
    expect(records).toEqual([
      expect.objectContaining({
        principal: CALLER.email,
        host: HOST,
        method: "test.hash",
        status: 200,
        protocol: "http/1.1",
      }),
    ]);
  });

  it.each([
    ["no token", {}],
    ["a wrong token", { authorization: "Bearer bad" }],
  ])("answers 401 in Google's form to %s, and the API hears nothing", async (_, headers) => {
    const answer = await get("/hash", headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="https:\/\/accounts.google.com\/"/);
    expect(await answer.json()).toMatchObject({ error: { code: 401, status: "UNAUTHENTICATED" } });
    expect(records).toEqual([expect.objectContaining({ principal: "", via: "none", status: 401 })]);
  });

  it("answers 500 in Google's form when the API fails by a bug, and logs the bug", async () => {
    const answer = await get("/bug");
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ error: { status: "INTERNAL" } });
    expect(logged).toEqual([expect.objectContaining({ err: expect.objectContaining({ message: "a bug" }) })]);
  });

  it.each(["example.com:443", `${HOST}:80`, "127.0.0.1:443", "[::1]:443", "metadata.google.internal:443"])(
    "refuses CONNECT %s with 403 and says why",
    async (target) => {
      const { status, body } = await connectTo(target);
      expect(status).toBe(403);
      expect(body).toContain(`CONNECT ${target}: refused; expected a Google API host`);
    },
  );

  it("refuses to proxy plain HTTP, and requests to itself, with a hint", async () => {
    const proxied = await plain("http://example.com/");
    expect(proxied.status).toBe(403);
    expect(proxied.body).toContain("expected CONNECT");
    const direct = await plain("/storage/v1/b");
    expect(direct.status).toBe(400);
    expect(direct.body).toContain("npx sparklab env");
  });

  it("answers 421 when TLS names another host than CONNECT, or the request does", async () => {
    const secure = await tunnel({ servername: "www.googleapis.com" });
    expect(await exchange(secure, `GET /hash HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 421 /,
    );
    const other = await tunnel({});
    expect(
      await exchange(other, "GET /hash HTTP/1.1\r\nHost: www.googleapis.com\r\nAuthorization: Bearer good\r\n\r\n"),
    ).toMatch(/^HTTP\/1.1 421 /);
  });

  it("listens on loopback only", async () => {
    const listeners = readFileSync("/proc/net/tcp", "utf8") + readFileSync("/proc/net/tcp6", "utf8");
    const port = `:${door.port.toString(16).toUpperCase().padStart(4, "0")} `;
    const rows = listeners.split("\n").filter((row) => row.includes(`${port}`) && / 0A /.test(row));
    expect(rows.map((row) => row.trim().split(/\s+/)[1])).toEqual([`0100007F${port.trim()}`]);
  });

  it("names the holder of a port that is in use, and the fix", async () => {
    await expect(open({ port: door.port })).rejects.toThrow(
      new RegExp(
        `Port ${door.port} of 127.0.0.1: in use by process ${process.pid} \\(.*SPARKLAB_PORT=<port> npx sparklab up`,
      ),
    );
  });
});

describe("protocols", () => {
  it("serves HTTP/2, many requests on one connection", async () => {
    const session = await http2Session();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => http2Exchange(session, "/hash", "x".repeat(100_000))),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ bytes: 100_000, host: HOST });
    }
    expect(records.map(({ protocol }) => protocol)).toEqual(Array(20).fill("h2"));
    session.close();
  });

  it("keeps an HTTP/1.1 connection for the next request", async () => {
    const secure = await tunnel({});
    const message = `GET /hash HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`;
    expect(await exchange(secure, message)).toMatch(/^HTTP\/1.1 200 /);
    expect(await exchange(secure, message)).toMatch(/^HTTP\/1.1 200 /);
    secure.destroy();
  });

  it("asks for the body of a waiting client only when the token is good", async () => {
    const head = (token: string) =>
      `POST /hash HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`;
    const good = await tunnel({});
    expect(await exchange(good, head("good"))).toMatch(/^HTTP\/1.1 100 Continue/);
    expect(await exchange(good, "abc")).toMatch(/^HTTP\/1.1 200 /);
    good.destroy();
    const bad = await tunnel({});
    expect(await exchange(bad, head("bad"))).toMatch(/^HTTP\/1.1 401 /);
    bad.destroy();
  });

  it.each(["http/1.1", "h2"])(
    "streams an upload of 200 MB in bounded memory over %s",
    async (protocol) => {
      const size = 200 * 1024 * 1024;
      const before = process.memoryUsage().rss;
      const text = await upload(protocol, size);
      const expected = createHash("sha256").update(Buffer.alloc(size, "sparklab")).digest("hex");
      expect(JSON.parse(text)).toMatchObject({ bytes: size, sha256: expected });
      expect(records).toEqual([expect.objectContaining({ protocol, status: 200 })]);
      expect(peak - before).toBeLessThan(100 * 1024 * 1024);
    },
    60_000,
  );

  it("stops reading from a client whose upload the API does not read", async () => {
    const secure = await tunnel({});
    secure.write(
      `POST /hold HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\nContent-Length: ${1e9}\r\n\r\n`,
    );
    await until(() => held.length === 1);
    let written = 0;
    const block = Buffer.alloc(1 << 20);
    for (; written < 64 && secure.write(block); written++);
    for (let i = written; i < 64; i++) secure.write(block);
    await new Promise((resolve) => setImmediate(resolve));
    const before = secure.bytesWritten;
    expect(secure.writableLength).toBeGreaterThan(32 << 20);
    expect(secure.bytesWritten).toBe(before);
    secure.destroy();
    held[0]!();
  });
});

describe("bounds", () => {
  it("cuts a client that does not greet, one that sends half a request, and one that falls silent", async () => {
    const strict = await open({ timeouts: { greeting: 200, silence: 300, keepAlive: 100 } });
    const silent = connectTcp(strict.port, "127.0.0.1");
    const noTls = connectTcp(strict.port, "127.0.0.1");
    noTls.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    const half = await tunnel({ port: strict.port });
    half.write(`GET /hash HTTP/1.1\r\nHost: ${HOST}\r\n`);
    const idle = await tunnel({ port: strict.port });
    await exchange(idle, `GET /hash HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`);
    const session = await http2Session(strict.port);
    await Promise.all([silent, noTls, half, idle, session].map((connection) => closed(connection)));
    await strict.close();
  });

  it("keeps no connection of clients that have gone", async () => {
    for (let i = 0; i < 5; i++) (await tunnel({})).destroy();
    const session = await http2Session();
    session.destroy();
    const half = await tunnel({});
    half.end();
    await closed(half);
    await until(() => openConnections(door.port) === 0);
  });

  it("drains: requests under way are answered, new connections are refused, then it is closed", async () => {
    const first = get("/hold");
    const session = await http2Session();
    const second = http2Exchange(session, "/hold", "");
    await until(() => held.length === 2);
    const closing = door.close();
    await expect(connectTo(`${HOST}:443`)).rejects.toThrow(/ECONNREFUSED/);
    held.forEach((release) => release());
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(200);
    await closing;
    door = await open();
  });

  it("cuts what has not ended when the time to drain is over", async () => {
    const hasty = await open({ timeouts: { drain: 100 } });
    const secure = await tunnel({ port: hasty.port });
    secure.write(`GET /hold HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`);
    await until(() => held.length === 1);
    await Promise.all([hasty.close(), closed(secure)]);
    held[0]!();
  });
});

async function connectTo(target: string): Promise<{ status: number; body: string; socket: Socket }> {
  const request = httpRequest({ host: "127.0.0.1", port: door.port, method: "CONNECT", path: target, agent: false });
  request.end();
  const [response, socket, head] = (await once(request, "connect")) as [IncomingMessage, Socket, Buffer];
  const status = response.statusCode!;
  return { status, socket, body: status === 200 ? "" : head.toString() + (await readText(socket)) };
}

async function tunnel({
  servername = HOST,
  port = door.port,
  alpn,
}: {
  servername?: string;
  port?: number;
  alpn?: string;
}): Promise<TLSSocket> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
  await once(socket, "data");
  const ca = readFileSync(certificates.caCertificate);
  const secure = connectTls({ socket, servername, ca, ...(alpn ? { ALPNProtocols: [alpn] } : {}) });
  // A cut connection is an error to the client; tests look at its closing.
  secure.on("error", () => undefined);
  await once(secure, "secureConnect");
  return secure;
}

/** Uploads from another process, so that its memory is not counted; gives the answer's body. */
async function upload(protocol: string, size: number): Promise<string> {
  const script = `
    const [{ once }, tls, http, http2] = ["node:events", "node:tls", "node:http", "node:http2"].map(require);
    const connect = http.request({ host: "127.0.0.1", port: ${door.port}, method: "CONNECT", path: "${HOST}:443" }).end();
    once(connect, "connect").then(async ([, socket]) => {
      const secure = tls.connect({ socket, servername: "${HOST}", ALPNProtocols: ["${protocol}"] });
      await once(secure, "secureConnect");
      const createConnection = () => secure;
      const session = ${protocol === "h2"} && http2.connect("https://${HOST}", { createConnection });
      const headers = { authorization: "${GOOD.authorization}" };
      const out = session
        ? session.request({ ":method": "POST", ":path": "/hash", ...headers })
        : http.request({ createConnection, method: "POST", path: "/hash", headers: { host: "${HOST}", ...headers } });
      const answer = session ? out : once(out, "response").then(([response]) => response);
      const chunk = Buffer.alloc(1 << 20, "sparklab");
      for (let i = 0; i < ${size >> 20}; i++) if (!out.write(chunk)) await once(out, "drain");
      out.end();
      for await (const part of await answer) process.stdout.write(part);
      process.exit();
    });`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificates.caCertificate };
  const child = spawn(process.execPath, ["-e", script], { env, stdio: ["ignore", "pipe", "inherit"] });
  return readText(child.stdout);
}

async function exchange(secure: TLSSocket, message: string): Promise<string> {
  secure.write(message);
  const [chunk] = (await once(secure, "data")) as [Buffer];
  return chunk.toString();
}

async function http2Session(port = door.port): Promise<ClientHttp2Session> {
  const secure = await tunnel({ port, alpn: "h2" });
  const session = connectHttp2(`https://${HOST}`, { createConnection: () => secure });
  session.on("error", () => undefined);
  return session;
}

async function http2Exchange(
  session: ClientHttp2Session,
  path: string,
  body: string,
): Promise<{ status: number; body: string }> {
  const stream = session.request({ ":method": "POST", ":path": path, ...GOOD });
  stream.end(body);
  const [[headers], text] = await Promise.all([
    once(stream, "response") as Promise<[{ ":status": number }]>,
    readText(stream),
  ]);
  return { status: headers[":status"], body: text };
}

async function plain(path: string): Promise<{ status: number; body: string }> {
  const request = httpRequest({ host: "127.0.0.1", port: door.port, path, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode!, body: await readText(response) };
}

async function readText(source: AsyncIterable<Buffer | string>): Promise<string> {
  let text = "";
  for await (const chunk of source) text += chunk.toString();
  return text;
}

const closed = async (connection: Socket | ClientHttp2Session) => {
  connection.on("error", () => undefined);
  if ("resume" in connection) connection.resume();
  if (!connection.closed) await once(connection, "close").catch(() => undefined);
};

/** Looks again until it is so; the test's own time limit ends a wait in vain. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

function openConnections(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[1] === local && row[3] === "01").length;
}
