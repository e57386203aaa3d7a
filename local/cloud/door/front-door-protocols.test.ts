/** Protocols through the door: HTTP/2, kept connections, waiting clients, and uploads that are larger than memory allows. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Api } from "../cloud";
import {
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
let held: (() => void)[];
/** Most bytes in use in this process while the API read an upload. */
let peak: number;
/** An upload's bytes between two looks at the memory. */
const LOOK_EVERY = 8 << 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Without what nobody holds any more: when that is given back is the runtime's affair. */
function bytesInUse(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

beforeEach(async () => {
  held = [];
  peak = 0;
  lab = await openTestDoor(api);
});
afterEach(() => lab.close());

/** Hashes what is uploaded; `/hold` does not read before the test lets it. */
const api: Api = {
  serves: () => true,
  rest: async () => ({}),
  http: async (host, request, response) => {
    if (request.url === "/hold") await new Promise<void>((resolve) => held.push(resolve));
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (Math.floor(bytes / LOOK_EVERY) < Math.floor((bytes + chunk.length) / LOOK_EVERY))
        peak = Math.max(peak, bytesInUse());
      bytes += chunk.length;
      hash.update(chunk);
    }
    response.end(JSON.stringify({ host, bytes, sha256: hash.digest("hex") }));
  },
};

describe("protocols", () => {
  it("serves HTTP/2, many requests on one connection", async () => {
    const session = await http2Session(lab.door.port, lab.ca);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => http2Exchange(session, "/hash", "x".repeat(100_000))),
    );
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ bytes: 100_000, host: HOST });
    }
    expect(lab.records.map(({ protocol }) => protocol)).toEqual(Array(20).fill("h2"));
    session.close();
  });

  it("keeps an HTTP/1.1 connection for the next request", async () => {
    const secure = await tunnel(lab.door.port, lab.ca);
    const message = `GET /hash HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer good\r\n\r\n`;
    expect(await exchange(secure, message)).toMatch(/^HTTP\/1.1 200 /);
    expect(await exchange(secure, message)).toMatch(/^HTTP\/1.1 200 /);
    secure.destroy();
  });

  it("asks for the body of a waiting client only when the token is good", async () => {
    const head = (token: string) =>
      `POST /hash HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`;
    const good = await tunnel(lab.door.port, lab.ca);
    expect(await exchange(good, head("good"))).toMatch(/^HTTP\/1.1 100 Continue/);
    expect(await exchange(good, "abc")).toMatch(/^HTTP\/1.1 200 /);
    good.destroy();
    const bad = await tunnel(lab.door.port, lab.ca);
    expect(await exchange(bad, head("bad"))).toMatch(/^HTTP\/1.1 401 /);
    bad.destroy();
  });

  it.each(["http/1.1", "h2"])("streams an upload of 200 MB in bounded memory over %s", async (protocol) => {
    const size = 200 * 1024 * 1024;
    const before = bytesInUse();
    const text = await upload(protocol, size);
    const expected = createHash("sha256").update(Buffer.alloc(size, "sparklab")).digest("hex");
    expect(JSON.parse(text)).toMatchObject({ bytes: size, sha256: expected });
    expect(lab.records).toEqual([expect.objectContaining({ protocol, status: 200 })]);
    expect(peak - before).toBeLessThan(50 * 1024 * 1024);
  });

  it("stops reading from a client whose upload the API does not read", async () => {
    const secure = await tunnel(lab.door.port, lab.ca);
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

/** Uploads from another process, so that its memory is not counted; gives the answer's body. */
async function upload(protocol: string, size: number): Promise<string> {
  const script = `
    const [{ once }, tls, http, http2] = ["node:events", "node:tls", "node:http", "node:http2"].map(require);
    const connect = http.request({ host: "127.0.0.1", port: ${lab.door.port}, method: "CONNECT", path: "${HOST}:443" }).end();
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
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: lab.caCertificate };
  const child = spawn(process.execPath, ["-e", script], { env, stdio: ["ignore", "pipe", "inherit"] });
  return readText(child.stdout);
}
