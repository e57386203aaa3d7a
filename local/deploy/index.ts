/**
 * The deployment host: runs an unchanged Pulumi program where no Pulumi CLI is installed. `deploy` reads the project
 * and the stack's configuration, starts Pulumi's own Node runtime on the program, serves it Pulumi's protocol, carries
 * out what it asks for through a provider, and keeps the state in the engine's own format.
 */
import { join } from "node:path";
import type { Summary } from "./events";
import { lock } from "./lock";
import { readProject } from "./project";
import { exportState } from "./state";
import { Run, type DeployOptions } from "./run";

export type { DeployEvent, Emit, Operation, StepEvent, StepKind, Summary } from "./events";
export type { DeployOptions } from "./run";
export { DeployError } from "./errors";

/** @throws DeployError for what a person can put right before anything was done; failures of steps are in the summary. */
export async function deploy(options: DeployOptions): Promise<Summary> {
  const began = performance.now();
  const project = await readProject(options.program);
  const folder = join(options.lab, "stacks");
  const release = await lock(join(folder, `${options.stack}.lock`), `${options.operation} ${options.stack}`);
  try {
    const run = await Run.begin(options, project, folder);
    const summary = await run.carryOut();
    summary.durations.total = performance.now() - began;
    run.display.close(summary);
    return summary;
  } finally {
    await release();
  }
}

/** The deployment as the Pulumi CLI's `stack export` writes it; no resources if the stack was never brought up. */
export function exportStack({ lab, stack }: { lab: string; stack: string }) {
  return exportState(join(lab, "stacks"), stack);
}
