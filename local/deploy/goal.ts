/** A resource as the program wants it, and what the engine answers. */
import type { ResourceState } from "./snapshot";
import type { Alias } from "./urn";
import type { Properties } from "./values";

/** What the state keeps of a goal as it is. */
const KEPT = [
  "parent",
  "protect",
  "dependencies",
  "propertyDependencies",
  "additionalSecretOutputs",
  "customTimeouts",
  "retainOnDelete",
  "deletedWith",
  "ignoreChanges",
  "replaceOnChanges",
] as const;

export interface Goal extends Pick<ResourceState, "type" | "custom" | (typeof KEPT)[number]> {
  name: string;
  properties: Properties;
  /** `urn::id` of an explicit provider. */
  provider?: string;
  /** Explicit providers by package, for children. */
  providers?: Record<string, string>;
  version?: string;
  deleteBeforeReplace?: boolean;
  aliases?: Alias[];
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
  const kept = KEPT.map((key) => [key, goal[key]] as const).filter(([, value]) => !isEmpty(value));
  return compact({
    urn,
    custom: goal.custom,
    type: goal.type,
    inputs,
    provider,
    ...(Object.fromEntries(kept) as Partial<ResourceState>),
    ...(alias && { aliases: [alias] }),
  });
}

const isEmpty = (value: unknown) => !value || (typeof value === "object" && Object.keys(value).length === 0);

export function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
