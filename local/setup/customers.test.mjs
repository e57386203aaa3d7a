/** The customer data as set-up restored it, and what is refused. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sha256 } from "./files.mjs";
import { python } from "./python-steps.mjs";
import { root } from "./set-up.mjs";

const folder = mkdtempSync(join(tmpdir(), "customers-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const carried = readFileSync(join(root, ".lab", "data", "as-carried.csv"), "utf8");
const { path } = JSON.parse(readFileSync(join(root, ".lab", "tools", "done", "python.json"), "utf8")).result;

function restore(text) {
  const [source, out] = [join(folder, "carried.csv"), join(folder, "out.csv")];
  rmSync(out, { force: true });
  writeFileSync(source, text);
  const { status, stderr } = spawnSync(path, [python("restore_customers.py"), source, out], { encoding: "utf8" });
  return { status, stderr, made: status === 0 ? readFileSync(out, "utf8") : undefined };
}

test("restores what the package carries to the published customers, ordered by id", () => {
  const { made } = restore(carried);
  const lines = made.trimEnd().split("\n");
  assert.equal(sha256(made), "03ef10d6dab4318c8e8dee05a385510a00e3db43740ec2a200bf2c16644e69dc");
  assert.equal(lines.length, 7044);
  assert.deepEqual([...lines.slice(1)].sort(), lines.slice(1));
  // The same lines in the published order are the published file.
  const original = carried.replaceAll("\r\n", "\n");
  assert.equal(sha256(original), "16320c9c1ec72448db59aa0a26a0b95401046bef5d02fd3aeb906448e3055e91");
  assert.deepEqual(original.trimEnd().split("\n").slice(1).sort(), lines.slice(1));
});

test("is what set-up left in the lab's data folder", () => {
  assert.equal(readFileSync(join(root, ".lab", "data", "telco_customer_churn.csv"), "utf8"), restore(carried).made);
});

test("refuses one changed figure by the checksum", () => {
  const { status, stderr } = restore(carried.replace("29.85", "29.86"));
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^customer data .*carried\.csv: sha256 of the carried file: got [0-9a-f]{64}; expected 16320c9c/,
  );
});

test("refuses a file without some customers and without a column, with every problem named", () => {
  const shorter = carried
    .split("\r\n")
    .slice(0, 4931)
    .map((line) => line.slice(0, line.lastIndexOf(",")))
    .join("\r\n");
  const { status, stderr } = restore(shorter);
  assert.equal(status, 1);
  for (const problem of [
    "headers: got",
    "customers: got 4930; expected 7043",
    "different customer ids: got 4930",
    "customers who left: got 0",
    "sha256",
  ]) {
    assert.ok(stderr.includes(problem), `${problem} in ${stderr}`);
  }
});
