/** The phases of an operation: the program run against a store, and changes that the state alone decides. */
import { condemnedSteps } from "./deletion";
import { Deployment } from "./deployment";
import { CancelledError } from "./errors";
import type { Emit, Summary } from "./events";
import type { DeployOptions } from "./options";
import type { PolicyPacks } from "./policy";
import type { Project, StackConfig } from "./project";
import type { Providers } from "./providers";
import { refreshAll } from "./refresh";
import { isTold } from "./reports";
import type { StartedProgram } from "./started-program";
import { Steps, type Store } from "./steps";
import type { Properties } from "./values";

/** What all phases of one operation share. */
export interface Scene {
  options: DeployOptions;
  project: Project;
  config: StackConfig;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  durations: Summary["durations"];
  emit: Emit;
  /** Providers of one phase. */
  providers: () => Providers;
  /** They start beside the program; nothing of it runs before they are there. */
  policies?: Promise<PolicyPacks | undefined>;
}

export interface Done {
  counts: Summary["counts"];
  outputs: Properties;
  failure?: unknown;
}

/** Lets the program run; what it declares and what it no longer declares becomes steps. */
export async function programPhase(
  scene: Scene,
  store: Store,
  { preview, program, planned }: { preview: boolean; program: StartedProgram; planned?: Summary["counts"] },
): Promise<Done> {
  const { options, project, emit, durations } = scene;
  const began = performance.now();
  const phase = !preview ? "update" : options.operation === "up" ? "plan" : "preview";
  emit({ type: "phase", phase, ...(planned && { planned }) });
  try {
    const { failure } = options.refresh ? await refreshed(scene, store, preview) : {};
    if (failure) return { counts: {}, outputs: {}, failure };
    const deployment = new Deployment({
      ...stepsOptions(scene, store, preview),
      scope: { stack: options.stack, project: project.name },
      root: project.root,
      providers: scene.providers(),
      policies: await scene.policies,
    });
    await program.run(deployment);
    return { counts: deployment.steps.counts, outputs: deployment.stackOutputs(), failure: deployment.failure };
  } finally {
    durations[preview ? "preview" : "update"] = performance.now() - began;
    await program.close();
  }
}

/** Refresh and destroy need no program: the state says all. */
export async function statePhase(scene: Scene, store: Store, dryRun: boolean): Promise<Done> {
  const { options, durations, emit } = scene;
  const began = performance.now();
  if (options.operation === "refresh") {
    emit({ type: "phase", phase: "refresh" });
    const done = await refreshed(scene, store, dryRun);
    durations.update = performance.now() - began;
    return done;
  }
  emit({ type: "phase", phase: "destroy", planned: { delete: store.snapshot.ordered().filter(isTold).length } });
  const { failure: unread } = options.refresh ? await refreshed(scene, store, dryRun) : {};
  if (unread) return { counts: {}, outputs: {}, failure: unread };
  const steps = new Steps(stepsOptions(scene, store, dryRun));
  const providers = scene.providers();
  const failure = await failureOf(scene, () =>
    condemnedSteps(steps, (ref) => providers.get(ref, store.snapshot), new Set()),
  );
  durations.update = performance.now() - began;
  return { counts: steps.counts, outputs: {}, failure };
}

async function refreshed(scene: Scene, store: Store, dryRun: boolean): Promise<Done> {
  const countsRefresh = scene.options.operation === "refresh";
  const steps = new Steps({ ...stepsOptions(scene, store, dryRun), countsRefresh });
  const providers = scene.providers();
  const failure = await failureOf(scene, () => refreshAll(steps, (ref) => providers.get(ref, store.snapshot)));
  return { counts: steps.counts, outputs: {}, failure };
}

async function failureOf({ emit }: Scene, work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof CancelledError))
      emit({ type: "diagnostic", severity: "error", message: (error as Error).message });
    return error;
  }
}

function stepsOptions({ options, signal, emit }: Scene, store: Store, preview: boolean) {
  return { store, preview, parallel: options.parallel ?? 16, emit, signal, now: () => new Date() };
}
