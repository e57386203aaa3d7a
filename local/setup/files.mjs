/** Small questions about files that several parts of set-up ask. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Disk that a folder takes; a file with several names is counted once, and not at all if it is among the `seen`. */
export function sizeInMegabytes(folder, seen = new Set()) {
  let bytes = 0;
  const visit = (path) => {
    const status = lstatSync(path);
    if (status.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
    else if (!seen.has(status.ino)) {
      seen.add(status.ino);
      bytes += status.size;
    }
  };
  visit(folder);
  return Math.round(bytes / 1e6);
}

export function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

/** One short text that changes when any of the files or values does. */
export function keyOf(files, ...values) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file)).update("\0");
  for (const value of values) hash.update(JSON.stringify(value)).update("\0");
  return hash.digest("hex").slice(0, 20);
}
