/** Unpacks the archive of a program: regular files and folders inside the target only, whole or not at all. */
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Entry, openPromise, type ZipFile } from "yauzl";

/** Source of a function, unpacked. Source: https://cloud.google.com/functions/quotas */
const LARGEST_BYTES = 500 * 1024 * 1024;

/** File types in the upper half of a zip entry's attributes, as Unix writes them. */
const TYPE_MASK = 0o170000;
const REGULAR = [0, 0o100000, 0o040000];

/** Installed by Google's build, and lent by this engine: it is what starts a function. */
const FRAMEWORK = "@google-cloud/functions-framework";

/** @param entry file that must be there; without it the archive must be a function's package */
export async function unpack(archive: string, folder: string, entry?: string): Promise<void> {
  const draft = `${folder}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    // Names that are absolute, go up or hold a backslash make it throw.
    const zip = await openPromise(archive, { strictFileNames: true });
    await unpackAll(zip, draft);
    if (entry === undefined) await checkPackage(draft);
    else if (!existsSync(join(draft, entry))) throw new Error(`${entry}: not in the archive; expected it there`);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
}

async function unpackAll(zip: ZipFile, folder: string): Promise<void> {
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    const type = (entry.externalFileAttributes >>> 16) & TYPE_MASK;
    if (!REGULAR.includes(type)) throw new Error(`${entry.fileName}: got a link or device; expected files and folders`);
    bytes += entry.uncompressedSize;
    if (bytes > LARGEST_BYTES) throw new Error(`more than ${LARGEST_BYTES} bytes unpacked; expected at most so many`);
    await unpackOne(zip, entry, join(folder, entry.fileName));
  }
}

async function unpackOne(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  if (entry.fileName.endsWith("/")) return void (await mkdir(path, { recursive: true, mode: 0o700 }));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Two entries of one name would leave open which of them is meant.
  await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path, { flags: "wx", mode: 0o600 }));
}

/** What the functions framework looks for; a missing bundle would only show at the first request. */
async function checkPackage(folder: string): Promise<void> {
  const description = join(folder, "package.json");
  if (!existsSync(description)) throw new Error("package.json: not in the archive's top folder; expected it there");
  const { main = "index.js", dependencies = {} } = JSON.parse(await readFile(description, "utf8")) as {
    main?: string;
    dependencies?: Record<string, string>;
  };
  if (!["", ".js", "/index.js"].some((end) => existsSync(join(folder, `${main}${end}`))))
    throw new Error(
      `package.json: its main is ${main}, which is not in the archive; build the bundle before the archive`,
    );
  const missing = Object.keys(dependencies).filter(
    (name) => name !== FRAMEWORK && !existsSync(join(folder, "node_modules", name)),
  );
  if (missing.length > 0)
    throw new Error(
      `package.json: depends on ${missing.join(", ")}, which is not in the archive; expected a bundle that needs no ` +
        "npm install: bundle the dependency, and list it under devDependencies",
    );
}
