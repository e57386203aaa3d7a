/** What makes objects of objects, and batches of calls, one row per rule: what the real service answers, the page of its documentation. */
import { expect } from "@jest/globals";
import type { JsonObject } from "../../service";
import { Conformance, O, type Row } from "./conformance-testing";

const s = Conformance.keeping();

const rows: Row[] = [
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
      expect(await s.media(O("other", "versions"))).toBe("bytes");
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
      expect(await s.media(O("to"))).toBe("moved");
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
      expect(await s.media(O("whole"))).toBe("abcdab");
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

s.check("an object made of objects", rows);
