/**
 * Deletions: what goes before a replacement is made, and what goes at the end because nobody declares it any more.
 * Source: calculateDependentReplacements, GenerateDeletes and ScheduleDeletes in pkg/resource/deploy/step_generator.go.
 */
import { isManaged } from "./decide";
import { allProblems, CancelledError, messageOf } from "./errors";
import type { Provider } from "./provider";
import { needsOf, type ResourceState, type Snapshot } from "./snapshot";
import { instanceOf } from "./instance";
import type { Entry, Steps } from "./steps";
import { providerUrn } from "./urn";
import { plain, UNKNOWN, type Properties } from "./values";

type FindProvider = (ref: string | undefined) => Provider | undefined;

/** Old resources that would have to be replaced if `root` were, in dependency order. */
export function dependentReplacements(
  snapshot: Snapshot,
  root: Entry,
  claimed: ReadonlySet<number>,
  find: FindProvider,
): Entry[] {
  const replaced = new Set([root.state.urn]);
  const doomed: Entry[] = [];
  for (const key of snapshot.base.keys()) {
    const state = snapshot.resources.get(key);
    // What this run has claimed already depends on other things now, or would have waited for the root.
    if (!state || key === root.key || claimed.has(key) || !state.custom || state.pendingReplacement) continue;
    if (!mustFollow(state, replaced, find)) continue;
    replaced.add(state.urn);
    doomed.push({ key, state });
  }
  return doomed;
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
  const { snapshot } = steps;
  const condemned: Entry[] = [];
  for (const key of snapshot.base.keys()) {
    const state = snapshot.resources.get(key);
    if (state && (state.delete || !claimed.has(key))) condemned.push({ key, state });
  }
  const isProtected = condemned.filter(({ state }) => state.protect && !state.delete);
  if (isProtected.length > 0)
    throw allProblems(
      "Protected resources would be deleted",
      isProtected.map(({ state }) => `${state.urn}. Set protect to false, run up, then delete it.`),
    );
  const gone = new Map<number, Promise<void>>();
  const isGoing = new Set(condemned.filter(({ state }) => !state.delete).map(({ state }) => state.urn));
  // Dependents come later in the snapshot, so that going backwards their promises are there when they are asked for.
  for (const entry of condemned.reverse()) {
    const dependents = condemned.filter(
      (other) => other.key !== entry.key && gone.has(other.key) && needsOf(other.state).includes(entry.state.urn),
    );
    const before = dependents.map(({ key }) => gone.get(key)!);
    gone.set(
      entry.key,
      Promise.all(before).then(() => removeCondemned(steps, find, entry, isGoing)),
    );
  }
  const results = await Promise.allSettled(gone.values());
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
