/**
 * Files that hold the objects' bytes, one per generation, never named by the object.
 *
 * `incoming/` takes bytes while they arrive; a finished file is synced and linked as `bytes/<last two digits>/<generation>`,
 * then the object's record is written, then the incoming name goes. A file without a record is an orphan that `sweep`
 * removes at the next start; a resumable upload's incoming file is there until the object is. Copies are hard links: no bytes move, and deleting one name leaves the other.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Sums, SumsInProgress } from "./checksums";

let temporaries = 0;

export class Blobs {
  constructor(private readonly folder: string) {}

  /** Path of a generation's bytes. */
  path(generation: string): string {
    return join(this.folder, "bytes", generation.slice(-2), generation);
  }

  /** Path of an upload in progress; without a name a fresh one of this process. */
  incoming(name = `${process.pid}-${++temporaries}`): string {
    return join(this.folder, "incoming", `${name}.part`);
  }

  /** Streams bytes into a fresh incoming file, synced at its end; leaves nothing behind when it fails. */
  async receive(source: Readable): Promise<{ path: string; sums: Required<Sums> }> {
    const path = this.incoming();
    await mkdir(dirname(path), { recursive: true });
    const sums = new SumsInProgress();
    try {
      await pipeline(source, counting(sums), createWriteStream(path, { flags: "wx", flush: true }));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { path, sums: sums.result() };
  }

  /** A second name for a generation's bytes, ready to be published as another one. */
  async share(generation: string): Promise<string> {
    const path = this.incoming();
    await mkdir(dirname(path), { recursive: true });
    await link(this.path(generation), path);
    return path;
  }

  /** Makes a finished incoming file also the bytes of a generation; durable when it resolves. */
  async publish(incoming: string, generation: string): Promise<void> {
    const path = this.path(generation);
    await mkdir(dirname(path), { recursive: true });
    await link(incoming, path);
    await syncFolder(dirname(path));
  }

  async remove(generations: readonly string[]): Promise<void> {
    for (const generation of generations) await rm(this.path(generation), { force: true });
  }

  async discard(incoming: string): Promise<void> {
    await rm(incoming, { force: true });
  }

  read(generation: string, range?: { start: number; end: number }): Readable {
    return createReadStream(this.path(generation), range);
  }

  /** Removes every file that neither a record nor an upload session names; answers how many. */
  async sweep(known: { generations: ReadonlySet<string>; sessions: ReadonlySet<string> }): Promise<number> {
    const orphans: string[] = [];
    for (const name of await list(join(this.folder, "incoming")))
      if (!known.sessions.has(name.replace(/\.part$/, ""))) orphans.push(join(this.folder, "incoming", name));
    for (const shard of await list(join(this.folder, "bytes")))
      for (const generation of await list(join(this.folder, "bytes", shard)))
        if (!known.generations.has(generation)) orphans.push(join(this.folder, "bytes", shard, generation));
    for (const orphan of orphans) await rm(orphan, { force: true });
    return orphans.length;
  }
}

/** A pass-through that feeds running sums. */
export function counting(sums: SumsInProgress): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sums.update(chunk);
      done(null, chunk);
    },
  });
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** A new name is durable only when its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
