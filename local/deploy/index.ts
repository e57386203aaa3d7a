/**
 * The deployment host: runs an unchanged Pulumi program where no Pulumi CLI is installed. `deploy` reads the project
 * and the stack's configuration, starts Pulumi's own Node runtime on the program, serves it Pulumi's protocol, carries
 * out what it asks for through a provider, and keeps the state in the engine's own format.
 */
import { join } from "node:path";
import type { DeployEvent, PropertyChange, Summary } from "./events";
import { lock } from "./lock";
import type { DeployOptions } from "./options";
import { readProject } from "./project";
import { carryOut } from "./run";
import { openScene } from "./scene";

export type { DeployEvent, Emit, Operation, PhaseEvent, PropertyChange, StepEvent, StepKind, Summary } from "./events";
export type { DeployOptions } from "./options";
export { DeployError } from "./errors";
export { exportStack, importStack } from "./stack-state";

/** @throws DeployError for what a person can put right before anything was done; failures of steps are in the summary. */
export async function deploy(options: DeployOptions): Promise<Summary> {
  const began = performance.now();
  const project = await readProject(options.program);
  const folder = join(options.lab, "stacks");
  const release = await lock(join(folder, `${options.stack}.lock`), `${options.operation} ${options.stack}`);
  try {
    const summary = await carryOut(await openScene(options, project, folder));
    summary.durations.total = performance.now() - began;
    return summary;
  } finally {
    await release();
  }
}

/** A resource that is not as the state says. */
export interface Drift {
  urn: string;
  kind: "changed" | "gone";
  /** From what the state says to what is there; secrets are masked. */
  changes: PropertyChange[];
}

/** What a refresh would take over, in the order of the URNs; nothing is changed. */
export async function drift(
  options: Omit<DeployOptions, "operation" | "dryRun">,
): Promise<{ drift: Drift[]; summary: Summary }> {
  const found = new Map<string, Drift>();
  const onEvent = (event: DeployEvent) => {
    options.onEvent?.(event);
    if (event.type !== "step" || event.kind !== "refresh" || event.state !== "done" || event.changes.length === 0)
      return;
    const isGone = event.changes.some(({ path, kind }) => path === "id" && kind === "delete");
    found.set(event.urn, { urn: event.urn, kind: isGone ? "gone" : "changed", changes: event.changes });
  };
  const summary = await deploy({ ...options, operation: "refresh", dryRun: true, onEvent });
  return { drift: [...found.values()].sort((a, b) => (a.urn < b.urn ? -1 : 1)), summary };
}
