/** Reads what exists, to bring the state up to date with what was changed behind it. */
import { ignoring, maskedChange } from "./decide";
import { DeployError } from "./errors";
import type { PropertyChange } from "./events";
import { instanceOf, withRead } from "./instance";
import { isManaged, type FindProvider, type Instance, type Provider } from "./provider";
import type { Entry, ResourceState } from "./snapshot";
import type { Steps } from "./steps";
import { equal, plain } from "./values";

/**
 * Reads every resource of the state; what is gone is dropped, what differs is taken over. A change is what the next up
 * would undo: what was read is diffed against the inputs as they stand, and the diff is told the other way round.
 * Source: RefreshStep.Apply and ResultOp in pkg/resource/deploy/step.go, DiffResult.Invert in
 * sdk/go/common/resource/plugin/provider.go.
 */
export async function refreshAll(steps: Steps, find: FindProvider): Promise<void> {
  const real = steps.snapshot.old().filter(({ state }) => isManaged(state) && !state.pendingReplacement);
  const results = await Promise.allSettled(real.map((entry) => refreshOne(steps, find, entry)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function refreshOne(steps: Steps, find: FindProvider, { key, state }: Entry): Promise<void> {
  const provider = find(state.provider);
  if (!provider) throw new DeployError(`${state.urn}: provider ${state.provider ?? ""} is not in the state`);
  // What was found is known only when the step is over; the same list is then told as its changes.
  const changes: PropertyChange[] = [];
  await steps.perform("refresh", undefined, state, changes, async () => {
    const found = await provider.read(state.type, instanceOf(state), { timeout: state.customTimeouts?.read });
    if (!found) {
      changes.push({ path: "id", kind: "delete", old: state.id, replaces: false });
      steps.count("delete");
      return { drop: [key] };
    }
    const read = withRead(provider, state, found);
    changes.push(...differences(provider, state, found, read));
    steps.count(changes.length === 0 ? "same" : "update");
    // What the service alone decides (etags, times) is taken over, but is no change.
    const isAsBefore = equal(values(state), values(read)) && found.id === state.id;
    return isAsBefore ? {} : { put: [{ key, state: { ...read, modified: new Date().toISOString() } }] };
  });
}

const values = ({ inputs = {}, outputs = {} }: ResourceState) => plain({ inputs, outputs });

function differences(
  provider: Provider,
  state: ResourceState,
  found: Instance,
  { inputs = {} }: ResourceState,
): PropertyChange[] {
  const wanted = ignoring(state.ignoreChanges ?? [], inputs, state.inputs ?? {});
  return provider
    .diff(state.type, found, plain(wanted))
    .changes.map((change) => maskedChange(inverted(change), state.inputs ?? {}, inputs));
}

const INVERSE = { add: "delete", delete: "add", update: "update" } as const;
const inverted = ({ path, kind, old, new: now }: PropertyChange): PropertyChange => ({
  path,
  kind: INVERSE[kind],
  old: now,
  new: old,
  replaces: false,
});
