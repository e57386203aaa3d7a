/** A clock that jumps, and a lab that is left alone for longer than its certificates and tokens last. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { readTools } from "../../engines/tools";
import { cloudFiles } from "../door/client-environment";
import { keepOperatorCredentials } from "../door/principals-operator";
import { openTokens } from "../door/tokens";
import type { StartedCloud } from "../main";
import { startTestCloud } from "../main-testing";
import { DoorClient } from "./door-client";

jest.setTimeout(60_000);
const DAY = 24 * 3600 * 1000;
let lab: string;
let started: StartedCloud;
let client: DoorClient;
/** How far the cloud's clock is from the clients'. */
let ahead = 0;

beforeEach(() => {
  lab = mkdtempSync(join(tmpdir(), "sparklab-clock-"));
  client = new DoorClient(lab);
});
afterEach(async () => {
  await started.close();
  rmSync(lab, { recursive: true });
});
const start = async (days: number) => {
  ahead = days * DAY;
  started = await startTestCloud(lab, readTools().descriptions, () => new Date(Date.now() + ahead));
};
const LIST = "GET /storage/v1/b?project=sparklab-local";
const status = async () => (await client.send(LIST)).status;

test("a client that stays connected for a month goes on", async () => {
  await start(-31);
  ahead = 0;
  const connected = await client.connect();
  expect((await client.ask(connected, LIST)).status).toBe(200);
  ahead = 31 * DAY;
  expect((await client.ask(connected, LIST)).status).toBe(200);
  connected.destroy();
});

test("a lab that was begun a month ago shows clients of today a good certificate", async () => {
  await start(-31);
  ahead = 0;
  expect(await status()).toBe(200);
});

test("a clock that is set back makes no certificate begin in the future, in the running cloud and in the next", async () => {
  await start(3);
  ahead = 0;
  expect(await status()).toBe(200);
  await started.close();
  await start(0);
  expect(await status()).toBe(200);
});

test("a CA that ends soon is made anew at a start, and clients that read it again are served", async () => {
  await start(-3640);
  const before = readFileSync(cloudFiles(lab).caCertificate, "utf8");
  await started.close();
  await start(0);
  expect(readFileSync(cloudFiles(lab).caCertificate, "utf8")).not.toBe(before);
  expect(await status()).toBe(200);
});

test("an upload's session lives when the clock goes back, and ends after a week of the cloud's clock", async () => {
  await start(0);
  await client.send("POST /storage/v1/b?project=sparklab-local", JSON.stringify({ name: "data" }), {
    "content-type": "application/json",
  });
  const { head } = await client.send("POST /upload/storage/v1/b/data/o?uploadType=resumable&name=a");
  const { pathname, search } = new URL(/location: (\S+)/i.exec(head)![1]!);
  const ask = async () => (await client.send(`PUT ${pathname}${search}`, "", { "content-range": "bytes */*" })).status;
  // Connections were made before the jump or are the cloud's own: certificates are the subject of other tests.
  ahead = -2 * DAY;
  expect(await ask()).toBe(308);
  ahead = 0;
  expect(await ask()).toBe(308);
  ahead = 8 * DAY;
  expect(await ask()).toBe(410);
});

test("objects that are written after the clock was set back are newer than those before", async () => {
  await start(0);
  await client.send("POST /storage/v1/b?project=sparklab-local", JSON.stringify({ name: "data" }), {
    "content-type": "application/json",
  });
  const put = async () => {
    const { body } = await client.send("POST /upload/storage/v1/b/data/o?uploadType=media&name=a", "x");
    return BigInt((JSON.parse(body) as { generation: string }).generation);
  };
  const first = await put();
  ahead = -10 * 3600 * 1000;
  expect((await put()) > first).toBe(true);
});

test("the operator's token is renewed while the cloud runs", async () => {
  await start(0);
  const files = cloudFiles(lab);
  const before = readFileSync(files.operatorToken, "utf8");
  const now = () => new Date(Date.now() + 70 * DAY);
  const tokens = await openTokens({ folder: files.credentials, now });
  const errors: object[] = [];
  const log = { error: (fields: object) => void errors.push(fields) };
  const leave = keepOperatorCredentials({ files, tokens, project: "sparklab-local", now, log }, 10);
  while (readFileSync(files.operatorToken, "utf8") === before) await new Promise((later) => setImmediate(later));
  await leave();
  expect(errors).toEqual([]);
  ahead = 100 * DAY;
  expect(tokens.readAccess(readFileSync(files.operatorToken, "utf8").trim()).expiresAt * 1000).toBeGreaterThan(
    Date.now() + ahead,
  );
});
