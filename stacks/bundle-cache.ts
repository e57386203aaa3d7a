/**
 * Bundles kept between runs, below `.lab/bundles`: making one takes longer than all else that the program does, and it
 * comes out the same until something changes that it is made of. What that is says the record beside it.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Bundle {
  text: string;
  /** Files that it is made of, relative to the root. */
  inputs: readonly string[];
}

export interface Sources {
  name: string;
  /** Folder that paths are relative to. */
  root: string;
  /** Whatever decides on the bundle and is in no file that it is made of. */
  settings: unknown;
}

interface Kept {
  settings: string;
  /** SHA-256 of each file. */
  inputs: Record<string, string>;
  /** The bundle's own: it names the file. */
  digest: string;
}

/** Path of the bundle, relative to the root: the kept one if nothing has changed, else one that is made now. */
export function keptBundle(sources: Sources, make: () => Bundle): string {
  const folder = join(sources.root, ".lab", "bundles");
  const recordFile = join(folder, `${sources.name}.json`);
  const fileOf = ({ digest }: Kept) => join(".lab", "bundles", `${sources.name}-${digest}.js`);
  const before = readKept(recordFile);
  if (before && isCurrent(before, sources, fileOf(before))) return fileOf(before);
  const { text, inputs } = make();
  const kept: Kept = {
    settings: JSON.stringify(sources.settings),
    inputs: Object.fromEntries(inputs.map((file) => [file, digestOf(join(sources.root, file))])),
    digest: sha256(text),
  };
  mkdirSync(folder, { recursive: true });
  writeWhole(join(sources.root, fileOf(kept)), text);
  writeWhole(recordFile, JSON.stringify(kept));
  if (before && before.digest !== kept.digest) rmSync(join(sources.root, fileOf(before)), { force: true });
  return fileOf(kept);
}

/** The bundle's own bytes are compared too: what was cut short or touched is made again. */
function isCurrent({ settings, inputs, digest }: Kept, sources: Sources, file: string): boolean {
  const isAsBefore = (path: string, hash: string) =>
    existsSync(join(sources.root, path)) && digestOf(join(sources.root, path)) === hash;
  return (
    settings === JSON.stringify(sources.settings) &&
    isAsBefore(file, digest) &&
    Object.entries(inputs).every(([path, hash]) => isAsBefore(path, hash))
  );
}

/** Undefined where there is none, and where it is not one: then the bundle is made. */
function readKept(file: string): Kept | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { settings, inputs, digest } = JSON.parse(readFileSync(file, "utf8")) as Partial<Kept>;
    return settings !== undefined && inputs && digest ? { settings, inputs, digest } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Either the whole file or none, also for another run at the same moment. */
function writeWhole(file: string, text: string): void {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

const digestOf = (file: string) => sha256(readFileSync(file));
const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
