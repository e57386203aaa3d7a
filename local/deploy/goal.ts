/** A resource as the program wants it, and what the engine answers. */
import type { ResourceState } from "./snapshot";
import type { Alias } from "./urn";
import type { Properties } from "./values";

export interface Goal {
  type: string;
  name: string;
  custom: boolean;
  properties: Properties;
  parent?: string;
  protect?: boolean;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
  /** `urn::id` of an explicit provider. */
  provider?: string;
  /** Explicit providers by package, for children. */
  providers: Record<string, string>;
  version?: string;
  deleteBeforeReplace?: boolean;
  ignoreChanges: string[];
  replaceOnChanges: string[];
  additionalSecretOutputs: string[];
  aliases: Alias[];
  customTimeouts: { create?: number; update?: number; delete?: number; read?: number };
  retainOnDelete?: boolean;
  deletedWith?: string;
}

export interface Registered {
  urn: string;
  id: string;
  outputs: Properties;
}

/** What a child takes over from its parent where it says nothing itself. Source: inheritFromParent in source_eval.go. */
export function inherit(goal: Goal, parent: Goal | undefined): Goal {
  if (!parent) return goal;
  return {
    ...goal,
    protect: goal.protect ?? parent.protect,
    retainOnDelete: goal.retainOnDelete ?? parent.retainOnDelete,
    deletedWith: goal.deletedWith || parent.deletedWith,
    providers: goal.custom ? goal.providers : { ...parent.providers, ...goal.providers },
  };
}

/** State of the goal before anything has been done for it; empty fields are left out, as the engine's serialisation does. */
export function stateOf(
  goal: Goal,
  urn: string,
  inputs: Properties,
  provider: string | undefined,
  alias: string | undefined,
): ResourceState {
  const list = <T>(items: readonly T[]) => (items.length > 0 ? [...items] : undefined);
  const record = <T>(entries: Record<string, T>) => (Object.keys(entries).length > 0 ? entries : undefined);
  return compact({
    urn,
    custom: goal.custom,
    type: goal.type,
    inputs,
    parent: goal.parent || undefined,
    protect: goal.protect || undefined,
    dependencies: list([...goal.dependencies].sort()),
    provider,
    propertyDependencies: record(goal.propertyDependencies),
    additionalSecretOutputs: list(goal.additionalSecretOutputs),
    aliases: alias ? [alias] : undefined,
    customTimeouts: record(compact(goal.customTimeouts)),
    retainOnDelete: goal.retainOnDelete || undefined,
    deletedWith: goal.deletedWith || undefined,
    ignoreChanges: list(goal.ignoreChanges),
    replaceOnChanges: list(goal.replaceOnChanges),
  });
}

export function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
