/** The scoring API: time of a prediction in process, and requests per second and latency over HTTP by an outside load tool. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseBundle } from "../../functions/scoring-api/bundle";
import { Model } from "../../functions/scoring-api/model";
import { fixedModel } from "../../functions/scoring-api/models";
import { serverOf } from "../../functions/scoring-api/server";
import { printRows } from "./temporary-lab";

/** What MLeap publishes for a random forest in process and for its server, on its own machine. */
const MLEAP = { microseconds: 6.8, requestsPerSecond: 3750 };
const SECONDS = 8;
const CONNECTIONS = 32;

const folder = resolve(__dirname, "..", "..", "functions", "scoring-api");
const bundle = readFileSync(join(folder, "testdata", "bundle.json"), "utf8");
const lines = readFileSync(join(folder, "testdata", "predictions.jsonl"), "utf8")
  .trimEnd()
  .split("\n");
const instances = lines.map((line) => (JSON.parse(line) as { instance: object }).instance);

async function main(): Promise<void> {
  if (process.argv[2] === "serve") return serve();
  const microseconds = inProcess();
  const server = spawn(process.execPath, [...process.execArgv, __filename, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const address = await new Promise<string>((ready) =>
      server.stdout.once("data", (text: Buffer) => ready(`${text.toString().trim()}/v1/predict`)),
    );
    await load(address, ["--duration", "3"]);
    const full = await load(address, ["--duration", String(SECONDS)]);
    const half = await load(address, [
      "--duration",
      String(SECONDS),
      "--overallRate",
      String(Math.round(full.requests.average / 2)),
    ]);
    printRows(rowsOf(microseconds, full, half));
  } finally {
    server.kill();
  }
}

function rowsOf(microseconds: number, full: Load, half: Load): object[] {
  return [
    {
      what: "prediction in process (beside MLeap's published figure)",
      ours: microseconds,
      other: MLEAP.microseconds,
      unit: "µs/row",
      ratio: microseconds,
      goal: { atMost: 2 },
    },
    {
      what: "prediction over HTTP, one row each (beside MLeap's)",
      ours: full.requests.average,
      other: MLEAP.requestsPerSecond,
      unit: "requests/s",
      ratio: full.requests.average,
      goal: { atLeast: 5000 },
    },
    { what: "latency, 99th percentile at half that load", ours: half.latency.p99, unit: "ms", goal: { atMost: 10 } },
    {
      what: "requests that failed",
      ours: full.non2xx + full.errors + half.non2xx + half.errors,
      unit: "requests",
      goal: { atMost: 0 },
    },
  ];
}

/** Microseconds per row over a second of predictions, after as many that warm up. */
function inProcess(): number {
  const model = new Model(parseBundle(bundle, "testdata"));
  let microseconds = 0;
  for (let phase = 0; phase < 2; phase += 1) {
    const began = performance.now();
    let rows = 0;
    for (; performance.now() - began < 1000; rows += instances.length) model.predict(instances);
    microseconds = ((performance.now() - began) * 1000) / rows;
  }
  return microseconds;
}

async function serve(): Promise<void> {
  const models = await fixedModel("gs://bench/model", async () => ({ text: bundle, generation: "1" }));
  const app = serverOf({ settings: { predictRoute: "/v1/predict", healthRoute: "/healthz" }, models });
  process.stdout.write(`${await app.listen({ port: 0, host: "127.0.0.1" })}\n`);
}

interface Load {
  requests: { average: number };
  latency: { p99: number };
  non2xx: number;
  errors: number;
}

/** Runs autocannon as a process of its own. */
function load(address: string, options: readonly string[]): Promise<Load> {
  const tool = createRequire(join(folder, "package.json")).resolve("autocannon/autocannon.js");
  const body = JSON.stringify({ instances: [instances[0]] });
  const request = [
    "--method",
    "POST",
    "--headers",
    "content-type=application/json",
    "--body",
    body,
    "--connections",
    String(CONNECTIONS),
  ];
  const child = spawn(process.execPath, [tool, "--json", ...request, ...options, address], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      const output = Buffer.concat(chunks).toString("utf8");
      if (code === 0) done(JSON.parse(output) as Load);
      else fail(new Error(`autocannon ended with exit code ${code}: ${output}`));
    });
  });
}

void main();
