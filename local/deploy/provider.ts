/** What the engine asks of a resource provider, and how providers are found by package. */
import type { PropertyChange } from "./events";
import type { Properties } from "./values";

export interface CheckFailure {
  property: string;
  reason: string;
}

export interface Diff {
  changes: PropertyChange[];
  /** The old resource must go before the new one can be made. */
  deleteBeforeReplace: boolean;
}

/** State of a resource as the provider knows it. Values are plain: secrets open, references resolved. */
export interface Instance {
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/** What a function returned, or what was wrong with its arguments. */
export interface Invoked {
  outputs: Properties;
  failures: readonly CheckFailure[];
}

export interface CallOptions {
  /** Seconds, from the resource's customTimeouts. */
  timeout?: number;
}

/** A configured provider. `check`, `diff` and `preview` are pure, so that a step is decided without anything in between. */
export interface Provider {
  /** Validates and completes inputs. `olds` are the inputs of the resource that stays, undefined for a new one. */
  check: (
    type: string,
    urn: string,
    news: Properties,
    olds: Properties | undefined,
  ) => { inputs: Properties; failures: CheckFailure[] };
  diff: (type: string, old: Instance, news: Properties) => Diff;
  /** Outputs as far as they are known before the call: unknown strings elsewhere. */
  preview: (type: string, news: Properties, old?: Instance) => Properties;
  /** Names of properties that are secret by nature. */
  secrets: (type: string) => readonly string[];
  create: (type: string, inputs: Properties, options: CallOptions) => Promise<{ id: string; outputs: Properties }>;
  /** Undefined when the resource is gone. */
  read: (type: string, old: Instance, options: CallOptions) => Promise<Instance | undefined>;
  update: (type: string, old: Instance, news: Properties, options: CallOptions) => Promise<{ outputs: Properties }>;
  /** Succeeds when the resource is gone already. */
  delete: (type: string, old: Instance, options: CallOptions) => Promise<void>;
  /** Id of what a creation with these inputs makes, to look for it after a crash; undefined where the server chooses. */
  locate: (type: string, inputs: Properties) => string | undefined;
  /**
   * Ids of what is there just as these inputs ask for it, to find what a creation made whose answer was lost; undefined
   * where that cannot be asked.
   */
  search: (type: string, inputs: Properties) => Promise<readonly string[] | undefined>;
  invoke: (token: string, args: Properties) => Promise<Invoked>;
}

/** A package that can be deployed here. */
export interface ProviderPackage {
  /** Resource types and functions that it implements. */
  tokens: readonly string[];
  /** Problems of a provider's own configuration. */
  checkConfig: (config: Properties) => CheckFailure[];
  configure: (config: Properties, programRoot: string) => Provider;
}

export type ProviderPackages = Readonly<Record<string, ProviderPackage>>;

/** The provider of a reference `urn::id`, as a resource's state has it. */
export type FindProvider = (ref: string | undefined) => Provider | undefined;

export const PROVIDER_TYPE = "pulumi:providers:";
export const isProviderType = (type: string) => type.startsWith(PROVIDER_TYPE);
/** Whether a provider is called for it. */
export const isManaged = ({ custom, type }: { custom: boolean; type: string }) => custom && !isProviderType(type);
/** `gcp` of `gcp:storage/bucket:Bucket`. */
export const packageOf = (token: string) => token.split(":")[0] ?? "";
