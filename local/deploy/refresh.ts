/**
 * Reads what exists: to settle operations whose outcome a dead process never learned, and to bring the state up to
 * date with what was changed behind it.
 */
import { ignoring, isManaged, maskedChange } from "./decide";
import { DeployError } from "./errors";
import type { Emit, PropertyChange } from "./events";
import type { Instance, Provider } from "./provider";
import type { ResourceState } from "./snapshot";
import { instanceOf, sealOutputs } from "./instance";
import type { Entry, Steps, Store } from "./steps";
import { annotate, equal, plain, type Properties } from "./values";

type FindProvider = (ref: string | undefined) => Provider | undefined;

/**
 * Looks whether each interrupted creation happened and takes over what it made. An interrupted update or deletion
 * needs nothing: the state still holds what was before, and the next run does it again. A creation whose id the service
 * chose is looked for among all that is there and not in the state: the one that is just as it was asked for. One that
 * cannot be found or told from others stays pending. Answers what stays pending.
 * Source: printPendingOperationsWarning in pkg/resource/deploy/deployment_executor.go, and SnapshotManager.snap in
 * pkg/backend/snapshot.go, which keeps pending creations.
 */
export async function recoverPending(store: Store, find: FindProvider, emit: Emit): Promise<Lost[]> {
  const lost: Lost[] = [];
  for (const [token, { type, resource }] of [...store.snapshot.pending]) {
    const { urn } = resource;
    const provider = find(resource.provider);
    const found = type === "creating" ? await locate(store, provider, resource) : [];
    if (!found || found.length > 1) {
      lost.push({ urn, reason: found ? `it may be one of these: ${found.join(", ")}` : UNRESOLVED });
      continue;
    }
    emit({ type: "diagnostic", severity: "info", message: `"${type}" was interrupted: looking what came of it`, urn });
    const [id] = found;
    const record = id === undefined ? {} : await adopt(store, provider!, { ...resource, id });
    await store.record({ ...record, settle: [token] });
  }
  return lost;
}

/** An interrupted creation of which nobody knows whether it happened. */
export interface Lost {
  urn: string;
  reason: string;
}
const UNRESOLVED = "its id is the service's choice, so that it may exist without being known here";
const REMEDY =
  "Look for it and delete it; then remove the pending operation. npx sparklab state export, npx sparklab state import";
export const describeLost = ({ reason }: Lost) => `"creating" was interrupted: ${reason}. ${REMEDY}`;

/** Ids under which the creation's outcome may lie; undefined where it cannot be looked for. */
async function locate(
  { snapshot }: Store,
  provider: Provider | undefined,
  { type, inputs }: ResourceState,
): Promise<readonly string[] | undefined> {
  const asked = plain(inputs ?? {});
  const id = provider?.locate(type, asked);
  if (id !== undefined) return [id];
  const owned = new Set(
    [...snapshot.resources.values()].filter((other) => other.type === type).map((other) => other.id),
  );
  return (await provider?.search(type, asked))?.filter((other) => !owned.has(other));
}

async function adopt({ snapshot }: Store, provider: Provider, resource: ResourceState) {
  const found = await provider.read(resource.type, instanceOf(resource), {});
  if (!found) return {};
  const time = new Date().toISOString();
  const outputs = sealOutputs(provider, resource, found.outputs);
  const inputs = annotate(found.inputs, resource.inputs ?? {}) as Properties;
  const made: ResourceState = { ...resource, id: found.id, inputs, outputs, created: time, modified: time };
  const put = [{ key: snapshot.newKey(), resource: made }];
  const old = [...snapshot.resources].find(([, state]) => state.urn === resource.urn && !state.delete);
  if (!old) return { put };
  const [key, state] = old;
  const isSame = state.pendingReplacement || state.id === found.id;
  return isSame ? { put, drop: [key] } : { put: [...put, { key, resource: { ...state, delete: true } }] };
}

/**
 * Reads every resource of the state; what is gone is dropped, what differs is taken over. A change is what the next up
 * would undo: what was read is diffed against the inputs as they stand, and the diff is told the other way round.
 * Source: RefreshStep.Apply and ResultOp in pkg/resource/deploy/step.go, DiffResult.Invert in
 * sdk/go/common/resource/plugin/provider.go.
 */
export async function refreshAll(steps: Steps, find: FindProvider): Promise<void> {
  const entries = [...steps.snapshot.base.keys()].map((key) => ({ key, state: steps.snapshot.resources.get(key) }));
  const real = entries.filter(
    (entry): entry is Entry => entry.state !== undefined && isManaged(entry.state) && !entry.state.pendingReplacement,
  );
  const results = await Promise.allSettled(real.map((entry) => refreshOne(steps, find, entry)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

async function refreshOne(steps: Steps, find: FindProvider, { key, state }: Entry): Promise<void> {
  const provider = find(state.provider);
  if (!provider) throw new DeployError(`${state.urn}: provider ${state.provider ?? ""} is not in the state`);
  // What was found is known only when the step is over; the same list is then told as its changes.
  const changes: PropertyChange[] = [];
  await steps.perform("refresh", undefined, state, changes, async (options) => {
    const found = await provider.read(state.type, instanceOf(state), {
      ...options,
      timeout: state.customTimeouts?.read,
    });
    if (!found) {
      changes.push({ path: "id", kind: "delete", old: state.id, replaces: false });
      steps.reports.countRefreshed("delete");
      return { drop: [key] };
    }
    const outputs = sealOutputs(provider, state, found.outputs);
    const inputs = annotate(found.inputs, state.inputs ?? {}) as Properties;
    changes.push(...differences(provider, state, found, { inputs, outputs }));
    steps.reports.countRefreshed(changes.length === 0 ? "same" : "update");
    // What the service alone decides (etags, times) is taken over, but is no change.
    const isAsBefore =
      equal(plain(state.outputs ?? {}), plain(outputs)) && equal(plain(state.inputs ?? {}), plain(inputs));
    if (isAsBefore && found.id === state.id) return {};
    const next = { ...state, id: found.id, inputs, outputs, modified: new Date().toISOString() };
    return { put: [{ key, resource: next }] };
  });
}

function differences(
  provider: Provider,
  state: ResourceState,
  found: Instance,
  sealed: { inputs: Properties; outputs: Properties },
): PropertyChange[] {
  const wanted = ignoring(state.ignoreChanges ?? [], sealed.inputs, state.inputs ?? {});
  return provider
    .diff(state.type, found, plain(wanted))
    .changes.map((change) => maskedChange(inverted(change), state.inputs ?? {}, sealed.inputs));
}

const INVERSE = { add: "delete", delete: "add", update: "update" } as const;
const inverted = ({ path, kind, old, new: now }: PropertyChange): PropertyChange => ({
  path,
  kind: INVERSE[kind],
  old: now,
  new: old,
  replaces: false,
});
