/** Settles operations whose outcome a dead process never learned. */
import type { Emit } from "./events";
import { instanceOf, withRead } from "./instance";
import type { FindProvider, Provider } from "./provider";
import type { JournalRecord, ResourceState } from "./snapshot";
import type { Store } from "./steps";
import { plain } from "./values";

/** An interrupted creation of which nobody knows whether it happened. */
export interface Lost {
  urn: string;
  message: string;
}
const UNRESOLVED = "its id is the service's choice, so that it may exist without being known here";
const REMEDY =
  "Look for it and delete it; then remove the pending operation. npx sparklab state export, npx sparklab state import";

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
      const reason = found ? `it may be one of these: ${found.join(", ")}` : UNRESOLVED;
      lost.push({ urn, message: `"creating" was interrupted: ${reason}. ${REMEDY}` });
      continue;
    }
    emit({ type: "diagnostic", severity: "info", message: `"${type}" was interrupted: looking what came of it`, urn });
    const [id] = found;
    const record = id === undefined ? {} : await adopt(store, provider!, { ...resource, id });
    await store.record({ ...record, settle: [token] });
  }
  return lost;
}

/** Ids under which the creation's outcome may lie; undefined where it cannot be looked for. */
async function locate(
  { snapshot }: Store,
  provider: Provider | undefined,
  { type, inputs }: ResourceState,
): Promise<readonly string[] | undefined> {
  const asked = plain(inputs ?? {});
  const id = provider?.locate(type, asked);
  if (id !== undefined) return [id];
  const owned = [...snapshot.resources.values()].filter((other) => other.type === type).map((other) => other.id);
  return (await provider?.search(type, asked))?.filter((other) => !owned.includes(other));
}

async function adopt({ snapshot }: Store, provider: Provider, resource: ResourceState): Promise<JournalRecord> {
  const found = await provider.read(resource.type, instanceOf(resource), {});
  if (!found) return {};
  const time = new Date().toISOString();
  const state: ResourceState = { ...withRead(provider, resource, found), created: time, modified: time };
  const put = [{ key: snapshot.newKey(), state }];
  const old = [...snapshot.resources].find(([, other]) => other.urn === resource.urn && !other.delete);
  if (!old) return { put };
  const [key, before] = old;
  const isSame = before.pendingReplacement || before.id === found.id;
  return isSame ? { put, drop: [key] } : { put: [...put, { key, state: { ...before, delete: true } }] };
}
