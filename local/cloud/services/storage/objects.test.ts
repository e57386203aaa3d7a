/** Objects as the other services of the process use them. */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { ApiError } from "../../errors";
import { listObjects, localPath, readObject, writeObject } from "./objects";
import { type TestStorage, testStorage } from "./testing";

let s: TestStorage;
beforeAll(async () => {
  s = await testStorage();
  await s.bucket("data");
});
afterAll(() => s.close());

describe("objects in process", () => {
  it("are what clients see, and the other way round", async () => {
    const { cloud } = s.test;
    const written = await writeObject(
      cloud,
      { bucket: "data", name: "log/0", contentType: "text/plain" },
      "from inside",
    );
    expect((await s.send("GET", "/storage/v1/b/data/o/log%2F0")).json).toMatchObject({
      generation: written.generation,
      contentType: "text/plain",
      size: "11",
    });
    await s.put("data", "log/1", "from outside");
    const { stream, size } = await readObject(cloud, "data", "log/1");
    expect([await text(stream), size]).toEqual(["from outside", 12]);
    expect((await listObjects(cloud, "data", "log/")).map(({ name, size }) => [name, size])).toEqual([
      ["log/0", 11],
      ["log/1", 12],
    ]);
    expect(readFileSync(await localPath(cloud, "data", "log/1"), "utf8")).toBe("from outside");
  });

  it("are replaced as a whole by a stream", async () => {
    const { cloud } = s.test;
    const at = { bucket: "data", name: "part" };
    const first = await writeObject(cloud, at, Buffer.from("1"));
    const second = await writeObject(cloud, at, Readable.from([Buffer.from("1"), Buffer.from("2")]));
    expect(Number(second.generation)).toBeGreaterThan(Number(first.generation));
    expect(await text((await readObject(cloud, "data", "part")).stream)).toBe("12");
  });

  it("are refused in the API's words when they or their bucket do not exist", async () => {
    const { cloud } = s.test;
    const refusal = (work: Promise<unknown>) => work.catch((error: ApiError) => [error.http, error.message]);
    expect(await refusal(readObject(cloud, "data", "none"))).toEqual([404, "No such object: data/none"]);
    expect(await refusal(writeObject(cloud, { bucket: "nowhere", name: "x" }, "x"))).toEqual([
      404,
      "The specified bucket does not exist.",
    ]);
    expect(await refusal(localPath(cloud, "data", "none"))).toEqual([404, "No such object: data/none"]);
  });
});
