/** Uploads in sessions, one row per rule: what a client does, what the real service answers, the page of its documentation. */
import { expect } from "@jest/globals";
import { Conformance, DAY, O, type Row } from "./conformance-testing";
import type { Send } from "./testing";

const s = Conformance.withTen();
const KIB256 = 256 * 1024;

/** Starts a session and answers its path on this server. */
async function session(name: string, send: Send = {}): Promise<string> {
  const started = await s.upload(`uploadType=resumable&name=${name}`, send);
  expect(started).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  const location = new URL(started.headers.location!);
  expect(location.origin).toBe("https://storage.googleapis.com");
  return location.pathname + location.search;
}
const chunk = (
  path: string,
  range: string | undefined,
  body: Buffer | string = "",
  headers: Record<string, string> = {},
) => s.send("PUT", path, { body, headers: { ...(range ? { "content-range": range } : {}), ...headers } });

const rows: Row[] = [
  [
    "Perform resumable uploads",
    "takes an object in one request",
    async () => {
      const path = await session("r1", {
        body: { metadata: { a: "1" } },
        headers: { "x-upload-content-type": "text/x", "x-upload-content-length": "5" },
      });
      const done = await chunk(path, undefined, "hello");
      expect(done).toMatchObject({
        status: 200,
        json: {
          name: "r1",
          size: "5",
          contentType: "text/x",
          metadata: { a: "1" },
          md5Hash: "XUFAKrxLKna5cZ2REBfFkg==",
        },
      });
      expect((await chunk(path, "bytes */*")).json).toEqual(done.json);
      expect((await chunk(path, "bytes 0-4/5", "hello")).json).toEqual(done.json);
    },
  ],
  [
    "Perform resumable uploads",
    "takes chunks, tells how far it got, finishes with the last one",
    async () => {
      const whole = Buffer.alloc(KIB256 * 2 + 7, "c");
      const path = await session("r2");
      expect(await chunk(path, "bytes */*")).toMatchObject({
        status: 308,
        headers: expect.not.objectContaining({ range: expect.anything() }),
      });
      expect(await chunk(path, `bytes 0-${KIB256 - 1}/*`, whole.subarray(0, KIB256))).toMatchObject({
        status: 308,
        headers: { range: `bytes=0-${KIB256 - 1}` },
      });
      expect(await chunk(path, "bytes */*")).toMatchObject({
        status: 308,
        headers: { range: `bytes=0-${KIB256 - 1}` },
      });
      expect((await s.get(O("r2"))).status).toBe(404);
      expect(
        (await chunk(path, `bytes ${KIB256}-${2 * KIB256 - 1}/${whole.length}`, whole.subarray(KIB256, 2 * KIB256)))
          .status,
      ).toBe(308);
      const done = await chunk(
        path,
        `bytes ${2 * KIB256}-${whole.length - 1}/${whole.length}`,
        whole.subarray(2 * KIB256),
      );
      expect(done).toMatchObject({ status: 200, json: { size: String(whole.length) } });
      expect((await s.get(`${O("r2")}?alt=media`)).body).toEqual(whole);
    },
  ],
  [
    "Perform resumable uploads",
    "keeps whole multiples of 256 KiB, passes over bytes that it has, refuses a gap",
    async () => {
      const whole = Buffer.alloc(KIB256 + 1000, "k");
      const path = await session("r3");
      expect(await chunk(path, `bytes 0-${KIB256 + 499}/*`, whole.subarray(0, KIB256 + 500))).toMatchObject({
        status: 308,
        headers: { range: `bytes=0-${KIB256 - 1}` },
      });
      expect(
        (await chunk(path, `bytes ${KIB256 + 500}-${whole.length - 1}/${whole.length}`, whole.subarray(KIB256 + 500)))
          .status,
      ).toBe(503);
      expect(await chunk(path, `bytes 100-${whole.length - 1}/${whole.length}`, whole.subarray(100))).toMatchObject({
        status: 200,
        json: { size: String(whole.length) },
      });
      expect((await s.get(`${O("r3")}?alt=media`)).body).toEqual(whole);
    },
  ],
  [
    "Perform resumable uploads",
    "refuses a chunk whose length is not what its range says, or that changes the total",
    async () => {
      const path = await session("r4", { headers: { "x-upload-content-length": "10" } });
      expect((await chunk(path, "bytes 0-9/10", "123")).status).toBe(400);
      expect((await chunk(path, "bytes 0-4/5", "12345")).status).toBe(400);
      expect((await chunk(path, "nonsense", "12345")).status).toBe(400);
      expect((await chunk(path, "bytes 0-9/10", "1234567890")).status).toBe(200);
    },
  ],
  [
    "Perform resumable uploads",
    "finishes an upload of unknown length and an empty one",
    async () => {
      expect((await chunk(await session("r5"), "bytes 0-*/*", "12345")).json).toMatchObject({ size: "5" });
      expect((await chunk(await session("r6"), "bytes */0")).json).toMatchObject({ size: "0" });
      expect((await chunk(await session("r7"), undefined)).json).toMatchObject({ size: "0" });
    },
  ],
  [
    "Resumable uploads",
    "checks sums at the end and forgets a refused upload",
    async () => {
      const path = await session("r8", { body: { crc32c: "AAAAAA==" } });
      expect((await chunk(path, undefined, "x")).status).toBe(400);
      expect((await chunk(path, "bytes */*")).status).toBe(404);
      const other = await session("r8");
      expect((await chunk(other, undefined, "x", { "x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA==" })).status).toBe(400);
      expect(s.leftovers()).toEqual([]);
    },
  ],
  [
    "Resumable uploads",
    "holds the conditions of the start when the object becomes live",
    async () => {
      const started = await s.upload("uploadType=resumable&name=r9&ifGenerationMatch=0", {});
      await s.put("data", "r9", "first");
      const location = new URL(started.headers.location!);
      expect(await chunk(location.pathname + location.search, undefined, "second")).toMatchObject({
        status: 412,
        reason: "conditionNotMet",
      });
      expect((await s.upload("uploadType=resumable&name=r9&ifGenerationMatch=0", {})).status).toBe(412);
    },
  ],
  [
    "Perform resumable uploads",
    "cancels with 499",
    async () => {
      const path = await session("r10");
      await chunk(path, `bytes 0-${KIB256 - 1}/*`, Buffer.alloc(KIB256));
      expect(s.leftovers()).toHaveLength(1);
      expect((await s.send("DELETE", path)).status).toBe(499);
      expect((await chunk(path, "bytes */*")).status).toBe(404);
      expect(s.leftovers()).toEqual([]);
    },
  ],
  [
    "Resumable uploads",
    "answers 200 with an override to clients that cannot read 308",
    async () => {
      const answer = await chunk(await session("r11"), "bytes */*", "", { "x-guploader-no-308": "yes" });
      expect([answer.status, answer.headers["x-http-status-code-override"]]).toEqual([200, "308"]);
    },
  ],
  [
    "Resumable uploads",
    "ends a session after a week",
    async () => {
      const path = await session("r12");
      s.pass(8 * DAY);
      expect(await chunk(path, undefined, "late")).toMatchObject({ status: 410, reason: "gone" });
    },
  ],
];

s.check("an upload in a session", rows);
