/** Between the engine's state of a resource and what its provider sees of it. */
import { isDeepStrictEqual } from "node:util";
import { compact } from "./goal";
import type { Instance, Provider } from "./provider";
import type { ResourceState } from "./snapshot";
import { annotate, plain, secret, type Properties } from "./values";

export const instanceOf = (state: ResourceState): Instance => ({
  id: state.id ?? "",
  inputs: plain(state.inputs ?? {}),
  outputs: plain(state.outputs ?? {}),
});

/** The state with what was read of the resource. */
export const withRead = (provider: Provider, state: ResourceState, { id, inputs, outputs }: Instance) => ({
  ...{ ...state, id },
  inputs: annotate(inputs, state.inputs ?? {}) as Properties,
  outputs: sealOutputs(provider, state, outputs),
});

/** Whether the state file need not be written for this. Source: sameSnapshotMutation.mustWrite in pkg/backend/snapshot.go. */
export function sameState(a: ResourceState, b: ResourceState): boolean {
  const essence = ({ sourcePosition: _, stackTrace: __, ...state }: ResourceState) => compact(state);
  return isDeepStrictEqual(essence(a), essence(b));
}

/** Outputs with everything secret that came from a secret input, is secret by nature or was declared to be. */
export function sealOutputs(provider: Provider, state: ResourceState, outputs: Properties): Properties {
  const names = new Set([...provider.secrets(state.type), ...(state.additionalSecretOutputs ?? [])]);
  const annotated = annotate(outputs, state.inputs ?? {}) as Properties;
  return Object.fromEntries(
    Object.entries(annotated).map(([key, value]) => [key, names.has(key) && value !== null ? secret(value) : value]),
  );
}
