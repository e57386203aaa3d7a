/** Objects without their media, one row per rule: what a client does, what the real service answers, the page of its documentation. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../../service";
import { type TestStorage, testStorage } from "./testing";

let s: TestStorage;
let clock = Date.parse("2026-01-01T00:00:00Z");
beforeAll(async () => {
  s = await testStorage({ now: () => new Date((clock += 1)) });
  await s.bucket("data");
  await s.bucket("versions", { versioning: { enabled: true } });
  await s.bucket("soft", { softDeletePolicy: { retentionDurationSeconds: "604800" } });
});
afterAll(() => s.close());

const O = (name: string, bucket = "data") => `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
const media = async (path: string) =>
  (await s.send("GET", `${path}${path.includes("?") ? "&" : "?"}alt=media`)).body.toString();
const items = async (query: string, bucket: string) =>
  (await s.send("GET", `/storage/v1/b/${bucket}/o?${query}`)).json.items ?? [];

const rows: [page: string, does: string, run: () => Promise<void>][] = [
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
    "Object Versioning",
    "counts generations upwards",
    async () => {
      const [first, second] = [await s.put("data", "g", "1"), await s.put("data", "g", "2")];
      expect(BigInt(second.generation)).toBeGreaterThan(BigInt(first.generation));
      expect((await s.send("GET", `${O("g")}?generation=${first.generation}`)).status).toBe(404);
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
      expect(await media(O("once"))).toBe("1");
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
      expect(await media(O("meta"))).toBe("bytes");
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
  [
    "Object Versioning",
    "keeps what is replaced or deleted, and reads, lists and deletes it by generation",
    async () => {
      const [one, two] = [await s.put("versions", "v", "1"), await s.put("versions", "v", "2")];
      const generation = one.generation;
      expect(await media(`${O("v", "versions")}?generation=${generation}`)).toBe("1");
      await s.send("DELETE", O("v", "versions"));
      expect((await s.send("GET", O("v", "versions"))).status).toBe(404);
      expect(await items("", "versions")).toHaveLength(0);
      const all = await items("versions=true", "versions");
      expect(all.map((item) => item.generation)).toEqual([one.generation, two.generation]);
      expect(all[0]).toHaveProperty("timeDeleted");
      expect((await s.send("DELETE", `${O("v", "versions")}?generation=${generation}`)).status).toBe(204);
      expect((await s.send("DELETE", `${O("v", "versions")}?generation=${generation}`)).status).toBe(404);
      expect(await items("versions=true", "versions")).toHaveLength(1);
    },
  ],
  [
    "Soft delete",
    "keeps a deleted object for the bucket's retention and restores it as a new generation",
    async () => {
      const old = await s.put("soft", "a", "old");
      await s.send("PATCH", O("a", "soft"), { body: { metadata: { k: "v" } } });
      await s.send("DELETE", O("a", "soft"));
      expect(await items("versions=true", "soft")).toHaveLength(0);
      const [deleted] = await items("softDeleted=true", "soft");
      expect(deleted).toMatchObject({
        generation: old.generation,
        softDeleteTime: expect.any(String),
        hardDeleteTime: expect.any(String),
      });
      const at = `generation=${old.generation}`;
      expect((await s.send("GET", `${O("a", "soft")}?${at}`)).status).toBe(404);
      expect((await s.send("GET", `${O("a", "soft")}?${at}&softDeleted=true`)).json).toEqual(deleted);
      expect((await s.send("GET", `${O("a", "soft")}?${at}&softDeleted=true&alt=media`)).status).toBe(400);
      const { json } = await s.send("POST", `${O("a", "soft")}/restore?${at}`);
      expect(json).toMatchObject({ metageneration: "1", metadata: { k: "v" }, contentType: "text/plain" });
      expect(Number(json.generation)).toBeGreaterThan(Number(old.generation));
      expect(json).not.toHaveProperty("softDeleteTime");
      expect(await media(O("a", "soft"))).toBe("old");
      expect((await s.send("POST", `${O("a", "soft")}/restore?generation=${json.generation}`)).status).toBe(400);
    },
  ],
  [
    "Soft delete",
    "forgets an object when its retention has passed",
    async () => {
      const { generation } = await s.put("soft", "b");
      await s.send("DELETE", O("b", "soft"));
      clock += 8 * 86400 * 1000;
      expect((await items("softDeleted=true", "soft")).filter((item) => item.name === "b")).toHaveLength(0);
      expect((await s.send("POST", `${O("b", "soft")}/restore?generation=${generation}`)).status).toBe(404);
    },
  ],
  [
    "Objects: copy",
    "copies bytes and metadata, or takes the request's metadata as a whole",
    async () => {
      await s.put("data", "src", "bytes");
      await s.send("PATCH", O("src"), { body: { metadata: { k: "v" }, cacheControl: "no-store" } });
      const copy = (to: string, body?: JsonObject) =>
        s.send("POST", `${O("src")}/copyTo/b/versions/o/${to}`, body ? { body } : {});
      expect((await copy("same")).json).toMatchObject({
        metadata: { k: "v" },
        cacheControl: "no-store",
        contentType: "text/plain",
        metageneration: "1",
        bucket: "versions",
      });
      const other = (await copy("other", { metadata: { n: "1" } })).json;
      expect(other).toMatchObject({ metadata: { n: "1" }, size: "5" });
      expect(other).not.toHaveProperty("contentType");
      await s.send("DELETE", O("src"));
      expect(await media(O("other", "versions"))).toBe("bytes");
    },
  ],
  [
    "Objects: copy",
    "holds source and destination conditions",
    async () => {
      await s.put("data", "src");
      const rewrite = (query: string) => s.send("POST", `${O("src")}/rewriteTo/b/data/o/dst?${query}`);
      expect((await rewrite("ifSourceGenerationMatch=1")).status).toBe(412);
      expect((await rewrite("ifGenerationMatch=1")).status).toBe(412);
      expect((await rewrite("ifSourceMetagenerationMatch=1&ifGenerationMatch=0")).status).toBe(200);
      expect((await s.send("POST", `${O("gone")}/rewriteTo/b/data/o/dst`)).status).toBe(404);
      expect((await s.send("POST", `${O("src")}/rewriteTo/b/nowhere/o/dst`)).status).toBe(404);
    },
  ],
  [
    "Objects: rewrite",
    "is done at once within a location and class",
    async () => {
      const { json } = await s.send(
        "POST",
        `${O("src")}/rewriteTo/b/data/o/dir%2Fdst?maxBytesRewrittenPerCall=1048576`,
      );
      expect(json).toMatchObject({
        kind: "storage#rewriteResponse",
        done: true,
        totalBytesRewritten: "7",
        objectSize: "7",
        resource: { name: "dir/dst" },
      });
    },
  ],
  [
    "Objects: rewrite",
    "goes on by a token when a limit crosses storage classes",
    async () => {
      await s.put("data", "big", Buffer.alloc(2_500_000, "x"));
      const call = (token = "") =>
        s.send("POST", `${O("big")}/rewriteTo/b/data/o/cold?maxBytesRewrittenPerCall=1048576${token}`, {
          body: { storageClass: "COLDLINE" },
        });
      const first = (await call()).json;
      expect(first).toMatchObject({
        done: false,
        totalBytesRewritten: "1048576",
        objectSize: "2500000",
        rewriteToken: expect.any(String),
      });
      expect((await s.send("GET", O("cold"))).status).toBe(404);
      const token = `&rewriteToken=${first.rewriteToken}`;
      expect((await call(token)).json).toMatchObject({ done: false, totalBytesRewritten: "2097152" });
      expect((await call(token)).json).toMatchObject({
        done: true,
        totalBytesRewritten: "2500000",
        resource: { storageClass: "COLDLINE", size: "2500000" },
      });
      expect((await call("&rewriteToken=wrong")).status).toBe(400);
      expect((await s.send("POST", `${O("big")}/rewriteTo/b/data/o/x?maxBytesRewrittenPerCall=1000`)).status).toBe(400);
    },
  ],
  [
    "Objects: move",
    "renames in one change",
    async () => {
      await s.put("data", "from", "moved");
      const { json } = await s.send("POST", `${O("from")}/moveTo/o/to`);
      expect(json).toMatchObject({ name: "to", contentType: "text/plain" });
      expect((await s.send("GET", O("from"))).status).toBe(404);
      expect(await media(O("to"))).toBe("moved");
    },
  ],
  [
    "Objects: compose",
    "concatenates, counts components, has no MD5",
    async () => {
      await Promise.all([s.put("data", "p1", "ab"), s.put("data", "p2", "cd")]);
      const body = {
        sourceObjects: [{ name: "p1" }, { name: "p2" }, { name: "p1" }],
        destination: { contentType: "text/csv" },
      };
      const { json } = await s.send("POST", `${O("whole")}/compose`, { body });
      expect(json).toMatchObject({ componentCount: 3, size: "6", contentType: "text/csv", crc32c: expect.any(String) });
      expect(json).not.toHaveProperty("md5Hash");
      expect(await media(O("whole"))).toBe("abcdab");
      const again = await s.send("POST", `${O("whole")}/compose`, {
        body: { sourceObjects: [{ name: "whole" }, { name: "p2" }] },
      });
      expect(again.json).toMatchObject({ componentCount: 4, size: "8" });
      const stale = { sourceObjects: [{ name: "p1", objectPreconditions: { ifGenerationMatch: "1" } }] };
      expect((await s.send("POST", `${O("w")}/compose`, { body: stale })).status).toBe(412);
      expect((await s.send("POST", `${O("w")}/compose`, { body: { sourceObjects: [] } })).status).toBe(400);
      expect(
        (await s.send("POST", `${O("w")}/compose`, { body: { sourceObjects: Array(33).fill({ name: "p1" }) } })).status,
      ).toBe(400);
    },
  ],
  [
    "Sending batch requests",
    "answers each call of a batch by itself",
    async () => {
      await s.put("data", "batched");
      const call = (id: number, line: string, body = "") =>
        `--b\r\nContent-Type: application/http\r\nContent-ID: <x+${id}>\r\n\r\n${line} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n${body}\r\n`;
      const body = `${call(1, `PATCH ${O("batched")}`, '{"metadata":{"a":"1"}}')}${call(2, `DELETE ${O("batched")}`)}${call(3, `GET ${O("batched")}`)}--b--`;
      const answer = await s.send("POST", "/batch/storage/v1", {
        body,
        headers: { "content-type": "multipart/mixed; boundary=b" },
      });
      const text = answer.body.toString();
      expect([...text.matchAll(/Content-ID: (.*)\r\n/g)].map(([, id]) => id)).toEqual([
        "<response-x+1>",
        "<response-x+2>",
        "<response-x+3>",
      ]);
      expect([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "204", "404"]);
      expect(text).toContain('"metadata":{"a":"1"}');
    },
  ],
];

describe("an object", () => {
  it.each(rows)("[%s] %s", (_page, _does, run) => run());
});
