/** Archives of programs: what is unpacked, and what is refused before a byte of it is kept. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";
import { unpack } from "./servers-archive";

const folder = mkdtempSync(join(tmpdir(), "sparklab-archives-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PACKAGE = { "package.json": '{"main":"index.js"}', "index.js": "exports.f = () => 1;" };
let archives = 0;

/** @param edit changes the bytes of the archive */
async function archiveOf(
  files: Record<string, string>,
  mode?: number,
  edit = (bytes: Buffer) => bytes,
): Promise<string> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name, { ...(mode && { mode }) });
  zip.end();
  const file = join(folder, `${(archives += 1)}.zip`);
  writeFileSync(file, edit(await buffer(zip.outputStream)));
  return file;
}
/** The same length, so that nothing else of the archive changes. */
const renamed = (from: string, to: string) => (bytes: Buffer) =>
  Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1");

test("a package is unpacked whole, its folders made", async () => {
  const target = join(folder, "whole");
  await unpack(await archiveOf({ ...PACKAGE, "lib/deep/x.js": "1" }), target);
  expect(readdirSync(target).sort()).toEqual(["index.js", "lib", "package.json"]);
  expect(readFileSync(join(target, "lib/deep/x.js"), "utf8")).toBe("1");
});

test("what was there is replaced, and stays when the new one is refused", async () => {
  const target = join(folder, "replaced");
  await unpack(await archiveOf({ ...PACKAGE, "old.js": "" }), target);
  await unpack(await archiveOf(PACKAGE), target);
  expect(existsSync(join(target, "old.js"))).toBe(false);
  await expect(unpack(await archiveOf({ "index.js": "" }), target)).rejects.toThrow("package.json");
  expect(readdirSync(target).sort()).toEqual(["index.js", "package.json"]);
});

describe("refuses", () => {
  const nested = { ...PACKAGE, "ab/evil.js": "x" };
  test.each<[string, () => Promise<string>, RegExp]>([
    [
      "a path that goes up",
      () => archiveOf(nested, undefined, renamed("ab/evil.js", "../evil.js")),
      /invalid relative path: \.\.\/evil\.js/,
    ],
    ["an absolute path", () => archiveOf(nested, undefined, renamed("ab/evil.js", "//tmp/e.js")), /absolute path/],
    [
      "a path with a backslash",
      () => archiveOf(nested, undefined, renamed("ab/evil.js", "..\\evil.js")),
      /invalid characters in fileName/,
    ],
    ["a link", () => archiveOf({ link: "/etc/passwd" }, 0o120777), /link: got a link or device/],
    [
      "two files of one name",
      () => archiveOf({ ...PACKAGE, "a.js": "1", "b.js": "2" }, undefined, renamed("b.js", "a.js")),
      /EEXIST/,
    ],
    [
      "a main that is not there",
      () => archiveOf({ "package.json": '{"main":"dist/x.js"}' }),
      /its main is dist\/x\.js/,
    ],
    [
      "dependencies that would have to be installed",
      () => archiveOf({ ...PACKAGE, "package.json": '{"dependencies":{"undici":"7"}}' }),
      /depends on undici/,
    ],
    ["what is no archive", async () => __filename, /End of central directory record signature not found/],
  ])("%s", async (_, make, message) => {
    const target = join(folder, `refused-${archives}`);
    await expect(unpack(await make(), target)).rejects.toThrow(message);
    expect(existsSync(target) || existsSync(`${target}.draft`)).toBe(false);
    expect(existsSync(join(folder, "evil.js"))).toBe(false);
  });
});

test("the framework that Google's build installs is no missing dependency", async () => {
  const dependencies = '{"dependencies":{"@google-cloud/functions-framework":"5.0.5"}}';
  await unpack(await archiveOf({ ...PACKAGE, "package.json": dependencies }), join(folder, "framework"));
});
