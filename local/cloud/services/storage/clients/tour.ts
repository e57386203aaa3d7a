/** A tour of @google-cloud/storage with production host names; every step asserts, its name is printed when it holds. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import { type ApiError, Storage } from "@google-cloud/storage";

const storage = new Storage();
const bucket = storage.bucket("sparklab-tour");
const scratch = process.argv[2]!;
const refused = async (work: Promise<unknown>) =>
  work.then(
    () => assert.fail("expected a refusal"),
    (error: unknown) => Number((error as ApiError).code),
  );

const steps: Record<string, () => Promise<void>> = {
  "creates a bucket": async () => {
    const [made] = await storage.createBucket("sparklab-tour", {
      location: "us-central1",
      versioning: { enabled: true },
      labels: { a: "b" },
    });
    const [metadata] = await made.getMetadata();
    assert.deepEqual(
      [metadata.location, metadata.labels, metadata.versioning],
      ["US-CENTRAL1", { a: "b" }, { enabled: true }],
    );
    assert.deepEqual([await refused(storage.createBucket("sparklab-tour")), (await bucket.exists())[0]], [409, true]);
    assert.deepEqual(
      (await storage.getBuckets())[0].map(({ name }) => name),
      ["sparklab-tour"],
    );
  },
  "saves in one request and by a session, and reads back": async () => {
    for (const [resumable, name] of [
      [false, "simple.txt"],
      [true, "dir/ü session.txt"],
    ] as const) {
      const file = bucket.file(name);
      await file.save("hello world", { resumable, contentType: "text/plain", metadata: { metadata: { k: "v" } } });
      assert.equal((await file.download())[0].toString(), "hello world");
      const [metadata] = await file.getMetadata();
      assert.deepEqual([metadata.contentType, metadata.metadata, metadata.size], ["text/plain", { k: "v" }, "11"]);
      const part: Buffer[] = [];
      for await (const chunk of file.createReadStream({ start: 6, end: 8 }) as AsyncIterable<Buffer>) part.push(chunk);
      assert.equal(Buffer.concat(part).toString(), "wor");
    }
  },
  "uploads a file in chunks": async () => {
    const path = join(scratch, "chunks");
    writeFileSync(path, randomBytes(1024 * 1024 + 17));
    await bucket.upload(path, { destination: "chunks", resumable: true, chunkSize: 256 * 1024 });
    assert.equal((await bucket.file("chunks").getMetadata())[0].size, String(1024 * 1024 + 17));
  },
  "continues a session that another client started": async () => {
    const [uri] = await bucket.file("resumed").createResumableUpload();
    assert.match(uri, /^https:\/\/storage\.googleapis\.com\//);
    await bucket.file("resumed").save("resumed content", { resumable: true, uri });
    assert.equal((await bucket.file("resumed").download())[0].toString(), "resumed content");
  },
  "holds preconditions": async () => {
    const file = bucket.file("simple.txt");
    assert.equal(await refused(file.save("x", { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } })), 412);
    assert.equal(await refused(file.save("x", { resumable: true, preconditionOpts: { ifGenerationMatch: 0 } })), 412);
    assert.equal(await refused(bucket.file("none").getMetadata()), 404);
  },
  "changes metadata, copies, renames, combines": async () => {
    const file = bucket.file("simple.txt");
    await file.setMetadata({ cacheControl: "no-store", metadata: { k: null, n: "1" } });
    const [copy] = await file.copy(bucket.file("copy.txt"));
    assert.deepEqual(
      [(await copy.getMetadata())[0].cacheControl, (await copy.getMetadata())[0].metadata],
      ["no-store", { n: "1" }],
    );
    await copy.rename("renamed.txt");
    assert.equal((await copy.exists())[0], false);
    const [whole] = await bucket.combine(["simple.txt", "renamed.txt"], "whole.txt");
    assert.equal((await whole.download())[0].toString(), "hello worldhello world");
  },
  "decompresses what is stored compressed": async () => {
    await bucket.file("gz").save(gzipSync("plain"), { resumable: false, metadata: { contentEncoding: "gzip" } });
    assert.equal((await bucket.file("gz").download())[0].toString(), "plain");
    await bucket.file("gz2").save("zipped on the way", { gzip: true, resumable: true });
    assert.equal((await bucket.file("gz2").download())[0].toString(), "zipped on the way");
  },
  "keeps versions": async () => {
    const file = bucket.file("versioned");
    await file.save("1", { resumable: false });
    await file.save("2", { resumable: false });
    const [versions] = await bucket.getFiles({ versions: true, prefix: "versioned" });
    assert.equal(versions.length, 2);
    const [old] = await bucket.file("versioned", { generation: versions[0]!.metadata.generation }).download();
    assert.equal(old.toString(), "1");
  },
  "lists folders and pages": async () => {
    await Promise.all(
      Array.from({ length: 25 }, (_, n) => bucket.file(`list/${n % 5}/${n}`).save("x", { resumable: false })),
    );
    const [files] = await bucket.getFiles({ prefix: "list/", maxResults: 10, autoPaginate: true });
    assert.equal(files.length, 10);
    assert.equal((await bucket.getFiles({ prefix: "list/" }))[0].length, 25);
    const [, , answer] = await bucket.getFiles({ prefix: "list/", delimiter: "/", autoPaginate: false });
    assert.deepEqual(
      (answer as { prefixes: string[] }).prefixes,
      [0, 1, 2, 3, 4].map((n) => `list/${n}/`),
    );
  },
  "sets a policy under its etag": async () => {
    const [policy] = await bucket.iam.getPolicy({ requestedPolicyVersion: 3 });
    policy.bindings.push({ role: "roles/storage.objectViewer", members: ["allAuthenticatedUsers"] });
    const [set] = await bucket.iam.setPolicy(policy);
    assert.ok(set.bindings.some(({ role }) => role === "roles/storage.objectViewer"));
    assert.equal(await refused(bucket.iam.setPolicy(policy)), 409);
    assert.deepEqual((await bucket.iam.testPermissions("storage.objects.get"))[0], { "storage.objects.get": true });
  },
  "brings back a soft-deleted object": async () => {
    await bucket.setMetadata({ versioning: { enabled: false } });
    const file = bucket.file("soft");
    await file.save("kept", { resumable: false });
    const generation = Number((await file.getMetadata())[0].generation);
    await file.delete();
    assert.equal((await bucket.getFiles({ softDeleted: true, prefix: "soft" }))[0].length, 1);
    await file.restore({ generation });
    assert.equal((await file.download())[0].toString(), "kept");
  },
  "streams 200 MB up and down": async () => {
    const [path, back] = [join(scratch, "large"), join(scratch, "back")];
    const sink = createWriteStream(path);
    for (let n = 0; n < 25; n++)
      if (!sink.write(randomBytes(8 << 20))) await new Promise<void>((resolve) => sink.once("drain", resolve));
    await new Promise<void>((resolve) => sink.end(resolve));
    const started = Date.now();
    await bucket.upload(path, { destination: "large" });
    const uploaded = Date.now();
    await pipeline(bucket.file("large").createReadStream(), createWriteStream(back));
    process.stdout.write(`# up ${uploaded - started} ms, down ${Date.now() - uploaded} ms\n`);
    assert.equal((await stat(back)).size, 25 * (8 << 20));
    assert.equal(await md5(back), await md5(path));
    assert.equal((await bucket.file("large").getMetadata())[0].md5Hash, await md5(path));
  },
  "empties and deletes the bucket": async () => {
    assert.equal(await refused(bucket.delete()), 409);
    await bucket.deleteFiles({ versions: true, force: true });
    await bucket.delete();
    assert.equal((await bucket.exists())[0], false);
  },
};

async function md5(path: string): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("base64");
}

async function run(): Promise<void> {
  for (const [name, step] of Object.entries(steps)) {
    await step();
    process.stdout.write(`${name}\n`);
  }
}

void run();
