/** A disk that is really full, under the whole cloud: what is refused, what stands, what goes on when there is room. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "../service";
import { CloudProcess } from "./cloud-process";
import { canMakeSmallDisk, SmallDisk } from "./small-disk";

jest.setTimeout(120_000);
const OBJECTS = "https://storage.googleapis.com/storage/v1/b/data/o";
const UPLOAD = "https://storage.googleapis.com/upload/storage/v1/b/data/o?uploadType=media&name=";
const BIGQUERY = "https://bigquery.googleapis.com/bigquery/v2/projects/sparklab-local";
const FULL = { status: 403, json: { error: { errors: [{ reason: "quotaExceeded" }] } } };
const KB = 1024;
let disk: SmallDisk;
let cloud: CloudProcess;

// Where users may not make namespaces there is no disk to fill.
const onSmallDisk = canMakeSmallDisk() ? test : test.skip;

beforeAll(async () => {
  if (!canMakeSmallDisk()) return;
  disk = await SmallDisk.make(64);
  cloud = await CloudProcess.start({ lab: disk.folder, reached: disk.reached, words: disk.words });
  await cloud.send("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", {
    ...{ name: "data", location: "us-central1", softDeletePolicy: { retentionDurationSeconds: "0" } },
  });
  // The engine's own files are there before the disk is filled.
  await cloud.send(`POST ${BIGQUERY}/datasets`, { datasetReference: { datasetId: "d" }, location: "us-central1" });
});
afterEach(() => disk?.empty());
afterAll(async () => {
  await cloud?.stop();
  await disk?.remove();
});

const upload = (name: string, bytes: Buffer) => cloud.send(`POST ${UPLOAD}${name}`, bytes);
const label = (name: string, value: string) => cloud.send(`PATCH ${OBJECTS}/${name}`, { metadata: { value } });
const read = async (name: string) => (await cloud.send(`GET ${OBJECTS}/${name}?alt=media`)).bytes.toString();
const valueOf = async (name: string) =>
  ((await cloud.send(`GET ${OBJECTS}/${name}`)).json.metadata as JsonObject | undefined)?.value;
const query = (text: string) => cloud.send(`POST ${BIGQUERY}/queries`, { query: text, useLegacySql: false });

onSmallDisk("an upload is refused and leaves nothing, and what it would have replaced still is", async () => {
  await upload("kept", Buffer.from("old"));
  disk.fill(300 * KB);
  expect(await upload("kept", randomBytes(1000 * KB))).toMatchObject(FULL);
  expect(await read("kept")).toBe("old");
  expect(readdirSync(join(cloud.lab, "cloud", "objects", "incoming"))).toEqual([]);
});

onSmallDisk("a full lab goes on answering and logging, and can be emptied by its own means", async () => {
  await upload("large", randomBytes(500 * KB));
  disk.fill();
  for (let n = 0; n < 300; n++) expect((await cloud.send(`GET ${OBJECTS}`)).status).toBe(200);
  expect((await cloud.send(`DELETE ${OBJECTS}/large`)).status).toBe(204);
  expect((await upload("small", Buffer.from("in the room of the large one"))).status).toBe(200);
  disk.empty();
  // Lines that waited go out with the next one, each whole.
  expect((await cloud.send(`GET ${OBJECTS}/small`)).status).toBe(200);
  const lines = () =>
    readFileSync(join(cloud.lab, "cloud", "log", "requests.jsonl"), "utf8")
      .trim()
      .split("\n");
  while (!lines().at(-1)!.includes('"storage.objects.get"')) await new Promise((later) => setImmediate(later));
  expect(lines().filter((line) => line.includes('"storage.objects.list"')).length).toBe(300);
  expect(() => lines().forEach((line) => JSON.parse(line) as unknown)).not.toThrow();
});

onSmallDisk("every answered change is there after kill -9: before, on and after a full disk", async () => {
  const names = Array.from({ length: 100 }, (_, n) => `noted-${n}`);
  for (const name of names) await upload(name, Buffer.from(name));
  disk.fill();
  const answered = new Map<string, string>();
  for (const name of names) {
    const value = randomBytes(100 * KB).toString("base64");
    const { status } = await label(name, value);
    if (status === 200) answered.set(name, value);
    else expect([name, status]).toEqual([name, 403]);
  }
  // The reserve has taken some, and the others found the disk full.
  expect(answered.size).toBeGreaterThan(0);
  expect(answered.size).toBeLessThan(names.length);
  disk.empty();
  for (let n = 0; n < 20; n++) expect((await upload(`after-${n}`, Buffer.from(`${n}`))).status).toBe(200);
  await cloud.kill();
  await cloud.restart();
  for (const name of names) expect([name, await valueOf(name)]).toEqual([name, answered.get(name)]);
  for (let n = 0; n < 20; n++) expect(await read(`after-${n}`)).toBe(`${n}`);
});

onSmallDisk("a query that finds the disk full has failed and made nothing; the next one works", async () => {
  await query("CREATE TABLE d.rows AS SELECT x FROM UNNEST(GENERATE_ARRAY(1, 1000)) x");
  disk.fill(200 * KB);
  const grow = "INSERT INTO d.rows SELECT CAST(1e9 * RAND() AS INT64) FROM UNNEST(GENERATE_ARRAY(1, 500000)) x";
  expect(await query(grow)).toMatchObject(FULL);
  const count = async () => (await query("SELECT COUNT(*) FROM d.rows")).json.rows;
  disk.empty();
  expect(await count()).toEqual([{ f: [{ v: "1000" }] }]);
  expect((await query(grow)).status).toBe(200);
  expect(await count()).toEqual([{ f: [{ v: "501000" }] }]);
});

onSmallDisk("tables hold what was answered when the disk became full while the engine tidied its file", async () => {
  await query("CREATE TABLE d.many (x INT64)");
  // Its log is folded into its file at 16 MB, which takes as much room again.
  disk.fill(22 << 20);
  const grow = "INSERT INTO d.many SELECT CAST(1e15 * RAND() AS INT64) FROM UNNEST(GENERATE_ARRAY(1, 250000)) x";
  let answered = 0;
  let status = 200;
  while (status === 200) {
    ({ status } = await query(grow));
    if (status === 200) answered += 1;
  }
  expect([403, 503]).toContain(status);
  disk.empty();
  const count = async () => {
    for (;;) {
      const answer = await query("SELECT COUNT(*) FROM d.many");
      if (answer.status !== 503) return Number((answer.json.rows as { f: { v: string }[] }[])[0]!.f[0]!.v) / 250_000;
    }
  };
  // The last one may have been done though its answer was lost, as with Google's 503.
  expect([answered, answered + 1]).toContain(await count());
  expect((await query(grow)).status).toBe(200);
});

onSmallDisk("a batch that fills the disk has failed with the reason", async () => {
  const accounts = "https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts";
  await cloud.send(`POST ${accounts}`, { accountId: "worker" });
  const members = ["serviceAccount:worker@sparklab-local.iam.gserviceaccount.com"];
  await cloud.send("PUT https://storage.googleapis.com/storage/v1/b/data/iam", {
    bindings: [{ role: "roles/storage.objectAdmin", members }],
  });
  await upload("job.py", Buffer.from('open("large", "wb").write(bytes(64 << 20))'));
  disk.fill(4 << 20);
  const batches =
    "https://us-central1-dataproc.googleapis.com/v1/projects/sparklab-local/locations/us-central1/batches";
  const execution = { serviceAccount: "worker@sparklab-local.iam.gserviceaccount.com", stagingBucket: "data" };
  const asked = await cloud.send(`POST ${batches}?batchId=no-room`, {
    pysparkBatch: { mainPythonFileUri: "gs://data/job.py" },
    environmentConfig: { executionConfig: execution },
  });
  expect(asked.status).toBe(200);
  let batch: JsonObject;
  do batch = (await cloud.send(`GET ${batches}/no-room`)).json;
  while (batch.state === "PENDING" || batch.state === "RUNNING");
  expect(batch).toMatchObject({
    state: "FAILED",
    stateMessage: expect.stringMatching(/No space left|exited with 1 code/),
  });
});
