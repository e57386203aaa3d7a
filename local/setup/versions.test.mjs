/** Versions of Node, Python and Java: what fits, and the one line for what does not. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { complainAboutNode } from "./node-version.mjs";
import { SetupError } from "./steps.mjs";
import { explainVenvFailure, findJava17, findPython } from "./versions.mjs";

let folder;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "versions-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program of that name on a PATH of its own, which prints these lines. */
function program(name, ...lines) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${lines.map((line) => `echo '${line}'`).join("\n")}\n`);
  chmodSync(file, 0o755);
  return file;
}
const python = (name, ...version) => program(name, join(folder, name), ...version);

test("accepts Node from 20.18 and names what an older one is", () => {
  for (const version of ["20.18.1", "20.19.4", "22.0.0"]) assert.equal(complainAboutNode(version), undefined);
  for (const version of ["20.10.0", "18.20.4"]) {
    assert.equal(
      complainAboutNode(version),
      `Node is too old: got ${version}; expected 20.18 or newer. Install one from https://nodejs.org.`,
    );
  }
});

test("takes Python 3.11 before a newer one, whatever python3 is", () => {
  python("python3", 3, 13, 0);
  const wanted = python("python3.11", 3, 11, 7);
  assert.deepEqual(findPython({ path: folder }), { path: wanted, version: "3.11.7" });
});

test("finds a Python that is only called python", () => {
  const wanted = python("python", 3, 12, 1);
  assert.deepEqual(findPython({ path: folder }), { path: wanted, version: "3.12.1" });
});

test("names every Python that does not fit, in one line", () => {
  python("python3", 3, 9, 18);
  python("python", 2, 7, 18);
  assert.throws(
    () => findPython({ path: folder }),
    (error) =>
      error instanceof SetupError &&
      !error.message.includes("\n") &&
      /got 3\.9\.18 \(.*python3\), 2\.7\.18 \(.*python\); expected 3\.11, 3\.12 or 3\.13/.test(error.message),
  );
});

test("refuses a Python that is newer than the locked packages", () => {
  python("python3", 3, 14, 0);
  assert.throws(() => findPython({ path: folder }), /got 3\.14\.0/);
});

test("says that there is no Python at all", () => {
  assert.throws(() => findPython({ path: folder }), /no Python on PATH; expected 3\.11/);
});

test("passes over a launcher without a Python behind it", () => {
  writeFileSync(program("python3.11"), "#!/bin/sh\nexit 127\n");
  const wanted = python("python3", 3, 11, 2);
  assert.equal(findPython({ path: folder }).path, wanted);
});

test("names the fix for a missing ensurepip, and for nothing else", () => {
  const debian = "The virtual environment was not created successfully because ensurepip is not\navailable.";
  assert.match(explainVenvFailure(debian, "3.11.2"), /sudo apt install python3-venv python3\.11-venv/);
  assert.equal(explainVenvFailure("No space left on device", "3.11.2"), undefined);
});

const java = (name, version) =>
  program(
    `${name}/bin/java`,
    "Property settings:",
    `    java.home = ${join(folder, name)}`,
    `    java.specification.version = ${version}`,
  );

test("uses the Java of JAVA_HOME when it is 17", () => {
  java("seventeen", 17);
  const env = { JAVA_HOME: join(folder, "seventeen"), PATH: "/usr/bin:/bin" };
  assert.deepEqual(findJava17({ env }), { home: join(folder, "seventeen"), version: 17 });
});

test("passes over another JAVA_HOME, says so, and takes the one on PATH", () => {
  java("eleven", 11);
  java("seventeen", 17);
  const said = [];
  const env = { JAVA_HOME: join(folder, "eleven"), PATH: join(folder, "seventeen", "bin") };
  assert.equal(findJava17({ env, say: (text) => said.push(text) }).home, join(folder, "seventeen"));
  assert.deepEqual(said, ["JAVA_HOME is Java 11; Spark 3.5 needs 17, so another one is used"]);
});

test("finds no Java where none fits", () => {
  java("twentyone", 21);
  assert.equal(findJava17({ env: { PATH: join(folder, "twentyone", "bin") } }), undefined);
  assert.equal(findJava17({ env: { PATH: folder } }), undefined);
});
