/** Images of Dockerfiles: what is built without a container, and what is refused by its line. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";
import { createImageEngine } from "./images";
import { readDockerfile } from "./images-dockerfile";
import { builtImages, forgetImages, registerImage } from "./images-list";
import { readTools } from "./tools";

const folder = mkdtempSync(join(tmpdir(), "sparklab-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

const repository = resolve(__dirname, "..", "..");
const dockerfile = (path: string) => readFileSync(join(repository, path, "Dockerfile"), "utf8");
const engine = createImageEngine({ python: readTools().python.clients, folder });
let archives = 0;
async function build(reference: string, files: Record<string, string>) {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  const archive = join(folder, `${(archives += 1)}.zip`);
  writeFileSync(archive, await buffer(zip.outputStream));
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const image = await engine.build({ archive, reference, log, signal: new AbortController().signal });
  return { image, lines };
}

test("the scoring API's image is its files in their places, and Node that starts them", async () => {
  const files = { "index.js": "console.log(process.cwd())", "package.json": "{}" };
  const { image, lines } = await build("r/api:1", { Dockerfile: dockerfile("functions/scoring-api"), ...files });
  expect(image).toMatchObject({ command: ["index.js"], environment: { NODE_ENV: "production" } });
  expect(readFileSync(join(image.folder, "index.js"), "utf8")).toBe(files["index.js"]);
  expect(lines).toEqual([
    "of the container's system, for which this machine's stands: USER node",
    "of the container's system, for which this machine's stands: EXPOSE 8080",
  ]);
  expect(engine.list()).toEqual({ "r/api:1": image });
});

test("the Spark image is read whole: an environment of locked packages, and what concerns the container alone", () => {
  const recipe = readDockerfile(dockerfile("pyspark/image"));
  expect(recipe.environments).toEqual([
    { path: "/opt/sparklab/python", requirements: ["/opt/sparklab/requirements.txt"] },
  ]);
  expect(recipe.copies).toEqual([{ from: ["requirements.txt"], to: "/opt/sparklab/requirements.txt" }]);
  expect(recipe.variables).toEqual({ PYSPARK_PYTHON: "/opt/sparklab/python/bin/python" });
  expect(recipe.ofTheSystem).toContain("groupadd --gid 1099 spark");
});

test("an image for Spark has a Python of its own", async () => {
  const text = [
    "FROM debian:12-slim",
    "COPY requirements.txt /opt/r.txt",
    "RUN python3 -m venv /opt/p \\",
    " && /opt/p/bin/pip install --no-cache-dir --require-hashes --requirement /opt/r.txt",
    "ENV PYSPARK_PYTHON=/opt/p/bin/python",
  ].join("\n");
  const { image } = await build("r/spark:1", { Dockerfile: text, "requirements.txt": "# nothing is needed\n" });
  const where = execFileSync(image.python!, ["-c", "import sys; print(sys.prefix)"], { encoding: "utf8" }).trim();
  expect(where.startsWith(folder)).toBe(true);
});

describe("refuses", () => {
  test.each([
    ["FROM alpine:3", "line 1, FROM alpine:3: expected one FROM of node:22, debian:12 or python:3.11"],
    [
      "FROM node:22\nRUN curl https://example.com | sh",
      "line 2, RUN curl https://example.com | sh: 'curl https://example.com | sh' is not run here;",
    ],
    ["FROM node:22\nADD x.tar /", "line 2, ADD x.tar /: expected one of FROM, WORKDIR"],
    ["FROM node:22\nCOPY --from=other /a /b", "line 2, COPY /a /b: expected no options"],
    ["FROM node:22\nCMD node index.js", 'line 2, CMD node index.js: expected CMD ["node", "<file>"]'],
    ["FROM node:22\nFROM node:22", "expected exactly one FROM"],
  ])("%j", (text, problem) => {
    expect(() => readDockerfile(text)).toThrow(problem);
  });

  test("every line at once", () => {
    expect(() => readDockerfile("FROM node:22\nADD a b\nVOLUME /x")).toThrow(/line 2[^]*line 3/);
  });

  test("a file that the archive has not, and keeps what was built before", async () => {
    const before = engine.list();
    const broken = build("r/broken:1", { Dockerfile: "FROM node:22\nCOPY lost.js ." });
    await expect(broken).rejects.toThrow("Dockerfile: COPY lost.js: not in the archive");
    expect(engine.list()).toEqual(before);
  });
});

test("what is removed is gone from the list and from the disk; what else was built stays", async () => {
  const files = { Dockerfile: "FROM node:22\nCOPY index.js /app/", "index.js": "1" };
  const [gone, kept] = [(await build("gone/api:1", files)).image, (await build("kept/api:1", files)).image];
  await engine.remove("gone/");
  expect(Object.keys(engine.list())).not.toContain("gone/api:1");
  expect([existsSync(gone.folder), existsSync(kept.folder)]).toEqual([false, true]);
});

test("the list of images knows what was built, forgets a repository, and tells when it is broken", async () => {
  const list = join(folder, "list");
  const image = { folder, environment: {}, digest: "sha256:0", builtAt: "2026-11-21T09:00:00Z", bytes: 1 };
  await Promise.all(["a/i:1", "a/i:2", "b/i:1"].map((reference) => registerImage(list, reference, image)));
  expect(Object.keys(builtImages(list)).sort()).toEqual(["a/i:1", "a/i:2", "b/i:1"]);
  await forgetImages(list, "a/");
  expect(Object.keys(builtImages(list))).toEqual(["b/i:1"]);
  writeFileSync(join(list, "images.json"), '{"r/i:1":{"folder":""}}');
  expect(() => builtImages(list)).toThrow(/images .*images\.json: r\/i:1\.folder: .*; remove the file/);
});
