/**
 * Makes the run that the recording is of, every path of the lab that a grant is for, in a lab of its own; then records it:
 * `npx tsx local/cloud/access/full-run.ts [LAB [STEP ...]]`. Without a folder the lab is a new one and removed at the end;
 * steps by name go on with a run that was interrupted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { OwnLab } from "./own-lab";
import { record } from "./record";

type Step = (lab: OwnLab) => Promise<string>;

const sparklab =
  (...words: string[]): Step =>
  (lab) =>
    lab.outputOf(...words);
const client =
  (...words: string[]): Step =>
  (lab) =>
    lab.client("full_run_client.py", ...words);

/** In this order; a message that cannot be followed needs five minutes to become a dead letter. */
const STEPS: Readonly<Record<string, Step>> = {
  up: sparklab("up", "--yes", "-c", "deployModels=true", "-c", "customImage=true"),
  message: client("publish"),
  train: sparklab("train"),
  dag: sparklab("dag", "run", "churn_batch_scoring", "--quiet"),
  query: client("query"),
  procedure: client("procedure"),
  function: client("call"),
  task: client("task"),
  metrics: client("metrics"),
  "notebook-batch": sparklab("notebook", "run", "01-explore"),
  "notebook-schedule": client("scheduled-notebook"),
  session: sparklab("notebook", "--execute", "01-explore", "06-pipeline"),
  drift: sparklab("drift"),
  "dead-letter": client("dead-letter"),
  down: sparklab("down"),
  record: async ({ folder }) => record(folder),
};

function stepsOf(asked: readonly string[]): [name: string, step: Step][] {
  const unknown = asked.filter((name) => !Object.hasOwn(STEPS, name));
  if (unknown.length > 0)
    throw new Error(`Steps: got ${unknown.join(", ")}; expected some of ${Object.keys(STEPS).join(", ")}.`);
  return Object.entries(STEPS).filter(([name]) => asked.length === 0 || asked.includes(name));
}

async function main([folder, ...asked]: readonly string[]): Promise<void> {
  const steps = stepsOf(asked);
  const own = folder ? undefined : mkdtempSync(join(tmpdir(), "sparklab-full-run-"));
  const lab = new OwnLab(own ?? resolve(folder!), process.env);
  for (const [name, step] of steps) {
    const began = performance.now();
    process.stdout.write(`${name} ...\n`);
    const output = await step(lab);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    process.stdout.write(`${output.replace(/^(?=.)/gm, "    ")}${name}: ${seconds} s\n`);
  }
  if (own) rmSync(own, { recursive: true });
}

if (require.main === module)
  main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
