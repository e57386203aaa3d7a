/** Node packages: when they are taken as there, and how they come to be there, with a small project of its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { nodeModulesMatch, nodeModulesStep, npmEnvironment } from "./node-modules.mjs";
import { root as checkout } from "./set-up.mjs";
import { runSteps } from "./steps.mjs";

const silent = { begin() {}, start() {}, skip() {}, finish() {}, fail() {}, say() {}, end() {} };
let root;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "packages-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (file, value) => {
  mkdirSync(join(root, file, ".."), { recursive: true });
  writeFileSync(join(root, file), typeof value === "string" ? value : JSON.stringify(value));
};
const locks = (wanted, found) => {
  write("package-lock.json", { packages: { "": {}, ...wanted } });
  if (found !== undefined) write("node_modules/.package-lock.json", { packages: found });
  mkdirSync(join(root, "node_modules/one"), { recursive: true });
};
const one = { "node_modules/one": { version: "1.0.0", integrity: "sha512-1" } };

test("takes packages as there when npm's own record agrees with the lock file", () => {
  locks(one, one);
  assert.equal(nodeModulesMatch(root), true);
});

test("accepts that a package for another machine is not there", () => {
  locks({ ...one, "node_modules/one-darwin": { version: "1.0.0", optional: true, os: ["darwin"] } }, one);
  assert.equal(nodeModulesMatch(root), true);
});

test("sees another version, another content, a missing package and an installation that did not end", () => {
  locks(one, { "node_modules/one": { version: "1.0.1", integrity: "sha512-1" } });
  assert.equal(nodeModulesMatch(root), false);
  locks(one, { "node_modules/one": { version: "1.0.0", integrity: "sha512-2" } });
  assert.equal(nodeModulesMatch(root), false);
  locks(one, {});
  assert.equal(nodeModulesMatch(root), false);
  locks(one, one);
  rmSync(join(root, "node_modules/one"), { recursive: true });
  assert.equal(nodeModulesMatch(root), false);
  rmSync(join(root, "node_modules/.package-lock.json"));
  assert.equal(nodeModulesMatch(root), false);
});

test("installs beside and puts it in place whole, workspaces with their commands included", async () => {
  write("package.json", { name: "small", version: "1.0.0", private: true, workspaces: ["tool"] });
  write("tool/package.json", { name: "tool", version: "1.0.0", bin: { tool: "tool.mjs" } });
  write("tool/tool.mjs", "#!/usr/bin/env node\nconsole.log('works');\n");
  write("node_modules/half/file", "of an installation that did not end");
  execFileSync("npm", ["install", "--package-lock-only", "--offline", "--no-audit", "--no-fund"], {
    cwd: root,
    env: npmEnvironment(process.env),
    stdio: "pipe",
  });
  const step = nodeModulesStep({ root, env: process.env });
  assert.equal(step.adopt(), undefined);
  await (
    await runSteps({ steps: [step], tools: join(root, ".tools"), progress: silent })
  ).late;
  assert.deepEqual(step.adopt(), {});
  assert.equal(existsSync(join(root, "node_modules/half")), false);
  assert.ok(lstatSync(join(root, "node_modules/tool")).isSymbolicLink());
  assert.equal(statSync(join(root, "tool/tool.mjs")).mode & 0o111, 0o111);
  assert.equal(execFileSync(join(root, "node_modules/.bin/tool"), { encoding: "utf8" }), "works\n");
  assert.equal(readFileSync(join(root, "tool/tool.mjs"), "utf8").includes("works"), true);
});

test("keeps what an outer npm told its script from the inner one, but not the user's settings", () => {
  const env = {
    PATH: "/bin",
    npm_config_local_prefix: "/repo",
    npm_lifecycle_event: "start",
    npm_package_name: "x",
    INIT_CWD: "/repo",
    npm_config_registry: "r",
  };
  assert.deepEqual(npmEnvironment(env), { PATH: "/bin", npm_config_registry: "r" });
});

test("has a lock file that names every package for every machine, without which npm ci refuses it", () => {
  const { packages } = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8"));
  const named = new Set(Object.keys(packages).map((path) => path.split("node_modules/").at(-1)));
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  assert.deepEqual(
    wanted.filter((name) => !named.has(name)),
    [],
  );
});
