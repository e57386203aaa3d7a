/**
 * A stack's state on disk: `<stack>.json` in the engine's deployment format, and beside it a journal to which each step
 * is appended and synced before the next one may rely on it. Opening replays a journal that a dead process left behind.
 */
import { createHash } from "node:crypto";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { DeployError } from "./errors";
import type { Crypter } from "./secrets";
import { Snapshot, type JournalRecord } from "./snapshot";
import { backUp, backupFolder, backups, journalPath, readIfThere, statePath, syncFolder } from "./state-files";
import { unlinkIfThere, writeAtomically, type Place } from "./state-files";
import { contentsOf, formatStateFile, mapResources, opened, parseStateFile } from "./state-format";
import { saltOf, sealed, snapshotOf, type StateFile } from "./state-format";

export interface StateOptions extends Place {
  /** Called with the salt that the state was sealed with, undefined for a new stack. */
  crypter: (salt: string | undefined) => Promise<Crypter>;
}

export class State {
  private journal?: FileHandle;
  /** Lines of the journal that are still to be written. */
  private lines: string[] = [];
  /** The last write that was asked for. One that failed fails all after it: none may claim to be recorded. */
  private written = Promise.resolve();
  /** A write that has not begun takes along whatever is recorded until then. */
  private next?: Promise<void>;

  private constructor(
    private readonly place: Place,
    private readonly crypter: Crypter,
    public snapshot: Snapshot,
    /** SHA-256 of the state file that the journal continues. */
    private base: string,
    private changed: boolean,
  ) {}

  static async open({ crypter: crypterOf, ...place }: StateOptions): Promise<State> {
    await mkdir(backupFolder(place), { recursive: true, mode: 0o700 });
    const { snapshot, salt, base, isContinued } = await readSealed(place);
    const crypter = await crypterOf(salt);
    const open = mapResources(snapshot, (resource) => opened(resource, crypter));
    const state = new State(place, crypter, open, base, isContinued);
    await state.fold();
    return state;
  }

  /** Applies a change; resolves when it is on disk, at once if it need not be durable by itself. */
  async record(record: JournalRecord, durable = true): Promise<void> {
    this.snapshot.apply(record);
    this.changed ||= durable;
    this.lines.push(`${JSON.stringify(this.sealed(record))}\n`);
    if (!durable) return;
    this.next ??= this.written = this.written.then(() => this.write());
    await this.next;
  }

  /** Folds the journal into the state file, keeping the one before as a backup; nothing is written if nothing changed. */
  async fold(): Promise<void> {
    // Whoever recorded what could not be written was told; here all of it is written anew.
    await this.written.catch(() => undefined);
    await this.journal?.close();
    this.journal = undefined;
    this.lines = [];
    if (this.changed) {
      const text = formatStateFile(this.snapshot, this.crypter);
      await backUp(this.place);
      await writeAtomically(statePath(this.place), text);
      this.snapshot = mapResources(this.snapshot, (resource) => resource);
      this.base = hash(text);
      this.changed = false;
    }
    await unlinkIfThere(journalPath(this.place));
  }

  private async write(): Promise<void> {
    this.next = undefined;
    const text = this.lines.splice(0).join("");
    this.journal ??= await this.begin();
    await this.journal.appendFile(text);
    await this.journal.datasync();
  }

  private async begin(): Promise<FileHandle> {
    const journal = await open(journalPath(this.place), "w", 0o600);
    await journal.appendFile(`${JSON.stringify({ base: this.base, salt: this.crypter.salt })}\n`);
    await syncFolder(this.place.folder);
    return journal;
  }

  private sealed({ put, begin, ...rest }: JournalRecord): JournalRecord {
    const operation = begin && { ...begin.operation, resource: sealed(begin.operation.resource, this.crypter) };
    return {
      ...rest,
      put: put?.map(({ key, state }) => ({ key, state: sealed(state, this.crypter) })),
      begin: operation && { token: begin.token, operation },
    };
  }
}

/** The deployment as it stands, with what a running or dead process has recorded in its journal; secrets stay sealed. */
export async function exportState(place: Place) {
  const { file, snapshot, salt } = await readSealed(place);
  const { pending_operations: _, ...deployment } = file?.deployment ?? {};
  return { salt, version: 3, deployment: { ...deployment, ...contentsOf(snapshot) } };
}

/** What the files hold: the state, and what a journal adds to it that continues it. */
async function readSealed(place: Place) {
  const text = await readIfThere(statePath(place));
  const file = text === undefined ? undefined : await parse(place, text);
  const base = hash(text ?? "");
  const snapshot = snapshotOf(file);
  const journal = await readJournal(place, base);
  for (const record of journal?.records ?? []) snapshot.apply(record);
  return { file, snapshot, base, salt: journal?.salt ?? saltOf(file), isContinued: journal !== undefined };
}

async function parse(place: Place, text: string): Promise<StateFile> {
  const before = (await backups(place)).at(-1);
  const remedy = before
    ? `the one before is ${before} (npx sparklab state import --file ${before})`
    : "there is no backup of it";
  return parseStateFile(text, statePath(place), remedy);
}

/** A journal whose base is another file was folded already. */
async function readJournal(place: Place, base: string) {
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
  return continued === base && records.length > 0 ? { salt, records: records as JournalRecord[] } : undefined;
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
