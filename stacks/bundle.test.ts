/** Function archives: what is in them, that equal sources give equal bytes, what is kept of them, what a broken source says. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { bundleFunction, type FunctionBundle } from "./bundle";

let root: string;
let elsewhere: string;

beforeEach(() => ([root, elsewhere] = [checkout(), checkout()]));
afterEach(() => [root, elsewhere].forEach((folder) => rmSync(folder, { recursive: true })));

function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  cpSync(join(__dirname, "testdata", "functions"), join(folder, "functions"), { recursive: true });
  return folder;
}

/** The archive's files as they would be uploaded. */
async function contents({ archive }: FunctionBundle): Promise<Record<string, string>> {
  const assets = Object.entries(await archive.assets) as [string, pulumi.asset.FileAsset | pulumi.asset.StringAsset][];
  const text = async (asset: (typeof assets)[number][1]) =>
    "path" in asset ? readFileSync(await asset.path, "utf8") : asset.text;
  return Object.fromEntries(await Promise.all(assets.map(async ([name, asset]) => [name, await text(asset)] as const)));
}

const GREETING = "functions/start-pipeline/greeting.ts";
const change = (folder: string) =>
  writeFileSync(join(folder, GREETING), "export const greeting = (name: string): string => `begin ${name}`;\n");

/** Files that are kept, by name, with what tells one that was written anew. */
const kept = () =>
  readdirSync(join(root, ".lab/bundles"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => [name, statSync(join(root, ".lab/bundles", name)).ino]);

it("holds one JavaScript file that runs, and a manifest with the framework alone", async () => {
  const files = await contents(bundleFunction("start-pipeline", root));
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

it("is the same to the byte wherever the sources lie, and has another name when they change", async () => {
  const here = bundleFunction("start-pipeline", root);
  const there = bundleFunction("start-pipeline", elsewhere);
  expect(await contents(there)).toEqual(await contents(here));
  expect(there.objectName).toBe(here.objectName);
  change(elsewhere);
  expect(bundleFunction("start-pipeline", elsewhere).objectName).not.toBe(here.objectName);
});

it("holds the Dockerfile where there is one, so that an image is built of what was tested", async () => {
  const without = bundleFunction("scoring-api", elsewhere);
  const files = await contents(without);
  expect(files).not.toHaveProperty("Dockerfile");
  writeFileSync(join(elsewhere, "functions/scoring-api/Dockerfile"), "FROM node:22-slim\n");
  const withOne = bundleFunction("scoring-api", elsewhere);
  expect(await contents(withOne)).toEqual({ ...files, Dockerfile: "FROM node:22-slim\n" });
  expect(withOne.objectName).not.toBe(without.objectName);
});

it("is kept until a source changes, and then gives way to the next", () => {
  bundleFunction("start-pipeline", root);
  const first = kept();
  bundleFunction("start-pipeline", root);
  expect(kept()).toEqual(first);
  change(root);
  bundleFunction("start-pipeline", root);
  expect(kept()).toHaveLength(1);
  expect(kept()[0]![0]).not.toBe(first[0]![0]);
});

it("is made again where a new file takes an import over", () => {
  const { objectName } = bundleFunction("start-pipeline", root);
  writeFileSync(join(root, GREETING.replace(".ts", ".tsx")), "export const greeting = (): string => `other`;\n");
  expect(bundleFunction("start-pipeline", root).objectName).not.toBe(objectName);
});

it("is made again where the kept file or its record is not whole", async () => {
  const bundled = bundleFunction("start-pipeline", root);
  const files = await contents(bundled);
  const file = join(root, ".lab/bundles", kept()[0]![0] as string);
  const damages = [
    () => writeFileSync(file, "cut sho"),
    () => rmSync(file),
    () => writeFileSync(join(root, ".lab/bundles/start-pipeline.json"), "{"),
  ];
  for (const damage of damages) {
    damage();
    expect(await contents(bundleFunction("start-pipeline", root))).toEqual(files);
  }
});

it("is made again where other packages are installed", () => {
  writeFileSync(join(root, "package-lock.json"), "{}");
  bundleFunction("start-pipeline", root);
  const before = kept();
  writeFileSync(join(root, "package-lock.json"), '{ "packages": {} }');
  bundleFunction("start-pipeline", root);
  expect(kept()).not.toEqual(before);
});

it("says in which line a source cannot be bundled", () => {
  writeFileSync(join(elsewhere, GREETING), 'export { nothing } from "./nowhere";\n');
  expect(() => bundleFunction("start-pipeline", elsewhere)).toThrow(
    /cannot be bundled:\n.*greeting\.ts:1: Could not resolve "\.\/nowhere"/,
  );
});
