/** A stack's state taken out and put in as `pulumi stack export` and `pulumi stack import` do it. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { version } from "@pulumi/pulumi/package.json";
import { allProblems } from "./errors";
import { lock } from "./lock";
import { findPassphrase, passphraseCrypter, type Crypter } from "./secrets";
import {
  brokenReferences,
  formatStateFile,
  mapSecrets,
  opened,
  openSnapshot,
  parseStateFile,
  saltOf,
  type ResourceState,
  type StateFile,
} from "./snapshot";
import { exportState } from "./state";
import { backUp, backupFolder, journalPath, statePath, unlinkIfThere, writeAtomically } from "./state-files";
import { isSecret, SECRET, SIGNATURE, type Value } from "./values";

export interface StackPlace {
  lab: string;
  stack: string;
  /** Holds the passphrase, if the lab does not. @default process.env */
  environment?: NodeJS.ProcessEnv;
}

/**
 * The deployment with what a running or dead process has recorded; no resources if the stack was never brought up.
 * @param showSecrets opens them; otherwise they stay sealed
 */
export async function exportStack({ lab, stack, environment }: StackPlace, showSecrets = false) {
  const state = await exportState(join(lab, "stacks"), stack);
  const salt = saltOf(state as unknown as StateFile);
  if (!showSecrets || salt === undefined) return state;
  const crypter = await crypterOf(lab, environment, salt);
  const resources = state.deployment.resources?.map((resource) => shown(opened(resource, crypter)));
  return { ...state, deployment: { ...state.deployment, resources } };
}

/** Replaces the whole state; the one before is kept as a backup. @throws DeployError with all that is wrong with it */
export async function importStack({ lab, stack, environment }: StackPlace, text: string): Promise<void> {
  const place = { folder: join(lab, "stacks"), stack };
  const file = parseStateFile(text, "The given state", "nothing was changed");
  const sealedStates = (file.deployment.resources ?? []) as unknown as ResourceState[];
  const prefix = `urn:pulumi:${stack}::`;
  const problems = [
    ...brokenReferences(sealedStates),
    ...sealedStates.filter(({ urn }) => !urn.startsWith(prefix)).map(({ urn }) => `${urn}: is not of stack ${stack}`),
  ];
  if (problems.length > 0) throw allProblems("The given state cannot be used; nothing was changed", problems);
  const crypter = await crypterOf(lab, environment, saltOf(file));
  const snapshot = openSnapshot(file, crypter);
  const release = await lock(join(place.folder, `${stack}.lock`), `state import ${stack}`);
  try {
    await mkdir(backupFolder(place), { recursive: true, mode: 0o700 });
    await backUp(place);
    await writeAtomically(
      statePath(place),
      formatStateFile(snapshot, crypter, `v${version}`, new Date().toISOString()),
    );
    // A journal that a dead process left continues the state that was.
    await unlinkIfThere(journalPath(place));
  } finally {
    await release();
  }
}

const crypterOf = async (lab: string, environment = process.env, salt?: string): Promise<Crypter> =>
  passphraseCrypter(await findPassphrase(lab, environment), salt);

/** Source: SecretV1 in sdk/go/common/apitype/core.go: an open secret is JSON text in `plaintext`. */
function shown(resource: ResourceState): ResourceState {
  const show = (inner: Value): Value =>
    isSecret(inner) ? { [SIGNATURE]: SECRET, plaintext: JSON.stringify(inner.value ?? null) } : inner;
  return mapSecrets(resource, show);
}
