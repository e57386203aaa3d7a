/**
 * The deployment host against the loopback cloud: seconds of each operation on copies of the lab's mix of resources,
 * its growth, and its memory. The goals are for about as many resources as the lab's own program declares; the official
 * engine was seen to take 20 s, 5.5 s, 7.4 s and 47 s there, most of it fixed waits of its provider.
 */
import { join } from "node:path";
import { clientEnvironment } from "../cloud/door/client-environment";
import { deploy, type Operation } from "../deploy";
import { cloudMegabytes, printRows, withTemporaryLab } from "./temporary-lab";

/** Twelve resources, their component; and the stack's own beside them. */
const MIX = 13;
const COPIES = [1, 5, 10, 50];
/** Copies that make about the lab's 61 resources. */
const LIKE_LAB = 5;
const GOALS = { up: 8, "second up": 4, refresh: 7.4, destroy: 5 };

type Seconds = Record<"preview" | "up" | "second up" | "refresh" | "destroy", number>;

async function main(): Promise<void> {
  await withTemporaryLab(async (lab) => {
    // Brings the cloud up.
    await lab.sparklab("preview");
    const environment = { ...process.env, ...clientEnvironment(lab.folder) };
    const measured = new Map<number, Seconds>();
    for (const copies of chosen()) measured.set(copies, await measure(lab.folder, copies, environment));
    const rows = [...measured].flatMap(([copies, seconds]) => rowsOf(copies, seconds, measured.get(1)));
    printRows([...rows, ...memory(lab.folder)]);
  });
}

/** `node --import tsx local/bench/host.ts 1 5` measures only those. */
const chosen = () => (process.argv.length > 2 ? process.argv.slice(2).map(Number) : COPIES);

async function measure(folder: string, copies: number, environment: NodeJS.ProcessEnv): Promise<Seconds> {
  const run = async (operation: Operation, counts: object) => {
    const began = performance.now();
    const summary = await deploy({
      operation,
      program: join(__dirname, "host-program"),
      stack: "bench",
      lab: folder,
      config: { "host-bench:copies": String(copies), "gcp:project": "sparklab-local", "gcp:region": "us-central1" },
      environment,
    });
    const seconds = (performance.now() - began) / 1000;
    const expected = JSON.stringify(counts);
    if (JSON.stringify(summary.counts) !== expected || summary.result !== "succeeded")
      throw new Error(`${operation} of ${copies}: got ${JSON.stringify(summary)}; expected counts ${expected}`);
    process.stderr.write(
      `   ${copies} copies, ${operation}: ${seconds.toFixed(2)} s ${JSON.stringify(summary.durations)}\n`,
    );
    return seconds;
  };
  const all = copies * MIX + 1;
  return {
    preview: await run("preview", { create: all }),
    up: await run("up", { create: all }),
    "second up": await run("up", { same: all }),
    refresh: await run("refresh", { same: copies * (MIX - 1) }),
    destroy: await run("destroy", { delete: all }),
  };
}

function rowsOf(copies: number, seconds: Seconds, one: Seconds | undefined): object[] {
  const resources = copies * MIX + 1;
  const rows: object[] = Object.entries(seconds).map(([name, ours]) => {
    const atMost = copies === LIKE_LAB ? GOALS[name as keyof typeof GOALS] : undefined;
    return { what: `host: ${name}, ${resources} resources`, ours, unit: "s", ...(atMost && { goal: { atMost } }) };
  });
  if (copies > 10 && one)
    rows.push({
      what: `host: up, growth from ${MIX + 1} to ${resources} resources`,
      ours: seconds.up,
      other: one.up,
      unit: "s",
      goal: { atMost: copies },
    });
  return rows;
}

const memory = (lab: string) => [
  { what: "host: largest memory", ours: process.resourceUsage().maxRSS / 1024, unit: "MB" },
  { what: "host: memory of the cloud afterwards", ours: cloudMegabytes(lab), unit: "MB" },
];

void main();
