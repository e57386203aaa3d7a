/** A lab of its own for one bench, driven by the same commands that a person types. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface TemporaryLab {
  folder: string;
  /** Runs one CLI command; resolves with its output and seconds, rejects when it fails. */
  sparklab: (...words: string[]) => Promise<{ output: string; seconds: number }>;
}

const root = resolve(__dirname, "..", "..");

/** Makes a lab, hands it to `work`, and leaves neither process nor folder behind. */
export async function withTemporaryLab<T>(work: (lab: TemporaryLab) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-bench-"));
  const environment = { ...process.env, SPARKLAB_LAB: folder, SPARKLAB_PORT: "0" };
  const sparklab = (...words: string[]) =>
    timed(process.execPath, [join(root, "cli", "bin", "sparklab.mjs"), ...words], environment);
  try {
    return await work({ folder, sparklab });
  } finally {
    await sparklab("down");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command to its end. @returns standard output and seconds from start to end */
export function timed(
  command: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ output: string; seconds: number }> {
  const began = performance.now();
  return new Promise((done, fail) => {
    const child = spawn(command, [...words], { cwd: root, env: environment, stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", fail);
    child.once("close", (code) => {
      const output = Buffer.concat(chunks).toString("utf8");
      if (code === 0) done({ output, seconds: (performance.now() - began) / 1000 });
      else fail(new Error(`${words.join(" ")} ended with exit code ${code}:\n${output}`));
    });
  });
}

/** Memory of a lab's cloud process as it is now. */
export function cloudMegabytes(folder: string): number {
  const { pid } = JSON.parse(readFileSync(join(folder, "cloud", "door.json"), "utf8")) as { pid: number };
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) / 1024;
}

/** The last line of a bench, as the harness reads it. */
export function printRows(rows: readonly object[]): void {
  process.stdout.write(`${JSON.stringify({ rows })}\n`);
}
