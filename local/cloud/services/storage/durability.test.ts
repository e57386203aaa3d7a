/** What stands after kill -9 and on a full disk: every answered change, no other, and no file without a record. */
import fs, { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createHash, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { ProxyAgent, request } from "undici";
import { readTools } from "../../../engines/tools";
import { type Lab, startLab } from "./clients/lab";
import type { Generation } from "./resources";
import { testStorage } from "./testing";

const KIB256 = 256 * 1024;
const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("base64");

describe("after kill -9", () => {
  let folder: string;
  let lab: Lab;
  let agent: ProxyAgent;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "storage-kill-"));
    await start();
    await send(
      "POST",
      "/storage/v1/b?project=sparklab-local",
      JSON.stringify({ name: "data", location: "us-central1", softDeletePolicy: { retentionDurationSeconds: "0" } }),
      { "content-type": "application/json" },
    );
  }, 60_000);
  afterEach(async () => {
    await stop("SIGTERM");
    rmSync(folder, { recursive: true });
  });

  async function start() {
    lab = await startLab(folder, readTools().descriptions);
    agent = new ProxyAgent({
      uri: lab.environment.HTTPS_PROXY!,
      requestTls: { ca: readFileSync(lab.environment.NODE_EXTRA_CA_CERTS!) },
    });
  }
  async function stop(signal: NodeJS.Signals) {
    await lab.kill(signal);
    await agent.destroy();
  }
  async function restart() {
    await stop("SIGKILL");
    await start();
  }
  async function send(
    verb: string,
    path: string,
    body?: Buffer | string | Readable,
    headers: Record<string, string> = {},
  ) {
    const authorization = `Bearer ${lab.environment.GOOGLE_OAUTH_ACCESS_TOKEN}`;
    const answer = await request(`https://storage.googleapis.com${path}`, {
      dispatcher: agent,
      method: verb as "GET",
      body,
      headers: { authorization, ...headers },
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return {
      status: answer.statusCode,
      headers: answer.headers,
      bytes,
      json: () => JSON.parse(bytes.toString()) as Generation,
    };
  }
  const files = (part: "incoming" | "bytes") => {
    const top = join(folder, "cloud", "objects", part);
    return existsSync(top)
      ? readdirSync(top, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => name)
      : [];
  };
  const listed = async () => ((await send("GET", "/storage/v1/b/data/o")).json().items ?? []) as Generation[];

  it("a resumable upload goes on where it was", async () => {
    const whole = randomBytes(3 * KIB256 + 99);
    const started = await send("POST", "/upload/storage/v1/b/data/o?uploadType=resumable&name=big", "");
    const { pathname, search } = new URL(String(started.headers.location));
    const put = (range: string, body: Buffer | string = "") =>
      send("PUT", pathname + search, body, { "content-range": range });
    expect((await put(`bytes 0-${2 * KIB256 - 1}/${whole.length}`, whole.subarray(0, 2 * KIB256))).status).toBe(308);
    await restart();
    const state = await put(`bytes */${whole.length}`);
    expect([state.status, state.headers.range]).toEqual([308, `bytes=0-${2 * KIB256 - 1}`]);
    const done = await put(`bytes ${2 * KIB256}-${whole.length - 1}/${whole.length}`, whole.subarray(2 * KIB256));
    expect([done.status, done.json().md5Hash]).toEqual([200, md5(whole)]);
    await restart();
    expect((await put("bytes */*")).json()).toEqual(done.json());
    expect((await send("GET", "/storage/v1/b/data/o/big?alt=media")).bytes).toEqual(whole);
    expect([files("incoming"), files("bytes").length]).toEqual([[], 1]);
  }, 60_000);

  it("an upload that was not finished is not there, and what it would have replaced still is", async () => {
    await send("POST", "/upload/storage/v1/b/data/o?uploadType=media&name=a", "old");
    const half = new Readable({ read: () => undefined });
    half.push(randomBytes(1 << 20));
    const upload = send("POST", "/upload/storage/v1/b/data/o?uploadType=media&name=a", half).then(
      () => "answered",
      () => "cut",
    );
    await waitFor(() => files("incoming").length === 1);
    await restart();
    half.destroy();
    expect(await upload).toBe("cut");
    expect((await send("GET", "/storage/v1/b/data/o/a?alt=media")).bytes.toString()).toBe("old");
    expect([files("incoming"), files("bytes").length]).toEqual([[], 1]);
  }, 60_000);

  it("every answered write is whole and nothing else is left, whenever the kill comes", async () => {
    const answered = new Map<string, string>();
    for (let round = 0; round < 3; round++) {
      let going = true;
      const writers = [0, 1, 2, 3].map(async (writer) => {
        for (let n = 0; going; n++) {
          const body = randomBytes(5000 + n);
          const name = `w${writer}-${n % 3}`;
          const answer = await send("POST", `/upload/storage/v1/b/data/o?uploadType=media&name=${name}`, body).catch(
            () => undefined,
          );
          if (answer?.status === 200) answered.set(name, answer.json().generation);
        }
      });
      const before = answered.size;
      await waitFor(() => answered.size > before || answered.size === 12);
      const kill = stop("SIGKILL");
      going = false;
      await Promise.all([kill, ...writers]);
      await start();
      const objects = await listed();
      expect(files("incoming")).toEqual([]);
      expect(files("bytes").sort()).toEqual(objects.map(({ generation }) => generation).sort());
      for (const { name, md5Hash, generation } of objects) {
        expect(md5((await send("GET", `/storage/v1/b/data/o/${name}?alt=media`)).bytes)).toBe(md5Hash);
        // What was answered last is there, or a later write whose answer was lost.
        expect(Number(generation)).toBeGreaterThanOrEqual(Number(answered.get(name) ?? 0));
      }
      expect(objects.map(({ name }) => name)).toEqual(expect.arrayContaining([...answered.keys()]));
    }
  }, 120_000);
});

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("waited 20 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("on a full disk", () => {
  afterEach(() => void jest.restoreAllMocks());

  /** The next file that is opened for writing takes `room` bytes. */
  function fillDisk(room: number) {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const real = fs.createWriteStream;
    jest.spyOn(fs, "createWriteStream").mockImplementationOnce((...options) => {
      const stream = real(...options);
      const write = stream._write.bind(stream);
      stream._writev = undefined;
      stream._write = (chunk: Buffer, encoding, done) =>
        (room -= chunk.length) < 0 ? done(full) : write(chunk, encoding, done);
      return stream;
    });
  }

  it("an upload is refused, leaves no object and no file, and works again when there is space", async () => {
    const s = await testStorage();
    try {
      await s.bucket("data");
      await s.put("data", "a", "old");
      const upload = () =>
        s.send("POST", "/upload/storage/v1/b/data/o?uploadType=media&name=a", { body: Buffer.alloc(1 << 20, "n") });
      fillDisk(100_000);
      expect(await upload()).toMatchObject({ status: 403, reason: "quotaExceeded" });
      expect((await s.send("GET", "/storage/v1/b/data/o/a?alt=media")).body.toString()).toBe("old");
      expect(readdirSync(join(s.test.cloud.folder, "objects", "incoming"))).toEqual([]);
      expect((await upload()).json.size).toBe(String(1 << 20));
    } finally {
      await s.close();
    }
  });

  it("a session ends and gives back the room that its bytes took", async () => {
    const s = await testStorage();
    try {
      await s.bucket("data");
      const { headers } = await s.send("POST", "/upload/storage/v1/b/data/o?uploadType=resumable&name=a");
      const { pathname, search } = new URL(headers.location!);
      const put = (range: string, body = Buffer.alloc(0)) =>
        s.send("PUT", pathname + search, { body, headers: { "content-range": range } });
      expect((await put(`bytes 0-${KIB256 - 1}/*`, Buffer.alloc(KIB256))).status).toBe(308);
      const handle = await fs.promises.open(__filename);
      const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      jest.spyOn(Object.getPrototypeOf(handle) as typeof handle, "appendFile").mockRejectedValueOnce(full);
      await handle.close();
      const refused = await put(`bytes ${KIB256}-${2 * KIB256 - 1}/*`, Buffer.alloc(KIB256));
      expect(refused).toMatchObject({ status: 403, reason: "quotaExceeded" });
      expect(readdirSync(join(s.test.cloud.folder, "objects", "incoming"))).toEqual([]);
      expect((await put("bytes */*")).status).toBe(404);
    } finally {
      await s.close();
    }
  });
});
