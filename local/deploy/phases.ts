/** The phases of an operation: the program run against a store, and changes that the state alone decides. */
import { condemnedSteps } from "./deletion";
import { Deployment } from "./deployment";
import { CancelledError, DeployError } from "./errors";
import type { DeployEvent, Emit, Summary } from "./events";
import { startMonitor } from "./monitor";
import type { DeployOptions } from "./options";
import type { PolicyPacks } from "./policy";
import { startProgram } from "./program";
import type { Project, StackConfig } from "./project";
import type { Providers } from "./providers";
import { refreshAll } from "./refresh";
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
  policies?: PolicyPacks;
}

export interface Done {
  counts: Summary["counts"];
  outputs: Properties;
  failure?: unknown;
}

/** Runs the program; what it declares and what it no longer declares becomes steps. */
export async function programPhase(scene: Scene, store: Store, preview: boolean): Promise<Done> {
  const { options, project, emit, durations } = scene;
  const began = performance.now();
  emit({ type: "phase", phase: preview ? "preview" : "update" });
  const { failure } = options.refresh ? await refreshed(scene, store, preview) : {};
  if (failure) return { counts: {}, outputs: {}, failure };
  const deployment = new Deployment({
    ...stepsOptions(scene, store, preview),
    scope: { stack: options.stack, project: project.name },
    root: project.root,
    providers: scene.providers(),
    policies: scene.policies,
  });
  await scene.policies?.begin(preview);
  await runProgram(scene, deployment, preview, began);
  durations[preview ? "preview" : "update"] = performance.now() - began;
  return { counts: deployment.steps.counts, outputs: deployment.stackOutputs(), failure: deployment.failure };
}

async function runProgram(scene: Scene, deployment: Deployment, preview: boolean, began: number): Promise<void> {
  const { options, project, durations } = scene;
  const onFirstResource = () => void (durations.programStart ??= performance.now() - began);
  const stopping = AbortSignal.any([scene.signal, deployment.failing.signal]);
  const emit = quietly(scene.emit, stopping);
  const monitor = await startMonitor({ deployment, root: project.root, emit, onFirstResource });
  try {
    const program = startProgram({
      project,
      stack: options.stack,
      config: scene.config,
      address: monitor.address,
      parallel: options.parallel ?? 16,
      dryRun: preview,
      environment: scene.environment,
      emit,
    });
    // Nothing that the program could still ask for would be done.
    const stop = () => void deployment.steps.whenIdle().then(program.stop);
    stopping.addEventListener("abort", stop);
    if (stopping.aborted) stop();
    const { failure, told } = await program.ended.finally(() => stopping.removeEventListener("abort", stop));
    await deployment.steps.whenIdle();
    if (scene.signal.aborted) deployment.failure ??= new CancelledError();
    if (failure && told) deployment.failure ??= new DeployError("The program failed");
    else if (failure && !deployment.failure) deployment.fail(new DeployError(failure));
    await deployment.finish();
  } finally {
    await monitor.close();
  }
}

/** Once its engine answers no more, all that a program complains about is that: the reason was told before. */
function quietly(emit: Emit, stopping: AbortSignal): Emit {
  return (event: DeployEvent) => {
    if (event.type === "diagnostic" && event.severity !== "info" && stopping.aborted) return;
    emit(event);
  };
}

/** Refresh and destroy need no program: the state says all. */
export async function statePhase(scene: Scene, store: Store, dryRun: boolean): Promise<Done> {
  const { options, durations, emit } = scene;
  const began = performance.now();
  const phase = options.operation === "destroy" ? "destroy" : "refresh";
  emit({ type: "phase", phase });
  if (phase === "refresh") {
    const done = await refreshed(scene, store, dryRun);
    durations.update = performance.now() - began;
    return done;
  }
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
