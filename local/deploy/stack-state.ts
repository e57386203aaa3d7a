/** A stack's state taken out and put in as `pulumi stack export` and `pulumi stack import` do it. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { allProblems } from "./errors";
import { lock } from "./lock";
import { crypters } from "./secrets";
import { brokenReferences } from "./snapshot";
import { exportState } from "./state";
import { backUp, backupFolder, journalPath, statePath, unlinkIfThere, writeAtomically } from "./state-files";
import { formatStateFile, mapResources, opened, parseStateFile, saltOf, shown, snapshotOf } from "./state-format";

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
export async function exportStack({ lab, stack, environment = process.env }: StackPlace, showSecrets = false) {
  const { salt, ...state } = await exportState({ folder: join(lab, "stacks"), stack });
  if (!showSecrets || salt === undefined) return state;
  const crypter = await crypters(lab, environment)(salt);
  const resources = state.deployment.resources.map((resource) => shown(opened(resource, crypter)));
  return { ...state, deployment: { ...state.deployment, resources } };
}

/** Replaces the whole state; the one before is kept as a backup. @throws DeployError with all that is wrong with it */
export async function importStack({ lab, stack, environment = process.env }: StackPlace, text: string): Promise<void> {
  const place = { folder: join(lab, "stacks"), stack };
  const file = parseStateFile(text, "The given state", "nothing was changed");
  const given = snapshotOf(file);
  const foreign = given.ordered().filter(({ urn }) => !urn.startsWith(`urn:pulumi:${stack}::`));
  const problems = [
    ...brokenReferences(given.ordered()),
    ...foreign.map(({ urn }) => `${urn}: is not of stack ${stack}`),
  ];
  if (problems.length > 0) throw allProblems("The given state cannot be used; nothing was changed", problems);
  const crypter = await crypters(lab, environment)(saltOf(file));
  const snapshot = mapResources(given, (resource) => opened(resource, crypter));
  const release = await lock(join(place.folder, `${stack}.lock`), `state import ${stack}`);
  try {
    await mkdir(backupFolder(place), { recursive: true, mode: 0o700 });
    await backUp(place);
    await writeAtomically(statePath(place), formatStateFile(snapshot, crypter));
    // A journal that a dead process left continues the state that was.
    await unlinkIfThere(journalPath(place));
  } finally {
    await release();
  }
}
