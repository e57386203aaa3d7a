/**
 * A stack's state on disk: `<stack>.json` in the engine's deployment format, and beside it a journal to which each step
 * is appended and synced before the next one may rely on it. Opening replays a journal that a dead process left behind.
 */
import { createHash } from "node:crypto";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Crypter } from "./secrets";
import {
  formatStateFile,
  opened,
  openSnapshot,
  parseStateFile,
  saltOf,
  sealed,
  Snapshot,
  type JournalRecord,
  type ResourceState,
  type StateFile,
} from "./snapshot";
import { DeployError } from "./errors";
import {
  backUp,
  backupFolder,
  backups,
  journalPath,
  readIfThere,
  statePath,
  syncFolder,
  unlinkIfThere,
  writeAtomically,
  type Place,
} from "./state-files";

export interface StateOptions {
  /** `<lab>/stacks`. */
  folder: string;
  stack: string;
  /** Called with the salt that the state was sealed with, undefined for a new stack. */
  crypter: (salt: string | undefined) => Promise<Crypter>;
  /** Version of Pulumi's protocol, for the manifest. */
  version: string;
}

export class State {
  private journal?: FileHandle;
  private queue: { line: string; durable?: { resolve: () => void; reject: (error: unknown) => void } }[] = [];
  private writing?: Promise<void>;
  private failure?: Error;
  private changed = false;

  private constructor(
    private readonly options: StateOptions,
    readonly crypter: Crypter,
    public snapshot: Snapshot,
    /** SHA-256 of the state file that the journal continues. */
    private baseHash: string,
  ) {}

  static async open(options: StateOptions): Promise<State> {
    await mkdir(join(options.folder, "backups"), { recursive: true, mode: 0o700 });
    const text = await readIfThere(statePath(options));
    const file = text === undefined ? undefined : await parse(options, text);
    const crypter = await options.crypter(saltOf(file));
    const state = new State(options, crypter, openSnapshot(file, crypter), hash(text ?? ""));
    await state.replay();
    return state;
  }

  /** Applies a change; resolves when it is on disk, at once if it need not be durable by itself. */
  record(record: JournalRecord, durable = true): Promise<void> {
    this.snapshot.apply(record);
    this.changed ||= durable;
    const put = record.put?.map(({ key, resource }) => ({ key, resource: sealed(resource, this.crypter) }));
    const begin = record.begin && {
      ...record.begin,
      operation: { ...record.begin.operation, resource: sealed(record.begin.operation.resource, this.crypter) },
    };
    const line = `${JSON.stringify({ ...record, ...(put && { put }), ...(begin && { begin }) })}\n`;
    if (!durable) {
      this.queue.push({ line });
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ line, durable: { resolve, reject } });
      this.writing ??= this.drain();
    });
  }

  /** Folds the journal into the state file, keeping the one before as a backup; nothing is written if nothing changed. */
  async fold(): Promise<void> {
    await this.writing;
    await this.journal?.close();
    this.journal = undefined;
    this.queue = [];
    if (this.changed) {
      const text = formatStateFile(this.snapshot, this.crypter, this.options.version, new Date().toISOString());
      await backUp(this.options);
      await writeAtomically(statePath(this.options), text);
      this.snapshot = new Snapshot(this.snapshot.ordered(), [...this.snapshot.pending.values()]);
      this.baseHash = hash(text);
      this.changed = false;
    }
    await unlinkIfThere(journalPath(this.options));
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0);
      try {
        if (this.failure) throw this.failure;
        this.journal ??= await this.begin();
        await this.journal.appendFile(batch.map(({ line }) => line).join(""));
        await this.journal.datasync();
        for (const { durable } of batch) durable?.resolve();
      } catch (error) {
        // After a failed write nothing later may claim to be recorded: every further step is refused.
        this.failure = error instanceof Error ? error : new Error(String(error));
        for (const { durable } of batch) durable?.reject(error);
      }
    }
    this.writing = undefined;
  }

  private async begin(): Promise<FileHandle> {
    const journal = await open(journalPath(this.options), "w", 0o600);
    await journal.appendFile(`${JSON.stringify({ base: this.baseHash, salt: this.crypter.salt })}\n`);
    await syncFolder(this.options.folder);
    return journal;
  }

  /** What a dead process had recorded; a journal whose base is another file was folded already. */
  private async replay(): Promise<void> {
    const { salt, records } = await readJournal(this.options, this.baseHash);
    const crypter = salt === undefined || salt === this.crypter.salt ? this.crypter : await this.options.crypter(salt);
    for (const record of records) this.snapshot.apply(openRecord(record, crypter));
    this.changed = records.length > 0;
    await this.fold();
  }
}

/** What the journal adds to the state file of that hash; nothing, if it continues another. */
async function readJournal(place: Place, base: string): Promise<{ salt?: string; records: JournalRecord[] }> {
  const lines = ((await readIfThere(journalPath(place))) ?? "").split("\n");
  // What follows the last newline is a record whose writer died: it never counted as written.
  lines.pop();
  const [header, ...records] = lines.map((line, at): unknown => {
    try {
      return JSON.parse(line);
    } catch (error) {
      const remedy = `Move the file away to go on from ${statePath(place)}.`;
      throw new DeployError(`${journalPath(place)}: line ${at + 1} is damaged. ${remedy}`, { cause: error });
    }
  });
  const { salt, base: continued } = (header ?? {}) as { salt?: string; base?: string };
  return continued === base ? { salt, records: records as JournalRecord[] } : { records: [] };
}

/** The deployment as it stands, with what a running or dead process has recorded in its journal; secrets stay sealed. */
export async function exportState(
  folder: string,
  stack: string,
): Promise<{ version: 3; deployment: { resources?: ResourceState[] } & Record<string, unknown> }> {
  const options = { folder, stack };
  const text = await readIfThere(statePath(options));
  const file = text === undefined ? undefined : await parse(options, text);
  const snapshot = new Snapshot(file?.deployment.resources ?? []);
  for (const record of (await readJournal(options, hash(text ?? ""))).records) snapshot.apply(record);
  return { version: 3, deployment: { ...file?.deployment, resources: snapshot.ordered() } };
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

async function parse(place: Place, text: string): Promise<StateFile> {
  const newest = (await backups(place)).at(-1);
  const before = newest && join(backupFolder(place), newest);
  const remedy = before
    ? `the one before is ${before}. npx sparklab state import --file ${before}`
    : "there is no backup of it";
  return parseStateFile(text, statePath(place), remedy);
}

function openRecord(record: JournalRecord, crypter: Crypter): JournalRecord {
  const { put, begin } = record;
  return {
    ...record,
    ...(put && { put: put.map(({ key, resource }) => ({ key, resource: opened(resource, crypter) })) }),
    ...(begin && {
      begin: { ...begin, operation: { ...begin.operation, resource: opened(begin.operation.resource, crypter) } },
    }),
  };
}
