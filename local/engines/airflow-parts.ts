/** The processes of one Airflow: each started in a session of its own, and started again when it ends by itself. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SparkRun } from "./interface";
import { attach, start } from "./spark-process";
import { tail } from "./tail";

/** A part that lives shorter than this has not really started. */
const SETTLED_MS = 60_000;
/** How often a part may fail to start before the whole is given up. */
const ATTEMPTS = 3;
const TAIL_BYTES = 2000;

/** The parts of an Airflow and the words that start them. Logs of tasks are read from files: nobody serves them. */
export const PARTS = {
  api: ["api-server"],
  scheduler: ["scheduler", "--skip-serve-logs"],
  "dag-processor": ["dag-processor"],
  triggerer: ["triggerer", "--skip-serve-logs"],
} as const;
export type Part = keyof typeof PARTS;

export interface PartsOptions {
  /** Each part has its folder below it. */
  folder: string;
  parts: readonly Part[];
  python: string;
  command: (words: readonly string[]) => readonly string[];
  environment: Readonly<Record<string, string>>;
  workingFolder: string;
}

export class Parts {
  private readonly running = new Map<Part, SparkRun>();
  private stopping = false;
  /** Resolves when every part has ended for good: with the reason, if it was not asked for. */
  readonly ended: Promise<string | undefined>;

  constructor(private readonly options: PartsOptions) {
    const kept = options.parts.map((part) =>
      this.keep(part).catch((error: Error) => this.giveUp(`Airflow's ${part} was not started: ${error.message}`)),
    );
    this.ended = Promise.all(kept).then((reasons) => reasons.find((reason) => reason !== undefined));
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.running].map(([part, run]) => stopPart(part, run)));
    await this.ended;
  }

  /** Starts a part again until it is to end; gives why it did not stay, if so. */
  private async keep(part: Part): Promise<string | undefined> {
    for (let failed = 0; !this.stopping;) {
      const began = Date.now();
      const folder = join(this.options.folder, part);
      const run = await this.begin(part, folder);
      this.running.set(part, run);
      // Whoever stops them may have done so while this one began.
      if (this.stopping) await stopPart(part, run);
      const { exitCode, signal } = await run.ended;
      if (this.stopping) return undefined;
      failed = Date.now() - began < SETTLED_MS ? failed + 1 : 0;
      if (failed < ATTEMPTS) continue;
      return this.giveUp(
        `Airflow's ${part} ended (${signal ?? exitCode}) ${failed} times: ${await tail(join(folder, "output"), TAIL_BYTES)}`,
      );
    }
    return undefined;
  }

  /** One part that does not stay ends the others. */
  private async giveUp(reason: string): Promise<string> {
    this.stopping = true;
    await Promise.all([...this.running].map(([other, its]) => stopPart(other, its)));
    return reason;
  }

  private async begin(part: Part, folder: string): Promise<SparkRun> {
    const { python, command, environment, workingFolder } = this.options;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const argv = command(PARTS[part]);
    return start({ python, folder, argv, environment, workingFolder, output: join(folder, "output") });
  }
}

/** Ends the parts that an earlier cloud started in a folder, if they still run. */
export async function stopEarlierParts(folder: string): Promise<void> {
  const earlier = (Object.keys(PARTS) as Part[]).map(async (part) => {
    const run = attach(join(folder, part));
    if (run) await stopPart(part, run);
  });
  await Promise.all(earlier);
}

/**
 * A scheduler's children are the tasks that run. Asked to end, they would cancel the batches that they wait for; killed,
 * they are taken up by the next scheduler, which finds their batches.
 */
async function stopPart(part: Part, run: SparkRun): Promise<void> {
  if (part !== "scheduler") return run.stop();
  const isOver = await Promise.race([run.ended.then(() => true), new Promise<false>((no) => setImmediate(no, false))]);
  if (!isOver) killGroup(run.pid);
  await run.ended;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
