/** The bytes of an upload session: which part of the object a request carries, and how it joins what is there. */
import { createReadStream } from "node:fs";
import { mkdir, open, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { explain, invalid } from "./answers";
import { type Sums, SumsInProgress } from "./checksums";
import { bodyOf, type Exchange } from "./http";

/** Chunks but the last are kept in multiples of this. */
const GRANULE = 256 * 1024;
/** `first` is "query" for `bytes *`; `end` (exclusive) is undefined when the body runs to the object's end. */
export interface ChunkRange {
  first: number | "query";
  end?: number;
  total: number | null;
}

export function rangeOfChunk(header: string | undefined): ChunkRange {
  if (header === undefined) return { first: 0, total: null };
  const match = /^bytes\s+(?:\*|(\d+)-(\d+|\*))\/(\d+|\*)$/.exec(header.trim());
  if (!match) throw invalid(`Failed to parse Content-Range header: ${header}`);
  const total = match[3] === "*" ? null : Number(match[3]);
  if (match[1] === undefined) return { first: "query", total };
  if (match[2] === "*") return { first: Number(match[1]), total };
  return { first: Number(match[1]), end: Number(match[2]) + 1, total };
}

/** Appends the body after `skip` bytes that are there already, synced. The sums are given if they cover the whole file. */
export async function appendChunk(
  path: string,
  http: Exchange,
  at: { skip: number; persisted: number },
): Promise<{ size: number; sums?: Sums }> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "a");
  const sums = new SumsInProgress();
  let [skip, size] = [at.skip, at.persisted];
  try {
    for await (const chunk of bodyOf(http.request) as AsyncIterable<Buffer>) {
      const fresh = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - fresh.length;
      await file.appendFile(fresh);
      sums.update(fresh);
      size += fresh.length;
    }
    await file.sync();
    return sums.bytes === size ? { size, sums: sums.result() } : { size };
  } catch (error) {
    // Whole granules that arrived stay, so that the client can go on from there.
    await file.truncate(Math.max(at.persisted, size - (size % GRANULE)));
    return explain(error);
  } finally {
    await file.close();
  }
}

/** Keeps whole granules of what a chunk brought, and all that was there before; answers the size. */
export async function keepGranules(path: string, persisted: number, size: number): Promise<number> {
  const kept = Math.max(persisted, size - (size % GRANULE));
  await truncate(path, kept);
  return kept;
}

export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

/** Sums of a file as it stands; a file that was never written is empty, and is made. */
export async function sumsOfFile(path: string): Promise<Sums> {
  await mkdir(dirname(path), { recursive: true });
  await (await open(path, "a")).close();
  const sums = new SumsInProgress();
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) sums.update(chunk);
  return sums.result();
}
