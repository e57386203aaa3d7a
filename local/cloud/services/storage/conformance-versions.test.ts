/** What is kept of objects that are replaced or deleted, one row per rule: what the real service answers, the page of its documentation. */
import { expect } from "@jest/globals";
import { Conformance, DAY, O, type Row } from "./conformance-testing";

const s = Conformance.keeping();
const items = async (query: string, bucket: string) =>
  (await s.send("GET", `/storage/v1/b/${bucket}/o?${query}`)).json.items ?? [];

const rows: Row[] = [
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
    "Object Versioning",
    "keeps what is replaced or deleted, and reads, lists and deletes it by generation",
    async () => {
      const [one, two] = [await s.put("versions", "v", "1"), await s.put("versions", "v", "2")];
      const generation = one.generation;
      expect(await s.media(`${O("v", "versions")}?generation=${generation}`)).toBe("1");
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
      expect(await s.media(O("a", "soft"))).toBe("old");
      expect((await s.send("POST", `${O("a", "soft")}/restore?generation=${json.generation}`)).status).toBe(400);
    },
  ],
  [
    "Soft delete",
    "forgets an object when its retention has passed",
    async () => {
      const { generation } = await s.put("soft", "b");
      await s.send("DELETE", O("b", "soft"));
      s.pass(8 * DAY);
      expect((await items("softDeleted=true", "soft")).filter((item) => item.name === "b")).toHaveLength(0);
      expect((await s.send("POST", `${O("b", "soft")}/restore?generation=${generation}`)).status).toBe(404);
    },
  ],
];

s.check("an object that was", rows);
