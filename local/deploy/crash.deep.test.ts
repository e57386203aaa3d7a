/** Kill -9 at every single point of an up, an up that changes much, and a destroy: the next run converges. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nameOf } from "./urn";
import { testLab, type TestLab } from "./testing";

const config = (moment: "before" | "after") => ({ "steps:cases": "everything", "steps:moment": moment });

let lab: TestLab;
let start: string;
beforeEach(() => {
  lab = testLab("steps");
  start = mkdtempSync(join(tmpdir(), "crash-start-"));
});
afterEach(() => {
  lab.close();
  rmSync(start, { recursive: true, force: true });
});

/** Runs the operation in a process of its own that dies at the point. */
function runUntil(point: number, operation: "up" | "destroy", moment: "before" | "after") {
  const words = [
    "--import",
    "tsx",
    join(__dirname, "testdata/crash-child.ts"),
    operation,
    lab.folder,
    JSON.stringify(config(moment)),
    String(point),
  ];
  const child = spawnSync(process.execPath, words, { encoding: "utf8", cwd: join(__dirname, "../..") });
  if (child.signal === null && child.status !== 0) throw new Error(child.stderr);
  return { isDead: child.signal === "SIGKILL", told: child.stdout };
}

const declared = async () => {
  const resources = (await lab.resources()).filter(({ type }) => type === "files:index:File");
  return resources
    .map(({ urn, id, delete: isOld, pendingReplacement }) => [nameOf(urn), id, isOld, pendingReplacement])
    .sort();
};
const contents = () => lab.listFiles().map((name) => [name, readFileSync(join(lab.files, name), "utf8")]);

const SITUATIONS = [
  ["a first up", undefined, "up", "before"],
  ["an up that changes, replaces and deletes", "before", "up", "after"],
  ["a destroy", "before", "destroy", "before"],
] as const;

test.each(SITUATIONS)(
  "%s converges after a kill at any point",
  async (_, prepared, operation, moment) => {
    if (prepared) await lab.run({ operation: "up", skipPreview: true, config: config(prepared) });
    cpSync(lab.folder, start, { recursive: true });
    const undisturbed = await lab.run({ operation, skipPreview: true, config: config(moment) });
    expect(undisturbed.summary.result).toBe("succeeded");
    const [expected, files] = [await declared(), contents()];

    for (let point = 1; ; point++) {
      rmSync(lab.folder, { recursive: true });
      cpSync(start, lab.folder, { recursive: true });
      const { isDead, told } = runUntil(point, operation, moment);
      const after = await lab.run({ operation, skipPreview: true, config: config(moment) });
      expect({ point, errors: after.summary.errors, declared: await declared(), files: contents() }).toEqual({
        point,
        errors: [],
        declared: expected,
        files,
      });
      if (!isDead) {
        expect(JSON.parse(told)).toMatchObject({ result: "succeeded", errors: [] });
        expect(point).toBeGreaterThan(20);
        return;
      }
    }
  },
  30 * 60_000,
);
