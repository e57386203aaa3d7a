/** Clients that are slow, fall silent, or go away in the middle: their own request suffers, nothing else does. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { readTools } from "../../engines/tools";
import { clientEnvironment } from "../door/client-environment";
import { closed, tunnel, until } from "../door/front-door-testing";
import type { StartedCloud } from "../main";
import { startTestCloud } from "../main-testing";
import { DoorClient, readAnswer } from "./door-client";

jest.setTimeout(60_000);
const SILENCE_MS = 1500;
const MEDIA = "/upload/storage/v1/b/data/o?uploadType=media&name=";
const KB256 = 256 * 1024;
let lab: string;
let started: StartedCloud;
let client: DoorClient;

beforeAll(async () => {
  lab = mkdtempSync(join(tmpdir(), "sparklab-clients-"));
  const timeouts = { greeting: 1000, silence: SILENCE_MS, drain: 500 };
  started = await startTestCloud(lab, readTools().descriptions, () => new Date(), timeouts);
  client = new DoorClient(lab);
  const bucket = JSON.stringify({ name: "data", softDeletePolicy: { retentionDurationSeconds: "0" } });
  await client.send("POST /storage/v1/b?project=sparklab-local", bucket, { "content-type": "application/json" });
});
afterAll(async () => {
  await started.close();
  rmSync(lab, { recursive: true });
});

const incoming = () => readdirSync(join(lab, "cloud", "objects", "incoming"));
const read = async (name: string) => (await client.send(`GET /storage/v1/b/data/o/${name}?alt=media`)).body;
const put = (name: string, body: Buffer | string) => client.send(`POST ${MEDIA}${name}`, body);

test("a body that comes slowly but steadily is taken, however long it takes", async () => {
  const socket = await client.connect();
  socket.write(client.head(`POST ${MEDIA}slow`, { "content-length": 40 }));
  for (let n = 0; n < 40; n++) {
    socket.write(String(n % 10));
    await pause((2 * SILENCE_MS) / 40);
  }
  expect((await readAnswer(socket)).status).toBe(200);
  socket.destroy();
  expect(await read("slow")).toBe("0123456789".repeat(4));
});

test("heads that come drop by drop are cut, others are answered meanwhile", async () => {
  const socket = await client.connect();
  const dripping = (async () => {
    for (const letter of client.head(`GET /storage/v1/b/data/o`).repeat(10)) {
      if (socket.destroyed) return;
      socket.write(letter);
      await pause(20);
    }
  })();
  expect((await client.send("GET /storage/v1/b/data/o")).status).toBe(200);
  await closed(socket);
  await dripping;
});

test("a large download waits for its slow reader, and is cut when the reader stops", async () => {
  const bytes = randomBytes(24 << 20);
  await put("large", bytes);
  const socket = await client.connect();
  socket.write(client.head("GET /storage/v1/b/data/o/large?alt=media", { connection: "close" }));
  const before = process.memoryUsage.rss();
  const hash = createHash("md5");
  let [size, bodyBegun] = [0, false];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const body = bodyBegun ? chunk : chunk.subarray(chunk.indexOf("\r\n\r\n") + 4);
    bodyBegun = true;
    hash.update(body);
    size += body.length;
    if (size % 7 === 0) await pause(5);
  }
  expect([size, hash.digest("hex")]).toEqual([bytes.length, createHash("md5").update(bytes).digest("hex")]);
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
  const stopped = await client.connect();
  stopped.pause();
  stopped.write(client.head("GET /storage/v1/b/data/o/large?alt=media", { connection: "close" }));
  // Node notices after one to two of its own intervals that what it has written does not go out.
  await pause(4 * SILENCE_MS);
  let received = 0;
  stopped.on("data", (chunk: Buffer) => (received += chunk.length));
  await closed(stopped);
  expect(received).toBeLessThan(bytes.length);
});

test.each([
  ["ends its side", (socket: Awaited<ReturnType<DoorClient["connect"]>>) => void socket.end()],
  ["resets the connection", (socket: Awaited<ReturnType<DoorClient["connect"]>>) => void socket.destroy()],
])("an upload whose client %s in the middle leaves the object as it was", async (_, goAway) => {
  await put("kept", "old");
  const socket = await client.connect();
  socket.write(client.head(`POST ${MEDIA}kept`, { "content-length": 1 << 20 }));
  socket.write(randomBytes(300_000));
  await until(() => incoming().length === 1);
  goAway(socket);
  await until(() => incoming().length === 0);
  expect(await read("kept")).toBe("old");
});

test("an upload over HTTP/2 whose stream is reset leaves the object as it was, and the connection goes on", async () => {
  await put("kept", "old");
  const { HTTPS_PROXY, NODE_EXTRA_CA_CERTS, GOOGLE_OAUTH_ACCESS_TOKEN } = clientEnvironment(lab);
  const ca = readFileSync(NODE_EXTRA_CA_CERTS!);
  const secure = await tunnel(Number(new URL(HTTPS_PROXY!).port), ca, { alpn: "h2" });
  const session = connectHttp2("https://storage.googleapis.com", { createConnection: () => secure });
  const authorization = `Bearer ${GOOGLE_OAUTH_ACCESS_TOKEN}`;
  const upload = session.request({ ":method": "POST", ":path": `${MEDIA}kept`, authorization });
  upload.on("error", () => undefined);
  upload.write(randomBytes(100_000));
  await until(() => incoming().length === 1);
  upload.close(8);
  await until(() => incoming().length === 0);
  const list = session.request({ ":path": "/storage/v1/b/data/o/kept", authorization });
  const [headers] = (await once(list, "response")) as [{ ":status": number }];
  expect(headers[":status"]).toBe(200);
  session.destroy();
  expect(await read("kept")).toBe("old");
});

test("a resumable upload whose client goes away goes on after the whole granules that arrived", async () => {
  const whole = randomBytes(3 * KB256);
  const { head } = await client.send("POST /upload/storage/v1/b/data/o?uploadType=resumable&name=resumed");
  const { pathname, search } = new URL(/location: (\S+)/i.exec(head)![1]!);
  const socket = await client.connect();
  const range = `bytes 0-${whole.length - 1}/${whole.length}`;
  socket.write(client.head(`PUT ${pathname}${search}`, { "content-length": whole.length, "content-range": range }));
  socket.write(whole.subarray(0, KB256 + 5000));
  const part = () => incoming().filter((name) => name.endsWith(".part"));
  await until(() => part().length === 1);
  socket.end();
  await closed(socket);
  const state = await client.send(`PUT ${pathname}${search}`, "", { "content-range": `bytes */${whole.length}` });
  expect(state.status).toBe(308);
  const there = Number(/range: bytes=0-(\d+)/i.exec(state.head)?.[1] ?? -1) + 1;
  expect(there % KB256).toBe(0);
  const rest = whole.subarray(there);
  const done = await client.send(`PUT ${pathname}${search}`, rest, {
    "content-range": `bytes ${there}-${whole.length - 1}/${whole.length}`,
  });
  expect(JSON.parse(done.body)).toMatchObject({ md5Hash: createHash("md5").update(whole).digest("base64") });
});
