/** Kill -9 at every single point of an up, an up that changes much, and a destroy: the next run converges. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nameOf } from "./urn";
import { testLab, type TestLab } from "./testing";

/** Points that are tried at once: most of the time goes to starting the program. */
const AT_ONCE = 2;
/** Points at which the process is killed for good, beside the copies of all points. */
const KILLED = 4;

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

/** Runs the operation in a process of its own that copies the lab at every point, or dies at one. */
async function runWatched(
  lab: TestLab,
  operation: "up" | "destroy",
  moment: "before" | "after",
  copies: string,
  fatal?: number,
): Promise<Ending> {
  const child = join(__dirname, "testdata/crash-child.ts");
  const words = ["--import", "tsx", child, operation, lab.folder, JSON.stringify(config(moment)), copies];
  if (fatal !== undefined) words.push(String(fatal));
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

/** Content of every file of a folder: points that leave the same behind need to be tried once only. */
function contentOf(folder: string): string {
  const names = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return JSON.stringify(files.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
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

    const copies = mkdtempSync(join(tmpdir(), "sparklab-points-"));
    const watched = testLab("steps", start.folder);
    // Its lock names a dead process in every copy once it has ended.
    const { told } = await runWatched(watched, operation, moment, copies);
    const { passed, ...outcome } = JSON.parse(told) as { passed: number };
    expect(outcome).toEqual({ result: "succeeded", errors: [] });
    watched.close();
    const converges = async (here: string, lab: TestLab) => {
      const after = await lab.run({ operation, skipPreview: true, config: config(moment) });
      expect({ here, errors: after.summary.errors, ...(await seen(lab)) }).toEqual({ here, errors: [], ...expected });
      lab.close();
    };

    const different = new Map<string, number>();
    for (let point = 1; point <= passed; point++) {
      const content = contentOf(join(copies, String(point)));
      if (!different.has(content)) different.set(content, point);
    }
    const points = [...different.values()];
    const dying = Array.from({ length: KILLED }, (_, at) => Math.ceil(((at + 1) * passed) / (KILLED + 1)));
    const work = [
      ...points.map((point) => () => converges(`copy ${point}`, testLab("steps", join(copies, String(point))))),
      ...dying.map((point) => async () => {
        const lab = testLab("steps", start.folder);
        expect((await runWatched(lab, operation, moment, copies, point)).isDead).toBe(true);
        await converges(`kill ${point}`, lab);
      }),
    ];
    const tryNext = async (): Promise<void> => {
      for (let next = work.shift(); next; next = work.shift()) await next();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, tryNext));
    rmSync(copies, { recursive: true });
    expect(points.length).toBeGreaterThan(10);
    expect(passed).toBeGreaterThan(30);
  },
  10 * 60_000,
);
