/** Uploads and downloads, one row per rule: what a client does, what the real service answers, the page of its documentation. */
import { gunzipSync, gzipSync } from "node:zlib";
import { expect } from "@jest/globals";
import type { JsonObject } from "../../service";
import { Conformance, O, type Row } from "./conformance-testing";
import { multipart, type Send } from "./testing";

const s = Conformance.withTen();

const rows: Row[] = [
  [
    "Objects: insert",
    "takes media, metadata with media, and nothing else",
    async () => {
      expect(
        (await s.upload("uploadType=media&name=m", { body: "x", headers: { "content-type": "text/csv" } })).json,
      ).toMatchObject({ contentType: "text/csv", size: "1" });
      const sent = multipart(
        { name: "mp", metadata: { a: "1" }, cacheControl: "no-cache" },
        "\r\n--front\r\nbinary\0",
        "image/png",
      );
      const { json } = await s.upload("uploadType=multipart", sent);
      expect(json).toMatchObject({
        name: "mp",
        metadata: { a: "1" },
        cacheControl: "no-cache",
        contentType: "image/png",
        size: "18",
      });
      expect((await s.get(`${O("mp")}?alt=media`)).body.toString()).toBe("\r\n--front\r\nbinary\0");
      expect((await s.upload("uploadType=other&name=x", { body: "x" })).status).toBe(400);
      expect((await s.upload("uploadType=media", { body: "x" })).status).toBe(400);
      expect(
        (await s.send("POST", "/upload/storage/v1/b/nowhere/o?uploadType=media&name=x", { body: "x" })).status,
      ).toBe(404);
    },
  ],
  [
    "Objects: insert",
    "takes an empty object and gives it the sums of nothing",
    async () => {
      expect((await s.upload("uploadType=media&name=empty", { body: "" })).json).toMatchObject({
        size: "0",
        md5Hash: "1B2M2Y8AsgTpgAmY7PhCfg==",
        crc32c: "AAAAAA==",
      });
      expect(await s.get(`${O("empty")}?alt=media`)).toMatchObject({ status: 200, body: Buffer.alloc(0) });
      expect((await s.upload("uploadType=multipart&name=empty", multipart({}, ""))).json).toMatchObject({ size: "0" });
    },
  ],
  [
    "Objects: insert",
    "refuses broken multipart bodies and leaves nothing behind",
    async () => {
      const good = multipart({ name: "bad" }, "media");
      const cases: Send[] = [
        { ...good, headers: { "content-type": "multipart/related" } },
        { ...good, headers: { "content-type": "text/plain" } },
        { headers: good.headers, body: "--frontier\r\nContent-Type: application/json\r\n\r\n{}\r\n--frontier--" },
        { headers: good.headers, body: (good.body as Buffer).toString().replace('{"name"', '{"name') },
        { headers: good.headers, body: (good.body as Buffer).subarray(0, -14) },
        {
          headers: good.headers,
          body: (good.body as Buffer).toString().replace(/--$/, "\r\n\r\nthird\r\n--frontier--"),
        },
      ];
      for (const send of cases) expect((await s.upload("uploadType=multipart", send)).status).toBe(400);
      expect((await s.get(O("bad"))).status).toBe(404);
      expect(s.leftovers()).toEqual([]);
    },
  ],
  [
    "Data validation and change detection",
    "refuses bytes that are not what the client promised",
    async () => {
      const wrong = { md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" };
      expect(await s.upload("uploadType=multipart&name=sum", multipart(wrong, "x"))).toMatchObject({
        status: 400,
        reason: "invalid",
      });
      expect((await s.upload("uploadType=multipart&name=sum", multipart({ crc32c: "AAAAAA==" }, "x"))).status).toBe(
        400,
      );
      expect(
        (await s.upload("uploadType=media&name=sum", { body: "x", headers: { "x-goog-hash": "crc32c=AAAAAA==" } }))
          .status,
      ).toBe(400);
      expect((await s.get(O("sum"))).status).toBe(404);
      expect(s.leftovers()).toEqual([]);
      expect(
        (
          await s.upload(
            "uploadType=multipart&name=sum",
            multipart({ md5Hash: "XUFAKrxLKna5cZ2REBfFkg==", crc32c: "mnG7TA==" }, "hello"),
          )
        ).status,
      ).toBe(200);
    },
  ],
  [
    "Downloading objects",
    "answers media with the object's headers on both paths and by the XML API",
    async () => {
      await s.send("PATCH", O("ten"), { body: { contentDisposition: "inline", metadata: { k: "v" } } });
      const { json: object } = await s.get(O("ten"));
      for (const path of [`${O("ten")}?alt=media`, "/download/storage/v1/b/data/o/ten?alt=media", "/data/ten"]) {
        const answer = await s.get(path);
        expect([path, answer.status, answer.body.toString()]).toEqual([path, 200, "0123456789"]);
        expect(answer.headers).toMatchObject({
          "content-type": "text/plain",
          "content-length": "10",
          "content-disposition": "inline",
          "accept-ranges": "bytes",
          etag: object.etag,
          "x-goog-generation": object.generation,
          "x-goog-metageneration": "2",
          "x-goog-storage-class": "STANDARD",
          "x-goog-hash": `crc32c=${object.crc32c},md5=${object.md5Hash}`,
          "x-goog-stored-content-length": "10",
          "x-goog-stored-content-encoding": "identity",
        });
        const head = await s.send("HEAD", path);
        expect([head.status, head.headers["content-length"], head.body.length]).toEqual([200, "10", 0]);
      }
      expect((await s.get("/data/ten")).headers["x-goog-meta-k"]).toBe("v");
    },
  ],
  [
    "HTTP status and error codes for XML",
    "answers in XML on the XML API's paths",
    async () => {
      const missing = await s.get("/data/none");
      expect([missing.status, missing.headers["content-type"]]).toEqual([404, "application/xml; charset=UTF-8"]);
      expect(missing.body.toString()).toContain("<Code>NoSuchKey</Code>");
      expect((await s.get("/nowhere/none")).body.toString()).toContain("<Code>NoSuchBucket</Code>");
      expect((await s.send("PUT", "/data/none", { body: "x" })).status).toBe(501);
    },
  ],
  ...(
    [
      ["bytes=2-4", 206, "234", "bytes 2-4/10"],
      ["bytes=7-", 206, "789", "bytes 7-9/10"],
      ["bytes=-3", 206, "789", "bytes 7-9/10"],
      ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
      ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
      ["bytes=0-0", 206, "0", "bytes 0-0/10"],
      ["bytes=10-", 416, undefined, undefined],
      ["bytes=-0", 416, undefined, undefined],
      ["bytes=4-2", 200, "0123456789", undefined],
      ["bytes=0-1,3-4", 200, "0123456789", undefined],
      ["lines=1-2", 200, "0123456789", undefined],
    ] as const
  ).map(([range, status, body, contentRange]): (typeof rows)[number] => [
    "Range",
    `answers ${range} with ${status}`,
    async () => {
      const answer = await s.get(`${O("ten")}?alt=media`, { range });
      expect([answer.status, answer.headers["content-range"]]).toEqual([status, contentRange]);
      if (body !== undefined) expect(answer.body.toString()).toBe(body);
    },
  ]),
  [
    "Transcoding of gzip-compressed files",
    "decompresses for clients that do not take gzip, serves the stored bytes to those that do",
    async () => {
      const stored = gzipSync("plain text");
      await s.upload("uploadType=multipart&name=gz&contentEncoding=gzip", multipart({}, stored));
      const plain = await s.get(`${O("gz")}?alt=media`, { range: "bytes=0-3" });
      expect([
        plain.status,
        plain.body.toString(),
        plain.headers["content-encoding"],
        plain.headers["content-length"],
      ]).toEqual([200, "plain text", undefined, undefined]);
      expect(plain.headers).toMatchObject({
        "x-goog-stored-content-encoding": "gzip",
        "x-goog-stored-content-length": String(stored.length),
      });
      const raw = await s.get(`${O("gz")}?alt=media`, { "accept-encoding": "gzip" });
      expect(raw.headers["content-encoding"]).toBe("gzip");
      expect(gunzipSync(raw.body).toString()).toBe("plain text");
      await s.send("PATCH", O("gz"), { body: { cacheControl: "no-transform" } });
      expect((await s.get(`${O("gz")}?alt=media`)).body).toEqual(stored);
    },
  ],
  [
    "Transcoding of gzip-compressed files",
    "takes Content-Encoding: gzip of a request as an encoding of the transport",
    async () => {
      const { json } = await s.upload("uploadType=media&name=sent", {
        body: gzipSync("hello"),
        headers: { "content-encoding": "gzip" },
      });
      expect(json).toMatchObject({ size: "5", md5Hash: "XUFAKrxLKna5cZ2REBfFkg==" });
      expect(json).not.toHaveProperty("contentEncoding");
    },
  ],
  [
    "Objects: get",
    "reads media under conditions",
    async () => {
      const { json } = await s.get(O("ten"));
      expect((await s.get(`${O("ten")}?alt=media&ifGenerationMatch=1`)).status).toBe(412);
      const same = await s.get(`/download/storage/v1/b/data/o/ten?alt=media&ifGenerationNotMatch=${json.generation}`);
      expect([same.status, same.body.length]).toEqual([304, 0]);
      expect((await s.get("/data/ten", { "x-goog-if-generation-match": "1" })).status).toBe(412);
    },
  ],
  [
    "Partial responses",
    "answers only the fields that are asked for",
    async () => {
      const sent: JsonObject = (await s.upload("uploadType=media&name=partial&fields=name,size", { body: "x" })).json;
      expect(sent).toEqual({ name: "partial", size: "1" });
    },
  ],
];

s.check("media", rows);
