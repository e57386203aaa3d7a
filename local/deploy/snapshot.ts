/**
 * What a stack holds, in the engine's deployment format, and how one journal record changes it.
 * Source: sdk/go/common/apitype/core.go (DeploymentV3, ResourceV3, OperationV2) of github.com/pulumi/pulumi.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { allProblems, checked, DeployError } from "./errors";
import type { Crypter } from "./secrets";
import { providerUrn } from "./urn";
import { isObject, isSecret, mapValue, SECRET, SIGNATURE, type Properties, type Value } from "./values";

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

export type OperationType = "creating" | "updating" | "deleting";
export interface PendingOperation {
  type: OperationType;
  resource: ResourceState;
}

/** One atomic change: resources by the key they have in this run, operations by theirs. */
export interface JournalRecord {
  put?: { key: number; resource: ResourceState }[];
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
    readonly base: readonly ResourceState[],
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

  apply(record: JournalRecord): void {
    for (const { key, resource } of record.put ?? []) {
      if (key >= this.base.length && !this.resources.has(key)) this.fresh.push(key);
      this.resources.set(key, resource);
      this.next = Math.max(this.next, key + 1);
    }
    for (const key of record.drop ?? []) this.resources.delete(key);
    for (const token of record.settle ?? []) this.pending.delete(token);
    if (record.begin) {
      this.pending.set(record.begin.token, record.begin.operation);
      this.next = Math.max(this.next, record.begin.token + 1);
    }
  }

  ordered(): ResourceState[] {
    const keys = [...this.fresh, ...this.base.keys()];
    return keys.map((key) => this.resources.get(key)).filter((resource) => resource !== undefined);
  }
}

const stateFile = z.object({
  version: z.literal(3),
  deployment: z.looseObject({
    manifest: z.object({ time: z.string(), magic: z.string(), version: z.string() }).loose(),
    secrets_providers: z.object({ type: z.string(), state: z.unknown() }).optional(),
    resources: z.array(z.looseObject({ urn: z.string(), type: z.string(), custom: z.boolean() })).optional(),
    pending_operations: z
      .array(z.looseObject({ type: z.string(), resource: z.looseObject({ urn: z.string() }) }))
      .optional(),
  }),
});
export type StateFile = z.infer<typeof stateFile>;

export function parseStateFile(text: string, where: string, remedy: string): StateFile {
  const unusable = `${where}: not a deployment that can be used; ${remedy}`;
  const refuse = (problems: string[]) => allProblems(unusable, problems);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw refuse([`content: ${(error as Error).message}`]);
  }
  const file = checked(stateFile, raw, unusable);
  const { manifest, secrets_providers: secrets } = file.deployment;
  if (magic(manifest.version) !== manifest.magic) throw refuse(["deployment.manifest.magic: does not fit the version"]);
  if (secrets && secrets.type !== "passphrase")
    throw refuse([`deployment.secrets_providers.type: got ${secrets.type}; only passphrase can be used here`]);
  const refused = (file.deployment.resources ?? []).flatMap((resource) =>
    UNIMPLEMENTED.filter((field) => resource[field] !== undefined).map(
      (field) => `${resource.urn}: ${field}: cannot be used here`,
    ),
  );
  if ("snippets" in file.deployment) refused.push("deployment.snippets: cannot be used here");
  if (refused.length > 0) throw refuse(refused);
  return file;
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

/** Fields of a resource's state that ask the engine for something that this one does not do. */
const UNIMPLEMENTED = [
  "external",
  "replaceWith",
  "replacementTrigger",
  "refreshBeforeUpdate",
  "viewOf",
  "resourceHooks",
  "hideDiff",
];

/** What the file holds, with its secrets open. */
export function openSnapshot(file: StateFile | undefined, crypter: Crypter): Snapshot {
  const open = (resource: unknown) => opened(resource as ResourceState, crypter);
  const { resources = [], pending_operations: pending = [] } = file?.deployment ?? {};
  const operations = pending.map(({ type, resource }) => ({ type: type as OperationType, resource: open(resource) }));
  return new Snapshot(resources.map(open), operations);
}

/** The salt in a state file, if it has one. */
export function saltOf(file: StateFile | undefined): string | undefined {
  const state = file?.deployment.secrets_providers?.state as { salt?: unknown } | undefined;
  return typeof state?.salt === "string" ? state.salt : undefined;
}

export function formatStateFile(snapshot: Snapshot, crypter: Crypter, version: string, time: string): string {
  const pending = [...snapshot.pending.values()];
  const deployment = {
    manifest: { time, magic: magic(version), version },
    secrets_providers: { type: "passphrase", state: { salt: crypter.salt } },
    resources: snapshot.ordered().map((resource) => sealed(resource, crypter)),
    ...(pending.length > 0 && {
      pending_operations: pending.map(({ type, resource }) => ({ resource: sealed(resource, crypter), type })),
    }),
    metadata: {},
  };
  return `${JSON.stringify({ version: 3, deployment }, undefined, 4)}\n`;
}

/** The resource as it lies on disk: each secret encrypted. */
export function sealed(resource: ResourceState, crypter: Crypter): ResourceState {
  const seal = (inner: Value) =>
    isSecret(inner) ? { [SIGNATURE]: SECRET, ciphertext: crypter.encrypt(JSON.stringify(inner.value ?? null)) } : inner;
  return mapSecrets(resource, seal);
}

/** The resource as it is worked with: each secret open. */
export function opened(resource: ResourceState, crypter: Crypter): ResourceState {
  const open = (inner: Value): Value => {
    if (!isSecret(inner)) return inner;
    if (typeof inner.ciphertext === "string")
      return { [SIGNATURE]: SECRET, value: JSON.parse(crypter.decrypt(inner.ciphertext)) as Value };
    if (typeof inner.plaintext === "string")
      return { [SIGNATURE]: SECRET, value: JSON.parse(inner.plaintext) as Value };
    throw new DeployError(`state of ${resource.urn}: a secret without ciphertext`);
  };
  return mapSecrets(resource, open);
}

export function mapSecrets(resource: ResourceState, change: (inner: Value) => Value): ResourceState {
  const map = (properties: Properties | undefined) => properties && (mapValue(properties, change) as Properties);
  const { inputs, outputs, ...rest } = resource;
  return {
    ...rest,
    ...(isObject(inputs) && { inputs: map(inputs) }),
    ...(isObject(outputs) && { outputs: map(outputs) }),
  };
}

const magic = (version: string) => createHash("sha256").update(version).digest("hex");

/** All that must be there before the resource is, whatever makes it so. */
export function needsOf(state: ResourceState): string[] {
  const { parent, provider, deletedWith, dependencies = [], propertyDependencies = {} } = state;
  const named = [parent, provider && providerUrn(provider), deletedWith];
  const urns = [...named, ...dependencies, ...Object.values(propertyDependencies).flat()];
  return [...new Set(urns.filter((urn): urn is string => urn !== undefined && urn !== ""))];
}
