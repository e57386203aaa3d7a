/**
 * Deletions: what goes before a replacement is made, and what goes at the end because nobody declares it any more.
 * Source: calculateDependentReplacements, GenerateDeletes and ScheduleDeletes in pkg/resource/deploy/step_generator.go.
 */
import { allProblems, CancelledError, messageOf } from "./errors";
import { instanceOf } from "./instance";
import { isManaged, type FindProvider } from "./provider";
import { needsOf, type Entry, type ResourceState, type Snapshot } from "./snapshot";
import type { Steps } from "./steps";
import { providerUrn } from "./urn";
import { plain, UNKNOWN, type Properties } from "./values";

/** Old resources that would have to be replaced if `root` were, in dependency order. */
export function dependentReplacements(
  snapshot: Snapshot,
  root: Entry,
  claimed: ReadonlySet<number>,
  find: FindProvider,
): Entry[] {
  const replaced = new Set([root.state.urn]);
  return snapshot.old().filter(({ key, state }) => {
    // What this run has claimed already depends on other things now, or would have waited for the root.
    if (key === root.key || claimed.has(key) || !state.custom || state.pendingReplacement) return false;
    const follows = mustFollow(state, replaced, find);
    if (follows) replaced.add(state.urn);
    return follows;
  });
}

function mustFollow(state: ResourceState, replaced: ReadonlySet<string>, find: FindProvider): boolean {
  if (state.provider && replaced.has(providerUrn(state.provider))) return true;
  if (state.deletedWith && replaced.has(state.deletedWith)) return true;
  const touched = Object.entries(state.propertyDependencies ?? {}).filter(([, urns]) =>
    urns.some((urn) => replaced.has(urn)),
  );
  const provider = find(state.provider);
  if (touched.length === 0 || !provider) return false;
  const inputs: Properties = { ...plain(state.inputs ?? {}) };
  for (const [property] of touched) if (property in inputs) inputs[property] = UNKNOWN;
  return provider.diff(state.type, instanceOf(state), inputs).changes.some(({ replaces }) => replaces);
}

/** Deletes all that no registration has claimed: each as soon as everything that depends on it is gone. */
export async function condemnedSteps(steps: Steps, find: FindProvider, claimed: ReadonlySet<number>): Promise<void> {
  const condemned = steps.snapshot.old().filter(({ key, state }) => state.delete || !claimed.has(key));
  const isProtected = condemned.filter(({ state }) => state.protect && !state.delete);
  if (isProtected.length > 0)
    throw allProblems(
      "Protected resources would be deleted",
      isProtected.map(({ state }) => `${state.urn}. Set protect to false, run up, then delete it.`),
    );
  const isGoing = new Set(condemned.filter(({ state }) => !state.delete).map(({ state }) => state.urn));
  const dependents = new Map<string, Promise<void>[]>();
  // Dependents come later in the snapshot, so that going backwards they are there when they are waited for.
  const gone = condemned.reverse().map((entry) => {
    const before = Promise.all(dependents.get(entry.state.urn) ?? []);
    const removed = before.then(() => removeCondemned(steps, find, entry, isGoing));
    for (const urn of needsOf(entry.state)) dependents.set(urn, [...(dependents.get(urn) ?? []), removed]);
    return removed;
  });
  const results = await Promise.allSettled(gone);
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  // What waits for something that failed fails with the same error: each is told once.
  const messages = [...new Set(reasons.filter((reason) => !(reason instanceof CancelledError)).map(messageOf))];
  if (messages.length > 1) throw allProblems("Not everything could be deleted", messages);
  if (reasons.length > 0) throw reasons[0];
}

async function removeCondemned(
  steps: Steps,
  find: FindProvider,
  entry: Entry,
  isGoing: ReadonlySet<string>,
): Promise<void> {
  const { state } = entry;
  const isCalled =
    isManaged(state) &&
    !state.retainOnDelete &&
    !state.pendingReplacement &&
    !(state.deletedWith && isGoing.has(state.deletedWith));
  const kind = state.delete || state.pendingReplacement ? "delete-replaced" : "delete";
  const provider = isCalled ? find(state.provider) : undefined;
  if (isCalled && !provider) throw allProblems(state.urn, [`provider ${state.provider ?? ""}: not in the state`]);
  await steps.remove(kind, provider, entry, "forget");
}
