/** Kill -9 at every single point of an up, an up that changes much, and a destroy: the next run converges. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nameOf } from "./urn";
import { testLab, type TestLab } from "./testing";

/** Points that are tried at once: most of the time goes to starting processes. */
const AT_ONCE = 2;

const config = (moment: "before" | "after") => ({ "steps:cases": "everything", "steps:moment": moment });

let start: TestLab;
beforeEach(() => {
  start = testLab("steps");
});
afterEach(() => start.close());

interface Ending {
  isDead: boolean;
  told: string;
}

/** Runs the operation in a process of its own that dies at the point. */
async function runUntil(
  point: number,
  lab: TestLab,
  operation: "up" | "destroy",
  moment: "before" | "after",
): Promise<Ending> {
  const child = join(__dirname, "testdata/crash-child.ts");
  const words = ["--import", "tsx", child, operation, lab.folder, JSON.stringify(config(moment)), String(point)];
  const started = spawn(process.execPath, words, { cwd: join(__dirname, "../.."), stdio: ["ignore", "pipe", "pipe"] });
  const told: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    started[name].on("data", (chunk: Buffer) => (told[name] += chunk.toString("utf8")));
  return new Promise((resolve, reject) => {
    started.once("error", reject);
    started.once("close", (code, signal) => {
      if (signal === null && code !== 0) reject(new Error(told.stderr));
      else resolve({ isDead: signal === "SIGKILL", told: told.stdout });
    });
  });
}

/** All that can be seen of a lab: what its state declares, and what is there. */
async function seen(lab: TestLab) {
  const resources = (await lab.resources()).filter(({ type }) => type === "files:index:File");
  const declared = resources
    .map(({ urn, id, delete: isOld, pendingReplacement }) => [nameOf(urn), id, isOld, pendingReplacement])
    .sort();
  return { declared, files: lab.listFiles().map((name) => [name, readFileSync(join(lab.files, name), "utf8")]) };
}

const SITUATIONS = [
  ["a first up", undefined, "up", "before"],
  ["an up that changes, replaces and deletes", "before", "up", "after"],
  ["a destroy", "before", "destroy", "before"],
] as const;

test.each(SITUATIONS)(
  "%s converges after a kill at any point",
  async (_, prepared, operation, moment) => {
    if (prepared) await start.run({ operation: "up", skipPreview: true, config: config(prepared) });
    const undisturbed = testLab("steps", start.folder);
    const { summary } = await undisturbed.run({ operation, skipPreview: true, config: config(moment) });
    expect(summary.result).toBe("succeeded");
    const expected = await seen(undisturbed);
    undisturbed.close();

    let [point, last] = [1, Infinity];
    const tryPoints = async () => {
      while (point < last) {
        const here = point++;
        const lab = testLab("steps", start.folder);
        const { isDead, told } = await runUntil(here, lab, operation, moment);
        const after = await lab.run({ operation, skipPreview: true, config: config(moment) });
        expect({ here, errors: after.summary.errors, ...(await seen(lab)) }).toEqual({ here, errors: [], ...expected });
        lab.close();
        if (isDead) continue;
        // It lived to its end: there is no such point any more.
        expect(JSON.parse(told)).toMatchObject({ result: "succeeded", errors: [] });
        last = Math.min(last, here);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, tryPoints));
    expect(last).toBeGreaterThan(30);
  },
  30 * 60_000,
);
