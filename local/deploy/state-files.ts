/** The files of a stack's state: where they lie, and changes of them that are either made or not, whatever happens. */
import { copyFile, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";

const KEPT_BACKUPS = 10;

/** A stack's place in `<lab>/stacks`. */
export interface Place {
  folder: string;
  stack: string;
}

export const statePath = ({ folder, stack }: Place) => join(folder, `${stack}.json`);
export const journalPath = ({ folder, stack }: Place) => join(folder, `${stack}.journal`);
export const backupFolder = ({ folder }: Place) => join(folder, "backups");

/** Paths of the state files that were, oldest first; none before the first deployment. */
export async function backups(place: Place): Promise<string[]> {
  const names = (await ifThere(readdir(backupFolder(place)))) ?? [];
  const own = names.filter((name) => name.startsWith(`${place.stack}.2`) && name.endsWith(".json"));
  return own.sort().map((name) => join(backupFolder(place), name));
}

/** Keeps the state file as it is, and of those kept before the newest. */
export async function backUp(place: Place): Promise<void> {
  const from = statePath(place);
  if ((await readIfThere(from)) === undefined) return;
  const time = new Date().toISOString().replaceAll(":", "-");
  await copyFile(from, join(backupFolder(place), `${place.stack}.${time}.json`));
  await Promise.all((await backups(place)).slice(0, -KEPT_BACKUPS).map(unlinkIfThere));
}

export async function writeAtomically(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(join(path, ".."));
}

/** Makes a name in the folder itself durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const readIfThere = (path: string) => ifThere(readFile(path, "utf8"));
export const unlinkIfThere = (path: string) => ifThere(unlink(path));

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
