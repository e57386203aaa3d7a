/** The function that starts pipelines: from a new process to its first answer, and the memory that it then has. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { SETTINGS } from "../../functions/start-pipeline/testing";
import { printRows } from "./temporary-lab";

const root = resolve(__dirname, "..", "..");
const FRAMEWORK = "@google-cloud/functions-framework";
const STARTS = 9;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-bench-function-"));
  try {
    bundle(folder);
    const starts: Start[] = [];
    for (let at = 0; at < STARTS; at += 1) starts.push(await coldStart(folder));
    printRows([
      {
        what: `start-pipeline: new process to first answer, median of ${STARTS}`,
        ours: median(starts.map(({ milliseconds }) => milliseconds)),
        unit: "ms",
        goal: { atMost: 200 },
      },
      {
        what: "start-pipeline: memory after the first answer, median",
        ours: median(starts.map(({ megabytes }) => megabytes)),
        unit: "MB",
        goal: { atMost: 70 },
      },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As it is deployed: one file beside the framework. */
function bundle(folder: string): void {
  buildSync({
    entryPoints: [join(root, "functions", "start-pipeline", "index.ts")],
    outfile: join(folder, "index.js"),
    ...{ bundle: true, platform: "node", target: "node22", format: "cjs", external: [FRAMEWORK] },
    ...{ minifyWhitespace: true, legalComments: "none", logLevel: "silent" },
  });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ main: "index.js" }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

interface Start {
  milliseconds: number;
  megabytes: number;
}

/** The first answer is a refusal: all of the function is loaded for it, and no service of Google's has a part in it. */
async function coldStart(folder: string): Promise<Start> {
  const port = await freePort();
  const framework = join(dirname(require.resolve(FRAMEWORK)), "main.js");
  const began = performance.now();
  const child = spawn(process.execPath, [framework, "--target", "startPipeline", "--port", String(port)], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...SETTINGS },
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    const status = await firstStatus(port, child);
    if (status !== 400)
      throw new Error(`start-pipeline: got ${status}; expected 400 for an order with an unknown field.`);
    const milliseconds = performance.now() - began;
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
    return { milliseconds, megabytes: Number(kilobytes) / 1024 };
  } finally {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill();
    await ended;
  }
}

async function firstStatus(port: number, child: { exitCode: number | null }): Promise<number> {
  const order = { method: "POST", headers: { "content-type": "application/json" }, body: '{"colour":"red"}' };
  for (;;) {
    try {
      return (await fetch(`http://127.0.0.1:${port}/`, order)).status;
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((done) => setTimeout(done, 2)); // It does not listen yet.
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

void main();
