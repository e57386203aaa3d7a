/** Objects whose content was changed behind the state's back, as the official provider sees them by their MD5. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { withHashes } from "../assets";
import { ASSET, SIGNATURE, type Properties } from "../values";
import { google, URN } from "./testing";

const TYPE = "gcp:storage/bucketObject:BucketObject";
const md5 = (content: string) => createHash("md5").update(content).digest("base64");
const OURS = md5("ours");
const THEIRS = md5("theirs");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "objects-"));
  await writeFile(join(folder, "data.csv"), "ours");
});
afterEach(() => rm(folder, { recursive: true }));

const object = (more: Properties) => ({ bucket: "b", name: "o", ...more });
const file = async () =>
  object({ source: await withHashes({ [SIGNATURE]: ASSET, path: join(folder, "data.csv") }, folder) });

const differences = (inputs: Properties, md5hash: string) => {
  const { provider } = google({});
  const checked = provider.check(TYPE, URN, inputs, undefined).inputs;
  return provider.diff(TYPE, { id: "b-o", inputs: checked, outputs: { md5hash } }, checked).changes;
};
const change = { path: "md5hash", kind: "update", old: THEIRS, new: OURS, replaces: false };

test("a file that was uploaded is the one that is there", async () =>
  expect(differences(await file(), OURS)).toEqual([]));

test("a file's object with other content is written again", async () =>
  expect(differences(await file(), THEIRS)).toEqual([change]));

test("a text's object with other content is written again", () =>
  expect(differences(object({ content: "ours" }), THEIRS)).toEqual([change]));

test("a file that has changed or gone since says nothing about what is there", async () => {
  const inputs = await file();
  await writeFile(join(folder, "data.csv"), "newer");
  expect(differences(inputs, THEIRS)).toEqual([]);
  await rm(join(folder, "data.csv"));
  expect(differences(inputs, THEIRS)).toEqual([]);
});

test("what is written again is the whole content", async () => {
  const { provider, asked } = google({ POST: { name: "o", md5Hash: OURS } });
  const inputs = provider.check(TYPE, URN, object({ content: "ours" }), undefined).inputs;
  const { outputs } = await provider.update(TYPE, { id: "b-o", inputs, outputs: { md5hash: THEIRS } }, inputs, {});
  expect([asked.length, asked[0], outputs.md5hash]).toEqual([1, expect.stringContaining("/upload/"), OURS]);
});
