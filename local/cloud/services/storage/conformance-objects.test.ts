/** Objects without their media, one row per rule: what a client does, what the real service answers, the page of its documentation. */
import { expect } from "@jest/globals";
import { Conformance, O, type Row } from "./conformance-testing";

const s = Conformance.keeping();

const rows: Row[] = [
  [
    "Objects",
    "answers the whole resource",
    async () => {
      const object = await s.put("data", "dir/ä b.txt", "hello");
      expect(object).toEqual({
        kind: "storage#object",
        id: `data/dir/ä b.txt/${object.generation}`,
        name: "dir/ä b.txt",
        bucket: "data",
        generation: expect.stringMatching(/^\d{16}$/),
        metageneration: "1",
        contentType: "text/plain",
        storageClass: "STANDARD",
        size: "5",
        md5Hash: "XUFAKrxLKna5cZ2REBfFkg==",
        crc32c: "mnG7TA==",
        etag: expect.stringMatching(/^C.*EAE=$/),
        selfLink: "https://www.googleapis.com/storage/v1/b/data/o/dir%2F%C3%A4%20b.txt",
        mediaLink: `https://storage.googleapis.com/download/storage/v1/b/data/o/dir%2F%C3%A4%20b.txt?generation=${object.generation}&alt=media`,
        ...Object.fromEntries(
          ["timeCreated", "updated", "timeStorageClassUpdated", "timeFinalized"].map((key) => [
            key,
            expect.any(String),
          ]),
        ),
      });
      expect((await s.send("GET", O("dir/ä b.txt"))).json).toEqual(object);
    },
  ],
  [
    "Objects: get",
    "answers 404 to an object and to a bucket that do not exist",
    async () => {
      expect(await s.send("GET", O("none"))).toMatchObject({
        status: 404,
        reason: "notFound",
        json: { error: { message: "No such object: data/none" } },
      });
      expect(await s.send("GET", O("x", "nowhere"))).toMatchObject({
        status: 404,
        json: { error: { message: "The specified bucket does not exist." } },
      });
    },
  ],
  [
    "Object names",
    "refuses names that are too long, have line feeds, or are dots",
    async () => {
      for (const name of ["x".repeat(1025), "a\nb", "a\rb", ".", "..", ".well-known/acme-challenge/x"]) {
        const path = `/upload/storage/v1/b/data/o?uploadType=media&name=${encodeURIComponent(name)}`;
        expect(await s.send("POST", path, { body: "x" })).toMatchObject({ status: 400, reason: "invalid" });
      }
      expect((await s.put("data", "ü".repeat(512))).size).toBe("7");
    },
  ],
  [
    "Request preconditions",
    "creates only if absent with ifGenerationMatch=0",
    async () => {
      expect((await s.put("data", "once", "1", "&ifGenerationMatch=0")).generation).toBeDefined();
      const again = await s.send("POST", "/upload/storage/v1/b/data/o?uploadType=media&name=once&ifGenerationMatch=0", {
        body: "2",
      });
      expect(again).toMatchObject({ status: 412, reason: "conditionNotMet" });
      expect(await s.media(O("once"))).toBe("1");
    },
  ],
  [
    "Request preconditions",
    "holds each condition on reads and writes",
    async () => {
      const { generation } = await s.put("data", "cond", "1");
      const table: [verb: string, condition: string, status: number][] = [
        ["GET", `ifGenerationMatch=${generation}`, 200],
        ["GET", "ifGenerationMatch=1", 412],
        ["GET", `ifGenerationNotMatch=${generation}`, 304],
        ["GET", "ifGenerationNotMatch=1", 200],
        ["GET", "ifMetagenerationMatch=1", 200],
        ["GET", "ifMetagenerationMatch=2", 412],
        ["GET", "ifMetagenerationNotMatch=1", 304],
        ["GET", "ifGenerationNotMatch=0", 200],
        ["PATCH", "ifMetagenerationMatch=7", 412],
        ["PATCH", `ifGenerationNotMatch=${generation}`, 412],
        ["DELETE", "ifGenerationMatch=1", 412],
        ["DELETE", "ifMetagenerationMatch=x", 400],
      ];
      for (const [verb, condition, status] of table)
        expect([
          condition,
          verb,
          (await s.send(verb, `${O("cond")}?${condition}`, verb === "PATCH" ? { body: {} } : {})).status,
        ]).toEqual([condition, verb, status]);
      const missing = await s.send(
        "POST",
        "/upload/storage/v1/b/data/o?uploadType=media&name=new&ifGenerationNotMatch=0",
        { body: "" },
      );
      expect(missing.status).toBe(412);
    },
  ],
  [
    "Hashes and ETags",
    "answers 304 and 412 by entity tags",
    async () => {
      const { etag } = await s.put("data", "tag");
      const get = (headers: Record<string, string>) => s.send("GET", O("tag"), { headers });
      expect((await get({ "if-none-match": etag })).status).toBe(304);
      expect((await get({ "if-match": '"other"' })).status).toBe(412);
      expect((await get({ "if-match": etag, "if-none-match": "other" })).status).toBe(200);
    },
  ],
  [
    "Objects: patch",
    "merges metadata and keeps the bytes",
    async () => {
      const object = await s.put("data", "meta", "bytes");
      const patched = await s.send("PATCH", O("meta"), {
        body: { metadata: { a: "1", b: "2" }, cacheControl: "no-store" },
      });
      expect(patched.json).toMatchObject({
        metadata: { a: "1", b: "2" },
        cacheControl: "no-store",
        metageneration: "2",
        generation: object.generation,
      });
      expect(patched.json.etag).not.toBe(object.etag);
      const again = await s.send("PATCH", O("meta"), {
        body: { metadata: { a: null }, cacheControl: null, contentType: "text/csv" },
      });
      expect(again.json).toMatchObject({ metadata: { b: "2" }, contentType: "text/csv", metageneration: "3" });
      expect(again.json).not.toHaveProperty("cacheControl");
      expect(again.json.metadata).toEqual({ b: "2" });
      expect(await s.media(O("meta"))).toBe("bytes");
    },
  ],
  [
    "Objects: update",
    "replaces all metadata",
    async () => {
      const { json } = await s.send("PUT", O("meta"), { body: { metadata: { c: "3" }, size: "99", generation: "1" } });
      expect(json).toMatchObject({ metadata: { c: "3" }, size: "5", metageneration: "4" });
      expect(json).not.toHaveProperty("contentType");
    },
  ],
  [
    "Custom time",
    "never goes back",
    async () => {
      const patch = (customTime: string | null) => s.send("PATCH", O("meta"), { body: { customTime } });
      expect((await patch("2026-05-01T00:00:00Z")).json.customTime).toBe("2026-05-01T00:00:00Z");
      expect((await patch("2026-04-01T00:00:00Z")).status).toBe(400);
      expect((await patch(null)).status).toBe(400);
      expect((await patch("yesterday")).status).toBe(400);
    },
  ],
  [
    "Object holds",
    "protects a held object",
    async () => {
      await s.put("data", "held", "1");
      await s.send("PATCH", O("held"), { body: { temporaryHold: true } });
      expect(await s.send("DELETE", O("held"))).toMatchObject({ status: 403, reason: "objectUnderActiveHold" });
      expect(
        (await s.send("POST", "/upload/storage/v1/b/data/o?uploadType=media&name=held", { body: "2" })).status,
      ).toBe(403);
      await s.send("PATCH", O("held"), { body: { temporaryHold: false } });
      expect((await s.send("DELETE", O("held"))).status).toBe(204);
    },
  ],
];

s.check("an object", rows);
