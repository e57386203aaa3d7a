/** What a start finds and mends: orphans, what has expired, sessions under way, a clock that was set back. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { OPERATOR } from "../../door/principals";
import type { TestCloud } from "../../testing";
import { writeObject } from "./objects";
import { type TestStorage, stop, testStorage } from "./testing";

const DAY = 86400 * 1000;
let clock: number;
let s: TestStorage;
let restarted: TestCloud | undefined;
beforeEach(async () => {
  clock = Date.parse("2026-01-01T00:00:00Z");
  restarted = undefined;
  s = await testStorage({ now: () => new Date(clock) });
  await s.bucket("data", { softDeletePolicy: { retentionDurationSeconds: "604800" } });
});
afterEach(async () => {
  if (restarted) await stop(s.server);
  await (restarted ?? s).close();
});

const restart = async () => (restarted = await s.test.restart());
const files = (part: string) =>
  readdirSync(join(s.test.cloud.folder, "objects", part), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

describe("a start", () => {
  it("goes on counting generations, also when the clock has stood still or was set back", async () => {
    const generations = [];
    for (let n = 0; n < 3; n++) generations.push((await s.put("data", "a", String(n))).generation);
    clock -= 400 * DAY;
    generations.push((await s.put("data", "a", "earlier")).generation);
    await s.send("DELETE", "/storage/v1/b/data/o/a");
    const { cloud } = await restart();
    generations.push((await writeObject(cloud, { bucket: "data", name: "a" }, "again")).generation);
    expect(generations.map(Number)).toEqual([...generations].map(Number).sort((a, b) => a - b));
    expect(new Set(generations).size).toBe(5);
  });

  it("removes files without a record and says so", async () => {
    const { generation } = await s.put("data", "a");
    const objects = join(s.test.cloud.folder, "objects");
    writeFileSync(join(objects, "incoming", "1-1.part"), "half");
    writeFileSync(join(objects, "bytes", generation.slice(-2), "1234567890123456"), "never recorded");
    const { logged } = await restart();
    expect([files("incoming"), files("bytes")]).toEqual([[], [generation]]);
    expect(logged).toContainEqual(expect.objectContaining({ level: "warn", fields: { orphans: 2 } }));
  });

  it("forgets soft-deleted objects and buckets whose retention has passed, with their bytes", async () => {
    await s.bucket("gone", { softDeletePolicy: { retentionDurationSeconds: "604800" } });
    for (const bucket of ["data", "gone"]) {
      await s.put(bucket, "a");
      await s.send("DELETE", `/storage/v1/b/${bucket}/o/a`);
    }
    await s.send("DELETE", "/storage/v1/b/gone");
    const kept = await s.put("data", "kept");
    clock += 6 * DAY;
    await restart();
    expect(files("bytes")).toHaveLength(3);
    clock += 2 * DAY;
    const { rest, cloud } = (restarted = await restarted!.restart());
    expect(files("bytes")).toEqual([kept.generation]);
    expect(
      await rest("GET https://storage.googleapis.com/storage/v1/b?project=sparklab-local&softDeleted=true"),
    ).not.toHaveProperty("items");
    expect((await cloud.store.list("storage/")).map(({ key }) => key.split("/")[1])).toEqual([
      "bucket",
      "clock",
      "live",
    ]);
  });

  it("keeps sessions that are under way and drops those that are over a week old", async () => {
    const start = async () => {
      const { headers } = await s.send("POST", "/upload/storage/v1/b/data/o?uploadType=resumable&name=r");
      const { pathname, search } = new URL(headers.location!);
      await s.send("PUT", pathname + search, {
        body: Buffer.alloc(256 * 1024),
        headers: { "content-range": "bytes 0-262143/*" },
      });
    };
    await start();
    clock += 5 * DAY;
    await start();
    expect(files("incoming")).toHaveLength(2);
    clock += 4 * DAY;
    const { cloud } = await restart();
    expect(files("incoming")).toHaveLength(1);
    expect(await cloud.store.list("storage/upload/")).toHaveLength(1);
  });

  it("finds the policy and the objects of its buckets as they were", async () => {
    const object = await s.put("data", "a", "content");
    const { rest } = await restart();
    expect(await rest("GET https://storage.googleapis.com/storage/v1/b/data/o/a", undefined, OPERATOR)).toEqual(object);
    expect(await rest("GET https://storage.googleapis.com/storage/v1/b/data/iam")).toMatchObject({
      bindings: expect.anything(),
    });
  });
});
