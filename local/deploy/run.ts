/** One operation on one stack: its phases in their order, and what they have come to. */
import { CancelledError, DeployError } from "./errors";
import type { Summary } from "./events";
import { destroyPhase, programPhase, providersOf, refreshPhase, stopped, type Done } from "./phases";
import { startPolicyPacks } from "./policy";
import { Program } from "./program";
import { recoverPending } from "./recovery";
import type { Scene } from "./scene";
import { Snapshot } from "./snapshot";
import type { State } from "./state";
import type { Store } from "./steps";
import { makeUrn, STACK_TYPE } from "./urn";
import { hasUnknowns, isSecret, plain, type Properties } from "./values";

export async function carryOut(scene: Scene): Promise<Summary> {
  try {
    return summaryOf(scene, await perform(scene));
  } finally {
    await scene.state.fold();
  }
}

async function perform(scene: Scene): Promise<Done> {
  const { operation, dryRun } = scene.options;
  const isDry = operation === "preview" || dryRun === true;
  const failure = isDry ? undefined : await recover(scene);
  if (failure) return stopped(failure);
  const store = isDry ? previewStore(scene.state) : scene.state;
  if (operation === "refresh") return refreshPhase(scene, store, isDry);
  if (operation === "destroy") return destroyPhase(scene, store, isDry);
  const policies = startPolicyPacks(scene);
  // Whoever waits for them is told why they did not start; that may be later than they end.
  const started = policies.catch(() => undefined);
  try {
    return await runProgram(scene, operation, policies);
  } finally {
    await (await started)?.stop();
  }
}

/**
 * First what would be done, so that whatever is wrong with the program shows before the first change. The program of
 * the update is started when the preview has found something to do, and waits for the preview's end. Policy packs start
 * beside the first program; nothing of it runs before they are there.
 */
async function runProgram(
  scene: Scene,
  operation: "preview" | "up",
  policies: ReturnType<typeof startPolicyPacks>,
): Promise<Done> {
  const { skipPreview, policyPacks = [] } = scene.options;
  const update = (program: Program, planned?: Summary["counts"]) =>
    programPhase(scene, scene.state, { preview: false, program, policies, planned });
  if (operation === "up" && skipPreview && policyPacks.length === 0) return update(await Program.start(scene, false));
  let next: Promise<Program> | undefined;
  const scratch = previewStore(scene.state, () => {
    if (operation === "up") next ??= Program.start(scene, false);
  });
  let isOver = true;
  try {
    const program = await Program.start(scene, true);
    const preview = await programPhase(scene, scratch, { preview: true, program, policies });
    const isUnchanged = !scratch.isChanged() && !hasUnknowns(preview.outputs);
    isOver = operation === "preview" || preview.failure !== undefined || isUnchanged;
    return isOver ? preview : await update(await (next ?? Program.start(scene, false)), preview.counts);
  } finally {
    if (isOver) await (await next)?.close();
  }
}

/** Answers why nothing may be changed before a person has looked, if so. */
async function recover(scene: Scene): Promise<DeployError | undefined> {
  const { state, emit, options } = scene;
  const lost = await recoverPending(state, providersOf(scene, state).find, emit);
  // The official engine warns and would make it again; a refresh makes nothing.
  const severity = options.operation === "refresh" ? "warning" : "error";
  for (const one of lost) emit({ type: "diagnostic", severity, ...one });
  if (lost.length === 0 || severity === "warning") return undefined;
  return new DeployError("Interrupted creations are unresolved; nothing was changed");
}

function summaryOf(scene: Scene, { counts, outputs, failure: failed }: Done): Summary {
  const { options, project, signal, emit, errors, durations } = scene;
  const { operation, stack } = options;
  const failure = failed ?? unexpectedChanges(scene, counts);
  const isCancelled = signal.aborted && failure instanceof CancelledError;
  const result = failure ? (isCancelled ? "cancelled" : "failed") : "succeeded";
  const urn = makeUrn({ stack, project: project.name }, STACK_TYPE, `${project.name}-${stack}`);
  if (result === "succeeded") emit({ type: "outputs", urn, outputs });
  const secretOutputs = Object.keys(outputs).filter((name) => isSecret(outputs[name]));
  return { operation, result, counts, outputs: known(outputs), secretOutputs, errors, durations };
}

/** Source: HasChanges in pkg/engine/update.go: what is the same is no change. */
function unexpectedChanges(
  { options, emit }: Scene,
  { same: _, ...changes }: Summary["counts"],
): DeployError | undefined {
  const found = Object.entries(changes).map(([kind, count]) => `${count} to ${kind}`);
  if (!options.expectNoChanges || found.length === 0) return undefined;
  const message = `no changes were expected: got ${found.join(", ")}`;
  emit({ type: "diagnostic", severity: "error", message });
  return new DeployError(message);
}

/** A store in memory that remembers whether anything would have to be written. */
function previewStore(state: State, onChange?: () => void): Store & { isChanged: () => boolean } {
  const snapshot = new Snapshot(state.snapshot.ordered());
  let changed = false;
  return {
    snapshot,
    isChanged: () => changed,
    record: async (record, durable = true) => {
      snapshot.apply(record);
      if (durable) onChange?.();
      changed ||= durable;
    },
  };
}

const known = (outputs: Properties): Properties =>
  Object.fromEntries(Object.entries(plain(outputs)).filter(([, value]) => !hasUnknowns(value)));
