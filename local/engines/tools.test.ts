/** The manifest reader: what it accepts and the exact words with which it refuses. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { readTools } from "./tools";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tools-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (manifest: unknown) =>
  writeFileSync(join(folder, "manifest.json"), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
const complete = () => ({
  javaHome: folder,
  bigqueryHome: folder,
  python: {
    spark: folder,
    bigquery: folder,
    clients: folder,
    pipelines: join(folder, "late"),
    notebooks: join(folder, "later"),
    airflow: join(folder, "later"),
  },
  jars: { gcs: folder, bigquery: folder },
  descriptions: folder,
  data: folder,
});

describe("readTools", () => {
  it("reads a complete manifest", () => {
    write(complete());
    expect(readTools(folder)).toEqual(complete());
  });

  it("says which command prepares a missing manifest", () => {
    expect(() => readTools(folder)).toThrow(
      `tools manifest ${folder}/manifest.json: not found. Run \`npm start\`: it prepares what is missing.`,
    );
  });

  it("names every missing entry at once", () => {
    write({ ...complete(), javaHome: undefined, jars: { gcs: folder } });
    expect(() => readTools(folder)).toThrow(/javaHome: .*; jars\.bigquery: .*Run `npm start`/);
  });

  it("names every entry whose file is gone", () => {
    const gone = join(folder, "gone");
    mkdirSync(join(folder, "there"));
    write({ ...complete(), javaHome: gone, data: gone, descriptions: join(folder, "there") });
    expect(() => readTools(folder)).toThrow(`javaHome: no file ${gone}; data: no file ${gone}. Run \`npm start\``);
  });

  it("refuses a manifest that is not JSON", () => {
    write("{");
    expect(() => readTools(folder)).toThrow(/manifest\.json: not JSON \(.*Run `npm start`/);
  });
});
