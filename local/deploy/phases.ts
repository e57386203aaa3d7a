/** The phases of an operation: the program run against a store, and changes that the state alone decides. */
import { condemnedSteps } from "./deletion";
import { Deployment } from "./deployment";
import { CancelledError, messageOf } from "./errors";
import type { Summary } from "./events";
import { gcpPackage } from "./gcp/provider";
import type { PolicyPacks } from "./policy";
import type { Program } from "./program";
import { Providers } from "./providers";
import { refreshAll } from "./refresh";
import type { Scene } from "./scene";
import { isTold, Steps, type Store } from "./steps";
import type { Properties } from "./values";

/** What a phase has come to. */
export interface Done {
  counts: Summary["counts"];
  outputs: Properties;
  failure?: unknown;
}

export const stopped = (failure: unknown): Done => ({ counts: {}, outputs: {}, failure });

export interface ProgramPhase {
  preview: boolean;
  program: Program;
  policies: Promise<PolicyPacks | undefined>;
  planned?: Summary["counts"];
}

/** Lets the program run; what it declares and what it no longer declares becomes steps. */
export async function programPhase(
  scene: Scene,
  store: Store,
  { preview, program, policies, planned }: ProgramPhase,
): Promise<Done> {
  const { options, project, emit } = scene;
  const phase = !preview ? "update" : options.operation === "up" ? "plan" : "preview";
  emit({ type: "phase", phase, ...(planned && { planned }) });
  const run = async (): Promise<Done> => {
    const unread = await refreshedFirst(scene, store, preview);
    if (unread) return stopped(unread);
    const deployment = new Deployment({
      ...stepsOptions(scene, store, preview),
      scope: { stack: options.stack, project: project.name },
      root: project.root,
      providers: providersOf(scene, store),
      policies: await policies,
    });
    await program.run(deployment);
    return { counts: deployment.steps.counts, outputs: deployment.stackOutputs(), failure: deployment.failure };
  };
  try {
    return await timed(scene, preview ? "preview" : "update", run);
  } finally {
    await program.close();
  }
}

/** Needs no program: the state says what to read. */
export async function refreshPhase(scene: Scene, store: Store, preview: boolean): Promise<Done> {
  scene.emit({ type: "phase", phase: "refresh" });
  return timed(scene, "update", () => refreshed(scene, store, preview));
}

/** Needs no program: all that the state knows goes. */
export async function destroyPhase(scene: Scene, store: Store, preview: boolean): Promise<Done> {
  scene.emit({ type: "phase", phase: "destroy", planned: { delete: store.snapshot.ordered().filter(isTold).length } });
  return timed(scene, "update", async () => {
    const unread = await refreshedFirst(scene, store, preview);
    if (unread) return stopped(unread);
    const steps = new Steps(stepsOptions(scene, store, preview));
    return outcome(scene, steps, condemnedSteps(steps, providersOf(scene, store).find, new Set()));
  });
}

/** Providers of one phase. */
export const providersOf = ({ options, environment, config, project }: Scene, store: Store) =>
  new Providers(options.packages ?? { gcp: gcpPackage(environment) }, config.values, project.root, store);

async function timed<T>({ durations }: Scene, name: "preview" | "update", work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    return await work();
  } finally {
    durations[name] = performance.now() - began;
  }
}

async function refreshed(scene: Scene, store: Store, preview: boolean): Promise<Done> {
  const steps = new Steps(stepsOptions(scene, store, preview));
  return outcome(scene, steps, refreshAll(steps, providersOf(scene, store).find));
}

/** Before another phase, if it is asked for; what it finds is not counted. Answers what it failed with. */
async function refreshedFirst(scene: Scene, store: Store, preview: boolean): Promise<unknown> {
  return scene.options.refresh ? (await refreshed(scene, store, preview)).failure : undefined;
}

async function outcome({ emit }: Scene, { counts }: Steps, work: Promise<void>): Promise<Done> {
  try {
    await work;
    return { counts, outputs: {} };
  } catch (error) {
    if (!(error instanceof CancelledError)) emit({ type: "diagnostic", severity: "error", message: messageOf(error) });
    return { counts, outputs: {}, failure: error };
  }
}

const stepsOptions = ({ parallel, signal, emit }: Scene, store: Store, preview: boolean) => ({
  ...{ store, preview, parallel, emit, signal },
});
