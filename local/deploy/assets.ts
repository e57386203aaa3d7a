/**
 * Assets and archives: their hashes exactly as the engine computes them, and their bytes for a provider to upload.
 * An archive that is not a file of its own is hashed as the tar that Go's archive/tar writes of it, and uploaded as zip.
 * Source: sdk/go/common/resource/{asset,archive} of github.com/pulumi/pulumi; header layout: POSIX ustar.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join, posix } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { ZipFile } from "yazl";
import { DeployError } from "./errors";
import { ASSET, isAsset, isObject, SIGNATURE, text, type Properties, type Value } from "./values";

/** Bytes that can be read more than once. */
export interface Content {
  size: number;
  chunks: () => AsyncIterable<Uint8Array>;
}

const BLOCK = 512;
const ARCHIVE_FILES = [".tar", ".tgz", ".tar.gz", ".zip", ".jar"];

/** The value with the hash of each asset and archive in it. Relative paths start at `root`, the program's folder. */
export async function withHashes(value: Value, root: string): Promise<Value> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => withHashes(item, root)));
  if (!isObject(value)) return value;
  if (isAsset(value)) return { ...(bare(value) as Properties), hash: await hashOf(value, root) };
  const entries = Object.entries(value).map(async ([key, item]) => [key, await withHashes(item, root)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Bytes of an asset as they are, of an archive as a zip. */
export async function contentOf(asset: Properties, root: string): Promise<Content> {
  if (asset[SIGNATURE] === ASSET) return assetContent(asset, root);
  if (typeof asset.path === "string" && asset.path.endsWith(".zip")) return fileContent(resolve(root, asset.path));
  const zip = new ZipFile();
  // The same constant as the engine's, so that equal content gives equal bytes on every machine and day.
  const options = { mtime: new Date(1990, 0, 1), forceDosTimestamp: true, mode: 0o100600 };
  for (const [name, content] of await members(asset, root))
    zip.addBuffer(await buffer(content.chunks()), name, options);
  zip.end();
  return bytesContent(await buffer(zip.outputStream as Readable));
}

/**
 * Bytes of an asset or of an archive that is a file, at once; undefined where they are no longer those that its hash is
 * of, and for an archive that has yet to be packed.
 */
export function hashedBytes(asset: Properties, root: string): Buffer | undefined {
  const { path } = asset;
  const bytes = typeof path === "string" && path !== "" ? read(resolve(root, path)) : textBytes(asset);
  return bytes && createHash("sha256").update(bytes).digest("hex") === asset.hash ? bytes : undefined;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (["ENOENT", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

const textBytes = (asset: Properties) => Buffer.from(typeof asset.text === "string" ? asset.text : "");

/** Without the marks that only the program's own runtime needs. */
function bare(value: Value): Value {
  if (!isObject(value)) return value;
  const own = Object.entries(value).filter(([key]) => !key.startsWith("__pulumi"));
  return Object.fromEntries(own.map(([key, item]) => [key, bare(item)]));
}

async function hashOf(asset: Properties, root: string): Promise<string> {
  const hash = createHash("sha256");
  const path = text(asset.path);
  const isFile = ARCHIVE_FILES.some((end) => path.endsWith(end));
  if (asset[SIGNATURE] === ASSET) await update(hash, await assetContent(asset, root));
  else if (isFile) await update(hash, await fileContent(resolve(root, path)));
  else await hashTar(hash, await members(asset, root));
  return hash.digest("hex");
}

async function assetContent(asset: Properties, root: string): Promise<Content> {
  if (typeof asset.path === "string" && asset.path !== "") return fileContent(resolve(root, asset.path));
  if (typeof asset.uri === "string" && asset.uri !== "")
    throw new DeployError(
      `asset: got uri ${asset.uri}; only text and file assets can be deployed here. Use pulumi.asset.FileAsset.`,
    );
  return bytesContent(textBytes(asset));
}

/** Members of an archive in the engine's order, each name once, the first one winning. */
async function members(archive: Properties, root: string): Promise<Map<string, Content>> {
  const all = new Map<string, Content>();
  const add = (name: string, content: Content) => void (all.has(name) || all.set(name, content));
  if (isObject(archive.assets)) {
    for (const name of Object.keys(archive.assets).sort()) {
      const item = archive.assets[name] as Properties;
      if (item[SIGNATURE] === ASSET) add(name, await assetContent(item, root));
      else for (const [inner, content] of await members(item, root)) add(posix.join(name, inner), content);
    }
  } else if (typeof archive.path === "string") {
    const folder = resolve(root, archive.path);
    if (!(await stat(folder).catch(notFound(folder))).isDirectory())
      throw new DeployError(
        `archive: got ${archive.path} inside or as an archive; expected a folder here. Use pulumi.asset.FileArchive on a folder.`,
      );
    for (const file of await walk(folder)) add(file, await fileContent(join(folder, file)));
  } else throw new DeployError("archive: got a uri; only archives of assets, folders and files can be deployed here");
  return all;
}

/** Files below a folder in the order of Go's filepath.Walk; the engine leaves `.pulumi` out. */
async function walk(folder: string, below = ""): Promise<string[]> {
  const files: string[] = [];
  const entries = (await readdir(join(folder, below))).sort();
  for (const name of entries) {
    if (name === ".pulumi") continue;
    const path = posix.join(below, name);
    const isFolder = (await stat(join(folder, path))).isDirectory();
    files.push(...(isFolder ? await walk(folder, path) : [path]));
  }
  return files;
}

async function hashTar(hash: Hash, files: Map<string, Content>): Promise<void> {
  for (const [name, content] of files) {
    hash.update(tarHeader(name, content.size));
    await update(hash, content);
    hash.update(Buffer.alloc((BLOCK - (content.size % BLOCK)) % BLOCK));
  }
  hash.update(Buffer.alloc(2 * BLOCK));
}

function tarHeader(name: string, size: number): Buffer {
  const { prefix, rest } = splitName(name);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    header.write(value.toString(8).padStart(width - 1, "0"), at);
  header.write(rest, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.fill(" ", 148, 156);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  octal(0, 329, 8);
  octal(0, 337, 8);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Go's rule: the longest prefix of up to 155 bytes that ends at a slash and leaves a name of up to 100. */
function splitName(name: string): { prefix: string; rest: string } {
  if (/[^\0-\x7f]/.test(name))
    throw new DeployError(`archive member "${name}": only ASCII names can be deployed here. Rename the file.`);
  if (name.length <= 100) return { prefix: "", rest: name };
  const slash = name.slice(0, 156).lastIndexOf("/");
  if (slash <= 0 || name.length - slash - 1 > 100 || slash === name.length - 1)
    throw new DeployError(
      `archive member "${name}": ${name.length} characters do not fit a tar header. Shorten the path.`,
    );
  return { prefix: name.slice(0, slash), rest: name.slice(slash + 1) };
}

const resolve = (root: string, path: string) => (isAbsolute(path) ? path : join(root, path));
const notFound = (path: string) => (error: NodeJS.ErrnoException) => {
  throw error.code === "ENOENT"
    ? new DeployError(`asset ${path}: no such file; expected one. Check the path in the program.`)
    : error;
};

const bytesContent = (bytes: Uint8Array): Content => ({
  size: bytes.length,
  chunks: async function* () {
    yield bytes;
  },
});

async function fileContent(path: string): Promise<Content> {
  const info = await stat(path).catch(notFound(path));
  if (!info.isFile())
    throw new DeployError(`asset ${path}: not a file; expected one. Use pulumi.asset.FileArchive for a folder.`);
  return { size: info.size, chunks: () => createReadStream(path) };
}

async function update(hash: Hash, content: Content): Promise<void> {
  for await (const chunk of content.chunks()) hash.update(chunk);
}
