/** Parts that are installed on demand, asked for by name. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./set-up.mjs";

test("refuses parts that there are none of, with the list, before anything is done", () => {
  const words = [join(root, "local", "setup", "add.mjs"), "airfow", "airflow", "spark"];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  assert.deepEqual(
    [status, stdout, stderr],
    [2, "", "parts: got airfow, spark; expected some of notebooks, airflow.\n"],
  );
});
