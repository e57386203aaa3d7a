/** Function archives: what is in them, that equal sources give equal bytes, and what a broken source says. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleFunction } from "./bundle";

const TESTDATA = join(__dirname, "testdata");
let elsewhere: string;

beforeEach(() => {
  elsewhere = mkdtempSync(join(tmpdir(), "bundle-"));
  cpSync(join(TESTDATA, "functions"), join(elsewhere, "functions"), { recursive: true });
});
afterEach(() => rmSync(elsewhere, { recursive: true }));

it("holds one JavaScript file that runs, and a manifest with the framework alone", async () => {
  const { files } = bundleFunction("start-pipeline", TESTDATA);
  const file = join(elsewhere, "index.js");
  writeFileSync(file, files["index.js"]!);
  const bundled = (await import(file)) as { startPipeline: (name: string) => string };
  expect(bundled.startPipeline("x")).toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.parse(files["package.json"]!)).toEqual({
    name: "start-pipeline",
    private: true,
    main: "index.js",
    dependencies: { "@google-cloud/functions-framework": "5.0.5" },
  });
});

it("is the same to the byte wherever the sources lie, and has another name when they change", () => {
  const here = bundleFunction("start-pipeline", TESTDATA);
  const there = bundleFunction("start-pipeline", elsewhere);
  expect(there.files).toEqual(here.files);
  expect(there.objectName).toBe(here.objectName);
  writeFileSync(
    join(elsewhere, "functions/start-pipeline/greeting.ts"),
    "export const greeting = (name: string): string => `begin ${name}`;\n",
  );
  expect(bundleFunction("start-pipeline", elsewhere).objectName).not.toBe(here.objectName);
});

it("holds the Dockerfile where there is one, so that an image is built of what was tested", () => {
  const without = bundleFunction("scoring-api", elsewhere);
  expect(without.files).not.toHaveProperty("Dockerfile");
  writeFileSync(join(elsewhere, "functions/scoring-api/Dockerfile"), "FROM node:22-slim\n");
  const { files, objectName } = bundleFunction("scoring-api", elsewhere);
  expect(files).toEqual({ ...without.files, Dockerfile: "FROM node:22-slim\n" });
  expect(objectName).not.toBe(without.objectName);
});

it("says in which line a source cannot be bundled", () => {
  writeFileSync(join(elsewhere, "functions/start-pipeline/greeting.ts"), 'export { nothing } from "./nowhere";\n');
  expect(() => bundleFunction("start-pipeline", elsewhere)).toThrow(
    /cannot be bundled:\n.*greeting\.ts:1: Could not resolve "\.\/nowhere"/,
  );
});
