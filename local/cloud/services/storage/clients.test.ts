/** Google's own clients, unmodified, with production host names, through the front door. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readTools } from "../../../engines/tools";
import { type Lab, runClient, startLab } from "./clients/lab";

const folder = mkdtempSync(join(tmpdir(), "storage-clients-"));
let lab: Lab;
beforeAll(async () => {
  lab = await startLab(join(folder, "lab"), readTools().descriptions);
}, 60_000);
afterAll(async () => {
  await lab.kill();
  rmSync(folder, { recursive: true });
});

const steps = (output: string) => output.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("storage", () => {
  it("serves @google-cloud/storage, 200 MB up and down in flat memory", async () => {
    const output = await runClient(lab, process.execPath, [
      "--import",
      "tsx",
      join(__dirname, "clients", "tour.ts"),
      folder,
    ]);
    expect(steps(output)).toEqual([
      "creates a bucket",
      "saves in one request and by a session, and reads back",
      "uploads a file in chunks",
      "continues a session that another client started",
      "holds preconditions",
      "changes metadata, copies, renames, combines",
      "decompresses what is stored compressed",
      "keeps versions",
      "lists folders and pages",
      "sets a policy under its etag",
      "brings back a soft-deleted object",
      "streams 200 MB up and down",
      "empties and deletes the bucket",
    ]);
    expect(lab.peakMemory()).toBeLessThan(300);
  }, 240_000);

  it("serves google-cloud-storage for Python", async () => {
    const output = await runClient(lab, readTools().python.clients, [join(__dirname, "clients", "tour.py")]);
    expect(steps(output)).toEqual([
      "creates_a_bucket",
      "uploads_and_downloads",
      "uploads_in_chunks",
      "holds_preconditions",
      "lists",
      "copies_rewrites_composes",
      "batches",
      "keeps_policies",
      "deletes_the_bucket",
    ]);
  }, 120_000);
});
