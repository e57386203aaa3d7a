/**
 * The cloud's logs: `cloud.jsonl` for what happens, `requests.jsonl` for every request, `access.jsonl` for every distinct
 * decision about a permission; none ever holds a token.
 * Each keeps at most two files of 32 MB: the current one, and the one before it as `<name>.1`.
 */
import { mkdirSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { join } from "node:path";
import pino from "pino";
import type { Decision } from "./access/access";
import type { RequestRecord } from "./door/front-door-request";

const LARGEST_FILE = 32 << 20;
/** Lines beyond this are dropped while the disk takes none. */
const LARGEST_WAITING = 8 << 20;

export function openLogs(folder: string, largest = LARGEST_FILE) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const events = new LogFile(join(folder, "cloud.jsonl"), largest);
  const requests = new LogFile(join(folder, "requests.jsonl"), largest);
  const decisions = new LogFile(join(folder, "access.jsonl"), largest);
  return {
    log: pino({ timestamp: pino.stdTimeFunctions.isoTime, redact: ["*.authorization", "*.headers"] }, events),
    record: (entry: RequestRecord) => requests.write(`${JSON.stringify(entry)}\n`),
    /** Who was asked for which permission where: one line for each distinct decision of this process. */
    decided: (decision: Decision) => decisions.write(`${JSON.stringify(decision)}\n`),
    close: async () => {
      await Promise.all([events.close(), requests.close(), decisions.close()]);
    },
  };
}

/**
 * Whole lines in order, written behind the answers. Not pino's own destination: on a full disk that one ends the process,
 * and then waits in its end for room. Here the lines wait, and go out with the first line that finds room.
 */
class LogFile {
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private working?: Promise<void>;
  private handle?: FileHandle;
  private size = 0;

  constructor(
    private readonly path: string,
    private readonly largest: number,
  ) {}

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.waitingBytes + bytes.length > LARGEST_WAITING) return;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.work();
  }

  async close(): Promise<void> {
    this.work();
    await this.working;
    await this.handle?.close();
  }

  private work(): void {
    this.working ??= this.writeWaiting()
      // A disk that takes nothing costs lines at most, never a request its answer.
      .catch(() => undefined)
      .finally(() => (this.working = undefined));
  }

  private async writeWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      const line = this.waiting[0]!;
      if (this.handle && this.size + line.length > this.largest) await this.startAnew();
      const handle = await this.opened();
      const { bytesWritten } = await handle.write(line);
      this.size += bytesWritten;
      this.waitingBytes -= bytesWritten;
      // On a disk that becomes full a line may go out in two pieces, with nothing between them.
      if (bytesWritten < line.length) this.waiting[0] = line.subarray(bytesWritten);
      else this.waiting.shift();
    }
  }

  private async startAnew(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
    await rename(this.path, `${this.path}.1`);
  }

  private async opened(): Promise<FileHandle> {
    if (this.handle) return this.handle;
    this.handle = await open(this.path, "a", 0o600);
    this.size = (await this.handle.stat()).size;
    return this.handle;
  }
}
