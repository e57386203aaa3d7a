/**
 * kill -9 at every point of an up, an up that changes much, and a destroy: the next run converges, nothing is lost, made
 * twice or left over. Points that leave the same files behind, byte for byte, are one: what was never on disk cannot tell
 * the next run apart.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { nameOf } from "./urn";
import { testLab, type TestLab } from "./testing";

/** Kills that are under way at once: most of the time goes to starting processes. */
const AT_ONCE = 3;

type Moment = "before" | "after";
const config = (moment: Moment) => ({ "steps:cases": "everything", "steps:moment": moment });

/** The host in one file, which starts in a third of the time. */
let child: string;
beforeAll(() => {
  child = join(mkdtempSync(join(tmpdir(), "sparklab-child-")), "crash-child.cjs");
  buildSync({
    ...{ entryPoints: [join(__dirname, "testdata/crash-child.ts")], outfile: child, logLevel: "error" },
    ...{ bundle: true, platform: "node", format: "cjs", packages: "external" },
    define: { __dirname: JSON.stringify(__dirname) },
  });
});
afterAll(() => rmSync(join(child, ".."), { recursive: true }));

let start: TestLab;
beforeEach(() => {
  start = testLab("steps");
});
afterEach(() => start.close());

/** Runs the operation in a process of its own. Undefined if it was killed, else what it told. */
async function runInChild(
  lab: TestLab,
  { operation, moment }: { operation: "up" | "destroy"; moment: Moment },
  ...how: ["kill", point: number] | ["copy", folder: string]
): Promise<{ passed: number; result: string; errors: string[] } | undefined> {
  const words = [child, operation, lab.folder, JSON.stringify(config(moment)), ...how.map(String)];
  const env = { ...process.env, NODE_PATH: resolve(__dirname, "../../node_modules") };
  const started = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  const told: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    started[name].on("data", (chunk: Buffer) => (told[name] += chunk.toString("utf8")));
  return new Promise((resolve, reject) => {
    started.once("error", reject);
    started.once("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(undefined);
      else if (code === 0) resolve(JSON.parse(told.stdout) as { passed: number; result: string; errors: string[] });
      else reject(new Error(told.stderr));
    });
  });
}

/** Content of every file of a folder. */
function contentOf(folder: string): string {
  const names = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return JSON.stringify(files.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** The points of an undisturbed run, of those that leave the same behind the first. */
async function pointsOf(lab: TestLab, what: { operation: "up" | "destroy"; moment: Moment }) {
  const copies = mkdtempSync(join(tmpdir(), "sparklab-points-"));
  const { passed, ...outcome } = (await runInChild(lab, what, "copy", copies))!;
  expect(outcome).toEqual({ result: "succeeded", errors: [] });
  const different = new Map<string, number>();
  for (let point = passed; point > 0; point--) different.set(contentOf(join(copies, String(point))), point);
  rmSync(copies, { recursive: true });
  return { passed, points: [...different.values()] };
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
    const { passed, points } = await pointsOf(undisturbed, { operation, moment });
    const expected = await seen(undisturbed);
    undisturbed.close();
    expect(passed).toBeGreaterThan(60);
    expect(points.length).toBeGreaterThan(25);

    const killAt = async (point: number) => {
      const lab = testLab("steps", start.folder);
      const survivor = await runInChild(lab, { operation, moment }, "kill", point);
      // Steps go side by side, and what is written together differs from run to run: one may have fewer points.
      if (survivor) expect(survivor.passed).toBeLessThan(point);
      const next = await lab.run({ operation, skipPreview: true, config: config(moment) });
      expect({ point, errors: next.summary.errors, ...(await seen(lab)) }).toEqual({ point, errors: [], ...expected });
      lab.close();
    };
    const tryNext = async (): Promise<void> => {
      for (let next = points.shift(); next; next = points.shift()) await killAt(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, tryNext));
  },
  10 * 60_000,
);
