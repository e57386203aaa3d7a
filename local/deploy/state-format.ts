/**
 * The engine's file format of a stack: read with all that is wrong with it, written with each secret sealed.
 * Source: DeploymentV3 and SecretV1 in sdk/go/common/apitype/core.go of github.com/pulumi/pulumi.
 */
import { createHash } from "node:crypto";
import { version as sdkVersion } from "@pulumi/pulumi/package.json";
import { z } from "zod";
import { allProblems, checked, DeployError } from "./errors";
import { compact } from "./goal";
import type { Crypter } from "./secrets";
import { Snapshot, type PendingOperation, type ResourceState } from "./snapshot";
import { isSecret, mapValue, SECRET, SIGNATURE, type Properties, type Value } from "./values";

const stateFile = z.object({
  version: z.literal(3),
  deployment: z.looseObject({
    manifest: z.object({ time: z.string(), magic: z.string(), version: z.string() }).loose(),
    secrets_providers: z.object({ type: z.string(), state: z.unknown() }).optional(),
    resources: z.array(z.looseObject({ urn: z.string(), type: z.string(), custom: z.boolean() })).default([]),
    pending_operations: z
      .array(z.looseObject({ type: z.string(), resource: z.looseObject({ urn: z.string() }) }))
      .default([]),
  }),
});
export type StateFile = z.infer<typeof stateFile>;

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
  const { manifest, secrets_providers: secrets, resources } = file.deployment;
  if (magic(manifest.version) !== manifest.magic) throw refuse(["deployment.manifest.magic: does not fit the version"]);
  if (secrets && secrets.type !== "passphrase")
    throw refuse([`deployment.secrets_providers.type: got ${secrets.type}; only passphrase can be used here`]);
  const fields = resources.flatMap((resource) =>
    UNIMPLEMENTED.filter((field) => resource[field] !== undefined).map((field) => `${resource.urn}: ${field}`),
  );
  if ("snippets" in file.deployment) fields.push("deployment.snippets");
  if (fields.length > 0) throw refuse(fields.map((field) => `${field}: cannot be used here`));
  return file;
}

/** What the file holds, its secrets sealed. */
export function snapshotOf(file: StateFile | undefined): Snapshot {
  const { resources = [], pending_operations: pending = [] } = file?.deployment ?? {};
  return new Snapshot(resources, pending as unknown as PendingOperation[]);
}

/** The salt in a state file, if it has one. */
export function saltOf(file: StateFile | undefined): string | undefined {
  const state = file?.deployment.secrets_providers?.state as { salt?: unknown } | undefined;
  return typeof state?.salt === "string" ? state.salt : undefined;
}

/** The part of a deployment that a run changes. */
export function contentsOf(snapshot: Snapshot) {
  const pending = [...snapshot.pending.values()];
  return { resources: snapshot.ordered(), ...(pending.length > 0 && { pending_operations: pending }) };
}

export function formatStateFile(snapshot: Snapshot, crypter: Crypter): string {
  const version = `v${sdkVersion}`;
  const deployment = {
    manifest: { time: new Date().toISOString(), magic: magic(version), version },
    secrets_providers: { type: "passphrase", state: { salt: crypter.salt } },
    ...contentsOf(mapResources(snapshot, (resource) => sealed(resource, crypter))),
    metadata: {},
  };
  return `${JSON.stringify({ version: 3, deployment }, undefined, 4)}\n`;
}

/** The same resources and operations, each resource changed. */
export function mapResources(snapshot: Snapshot, change: (resource: ResourceState) => ResourceState): Snapshot {
  const pending = [...snapshot.pending.values()];
  return new Snapshot(
    snapshot.ordered().map(change),
    pending.map(({ type, resource }) => ({ type, resource: change(resource) })),
  );
}

/** The resource as it lies on disk: each secret encrypted. */
export const sealed = (resource: ResourceState, crypter: Crypter) =>
  mapSecrets(resource, ({ value }) => ({ ciphertext: crypter.encrypt(JSON.stringify(value ?? null)) }));

/** The resource as it is worked with: each secret open. */
export const opened = (resource: ResourceState, crypter: Crypter) =>
  mapSecrets(resource, ({ ciphertext, plaintext }) => {
    const text = typeof ciphertext === "string" ? crypter.decrypt(ciphertext) : plaintext;
    if (typeof text !== "string") throw new DeployError(`state of ${resource.urn}: a secret without ciphertext`);
    return { value: JSON.parse(text) as Value };
  });

/** The resource as a person may ask to see it: each secret as JSON text. */
export const shown = (resource: ResourceState) =>
  mapSecrets(resource, ({ value }) => ({ plaintext: JSON.stringify(value ?? null) }));

function mapSecrets(resource: ResourceState, change: (secret: Properties) => Properties): ResourceState {
  const map = (properties: Properties | undefined) =>
    properties &&
    (mapValue(properties, (inner) =>
      isSecret(inner) ? { [SIGNATURE]: SECRET, ...change(inner) } : inner,
    ) as Properties);
  return compact({ ...resource, inputs: map(resource.inputs), outputs: map(resource.outputs) });
}

const magic = (version: string) => createHash("sha256").update(version).digest("hex");
