/** The door with a small API behind it: who is let in, what is bounded, how it closes. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { ProxyAgent, fetch } from "undici";
import type { Api } from "../cloud";
import {
  CALLER,
  closed,
  connectTo,
  exchange,
  GOOD,
  HOST,
  http2Exchange,
  http2Session,
  openTestDoor,
  readText,
  tunnel,
  until,
  type TestDoor,
} from "./front-door-testing";

// Clients are real and machines are busy: a wait in vain ends here, no test depends on the time.
jest.setTimeout(60_000);

let lab: TestDoor;
let agent: ProxyAgent;
let held: (() => void)[];
/** Who listens and who is connected is read from Linux's tables. */
const onLinux = process.platform === "linux" ? it : it.skip;

beforeEach(async () => {
  held = [];
  lab = await openTestDoor(api);
  agent = new ProxyAgent({ uri: lab.door.proxy, requestTls: { ca: lab.ca } });
});
afterEach(async () => {
  await agent.destroy();
  await lab.close();
});

/** Tells what it got; `/hold` answers when the test lets it; `/bug` fails. */
const api: Api = {
  serves: () => true,
  methodId: ({ path }) => (path === "/echo" ? "test.echo" : undefined),
  rest: async () => ({}),
  http: async (host, request, response, principal) => {
    if (request.url === "/bug") throw new Error("a bug");
    if (request.url === "/hold") await new Promise<void>((resolve) => held.push(resolve));
    response.end(JSON.stringify({ host, caller: principal.email, body: await readText(request) }));
  },
};

const get = (path: string, headers: Record<string, string> = GOOD) =>
  fetch(`https://${HOST}${path}`, { dispatcher: agent, headers });

describe("the door", () => {
  it("passes a request with a good token on, with its host and its caller, and records it", async () => {
    const answer = await get("/echo");
    expect(await answer.json()).toMatchObject({ host: HOST, caller: CALLER.email, body: "" });
    expect(lab.records).toEqual([
      expect.objectContaining({
        principal: CALLER.email,
        host: HOST,
        method: "test.echo",
        status: 200,
        protocol: "http/1.1",
      }),
    ]);
  });

  it.each([
    ["no token", {}],
    ["a wrong token", { authorization: "Bearer bad" }],
  ])("answers 401 in Google's form to %s, and the API hears nothing", async (_, headers) => {
    const answer = await get("/echo", headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="https:\/\/accounts.google.com\/"/);
    expect(await answer.json()).toMatchObject({ error: { code: 401, status: "UNAUTHENTICATED" } });
    expect(lab.records).toEqual([expect.objectContaining({ principal: "", via: "none", status: 401 })]);
  });

  it("answers 500 in Google's form when the API fails by a bug, and logs the bug", async () => {
    const answer = await get("/bug");
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ error: { status: "INTERNAL" } });
    expect(lab.errors).toEqual([expect.objectContaining({ err: expect.objectContaining({ message: "a bug" }) })]);
  });

  it.each(["example.com:443", `${HOST}:80`, "127.0.0.1:443", "[::1]:443", "metadata.google.internal:443"])(
    "refuses CONNECT %s with 403 and says why",
    async (target) => {
      const { status, body } = await connectTo(lab.door.port, target);
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
    const secure = await tunnel(lab.door.port, lab.ca, { servername: "www.googleapis.com" });
    expect(await exchange(secure, `GET /echo HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 421 /,
    );
    const other = await tunnel(lab.door.port, lab.ca);
    expect(
      await exchange(other, "GET /echo HTTP/1.1\r\nHost: www.googleapis.com\r\nAuthorization: Bearer good\r\n\r\n"),
    ).toMatch(/^HTTP\/1.1 421 /);
  });

  onLinux("listens on loopback only", async () => {
    const listeners = readFileSync("/proc/net/tcp", "utf8") + readFileSync("/proc/net/tcp6", "utf8");
    const port = `:${lab.door.port.toString(16).toUpperCase().padStart(4, "0")} `;
    const rows = listeners.split("\n").filter((row) => row.includes(`${port}`) && / 0A /.test(row));
    expect(rows.map((row) => row.trim().split(/\s+/)[1])).toEqual([`0100007F${port.trim()}`]);
  });

  onLinux("names the holder of a port that is in use, not one at another address, and the fix", async () => {
    const listen =
      "const s = require('net').createServer().listen(0, '127.0.0.1', () => process.stdout.write(`${s.address().port}`))";
    const holder = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
    const port = Number(String((await once(holder.stdout, "data"))[0]));
    const other = createServer();
    try {
      await once(other.listen(port, "127.0.0.2"), "listening");
      await expect(lab.open({ port })).rejects.toThrow(
        new RegExp(
          `Port ${port} of 127.0.0.1: in use by process ${holder.pid} \\(.*SPARKLAB_PORT=<port> npx sparklab up`,
        ),
      );
    } finally {
      other.close();
      holder.kill();
      await once(holder, "exit");
    }
  });
});

describe("bounds", () => {
  it("cuts a client that does not greet, one that sends half a request, and one that falls silent", async () => {
    const strict = await lab.open({ timeouts: { greeting: 200, silence: 300, keepAlive: 100 } });
    const silent = connectTcp(strict.port, "127.0.0.1");
    const noTls = connectTcp(strict.port, "127.0.0.1");
    noTls.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    const half = await tunnel(strict.port, lab.ca);
    half.write(`GET /echo HTTP/1.1\r\nHost: ${HOST}\r\n`);
    const idle = await tunnel(strict.port, lab.ca);
    await exchange(idle, `GET /echo HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`);
    const session = await http2Session(strict.port, lab.ca);
    await Promise.all([silent, noTls, half, idle, session].map((connection) => closed(connection)));
    await strict.close();
  });

  onLinux("keeps no connection of clients that have gone", async () => {
    for (let i = 0; i < 5; i++) (await tunnel(lab.door.port, lab.ca)).destroy();
    const session = await http2Session(lab.door.port, lab.ca);
    session.destroy();
    const half = await tunnel(lab.door.port, lab.ca);
    half.end();
    await closed(half);
    await until(() => openConnections(lab.door.port) === 0);
  });

  it("drains: requests under way are answered, new connections are refused, then it is closed", async () => {
    const first = get("/hold");
    const session = await http2Session(lab.door.port, lab.ca);
    const second = http2Exchange(session, "/hold", "");
    await until(() => held.length === 2);
    const closing = lab.door.close();
    await expect(connectTo(lab.door.port, `${HOST}:443`)).rejects.toThrow(/ECONNREFUSED/);
    held.forEach((release) => release());
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(200);
    await closing;
    lab = await openTestDoor(api);
  });

  it("cuts what has not ended when the time to drain is over", async () => {
    const hasty = await lab.open({ timeouts: { drain: 100 } });
    const secure = await tunnel(hasty.port, lab.ca);
    secure.write(`GET /hold HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`);
    await until(() => held.length === 1);
    await Promise.all([hasty.close(), closed(secure)]);
    held[0]!();
  });
});

async function plain(path: string): Promise<{ status: number; body: string }> {
  const request = httpRequest({ host: "127.0.0.1", port: lab.door.port, path, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode!, body: await readText(response) };
}

function openConnections(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  return rows.filter((row) => row[1] === local && row[3] === "01").length;
}
