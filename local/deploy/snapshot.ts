/**
 * What a stack holds, in the engine's deployment format, and how one journal record changes it.
 * Source: sdk/go/common/apitype/core.go (ResourceV3, OperationV2) of github.com/pulumi/pulumi.
 */
import { providerUrn } from "./urn";
import type { Properties } from "./values";

export interface ResourceState {
  urn: string;
  custom: boolean;
  delete?: boolean;
  id?: string;
  type: string;
  inputs?: Properties;
  outputs?: Properties;
  parent?: string;
  protect?: boolean;
  dependencies?: string[];
  initErrors?: string[];
  provider?: string;
  propertyDependencies?: Record<string, string[]>;
  pendingReplacement?: boolean;
  additionalSecretOutputs?: string[];
  aliases?: string[];
  customTimeouts?: { create?: number; update?: number; delete?: number; read?: number };
  retainOnDelete?: boolean;
  deletedWith?: string;
  created?: string;
  modified?: string;
  /** Where a program registers it, as the official engine notes it. */
  sourcePosition?: string;
  stackTrace?: { sourcePosition?: string }[];
  /** Marked to be replaced by the next up. */
  taint?: boolean;
  ignoreChanges?: string[];
  replaceOnChanges?: string[];
}

/** A resource by the key that it has in this run. */
export interface Entry {
  key: number;
  state: ResourceState;
}

export type OperationType = "creating" | "updating" | "deleting";
export interface PendingOperation {
  type: OperationType;
  resource: ResourceState;
}

/** One atomic change; an operation has a token as a resource has a key. */
export interface JournalRecord {
  put?: Entry[];
  drop?: number[];
  begin?: { token: number; operation: PendingOperation };
  settle?: number[];
}

/** Ordered so that each resource follows what it depends on: what this run has registered, then what it has not yet. */
export class Snapshot {
  readonly resources = new Map<number, ResourceState>();
  readonly pending = new Map<number, PendingOperation>();
  private readonly fresh: number[] = [];
  private next: number;

  constructor(
    private readonly base: readonly ResourceState[],
    pending: readonly PendingOperation[] = [],
  ) {
    base.forEach((resource, key) => this.resources.set(key, resource));
    pending.forEach((operation, token) => this.pending.set(-1 - token, operation));
    this.next = base.length;
  }

  /** A key for a resource or token for an operation that this run adds. */
  newKey(): number {
    return this.next++;
  }

  apply({ put = [], drop = [], begin, settle = [] }: JournalRecord): void {
    for (const { key, state } of put) {
      if (key >= this.base.length && !this.resources.has(key)) this.fresh.push(key);
      this.resources.set(key, state);
      this.next = Math.max(this.next, key + 1);
    }
    for (const key of drop) this.resources.delete(key);
    for (const token of settle) this.pending.delete(token);
    if (begin) {
      this.pending.set(begin.token, begin.operation);
      this.next = Math.max(this.next, begin.token + 1);
    }
  }

  ordered(): ResourceState[] {
    return [...this.fresh.flatMap((key) => this.resources.get(key) ?? []), ...this.old().map(({ state }) => state)];
  }

  /** What was there before this run and still is, in its order. */
  old(): Entry[] {
    return [...this.base.keys()].flatMap((key) => {
      const state = this.resources.get(key);
      return state ? [{ key, state }] : [];
    });
  }
}

/** All that must be there before the resource is, whatever makes it so. */
export function needsOf(state: ResourceState): string[] {
  const { parent, provider, deletedWith, dependencies = [], propertyDependencies = {} } = state;
  const named = [parent, provider && providerUrn(provider), deletedWith];
  const urns = [...named, ...dependencies, ...Object.values(propertyDependencies).flat()];
  return [...new Set(urns.filter((urn): urn is string => urn !== undefined && urn !== ""))];
}

/**
 * What refers to a resource that does not come before it.
 * Source: VerifyIntegrity in pkg/resource/deploy/snapshot.go of github.com/pulumi/pulumi.
 */
export function brokenReferences(resources: readonly ResourceState[]): string[] {
  const seen = new Set<string>();
  return resources.flatMap((state) => {
    const missing = needsOf(state).filter((urn) => !seen.has(urn));
    seen.add(state.urn);
    return missing.map((urn) => `${state.urn}: refers to ${urn}, which does not come before it`);
  });
}
