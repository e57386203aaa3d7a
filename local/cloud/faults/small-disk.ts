/**
 * For tests: a disk of a few megabytes that really fills up. A tmpfs in a mount namespace of our own, which an ordinary
 * user may make on Linux; programs that are started in it see the small disk, all others the folder below it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** False where namespaces are not given to users (macOS, some hardened Linux). */
export const canMakeSmallDisk = () =>
  process.platform === "linux" &&
  spawnSync("unshare", ["-Urm", "sh", "-c", "mount -t tmpfs -o size=1m none /tmp"]).status === 0;

export class SmallDisk {
  private constructor(
    private readonly holder: ChildProcess,
    /** The folder as programs on the small disk know it. */
    readonly folder: string,
  ) {}

  static async make(megabytes: number): Promise<SmallDisk> {
    const folder = mkdtempSync(join(tmpdir(), "sparklab-small-"));
    const script = `mount -t tmpfs -o size=${megabytes}m,mode=0700 none "$0" && echo made && exec cat`;
    const holder = spawn("unshare", ["-Urm", "sh", "-c", script, folder], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    return new SmallDisk(holder, folder);
  }

  /** The folder as this process reaches it. */
  get reached(): string {
    return `/proc/${this.holder.pid}/root${this.folder}`;
  }

  /** Words before a command that starts it on the small disk. */
  get words(): string[] {
    return ["nsenter", "-t", String(this.holder.pid), "-U", "-m", "--preserve-credentials", `--wd=${process.cwd()}`];
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.reached);
    return bavail * bsize;
  }

  /** Takes all the room that is left but so much. */
  fill(leave = 0): void {
    const file = openSync(join(this.reached, "filler"), "w");
    let size = 0;
    try {
      for (;;) size += writeSync(file, Buffer.alloc(64 * 1024, 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
    ftruncateSync(file, size - leave);
    closeSync(file);
  }

  empty(): void {
    rmSync(join(this.reached, "filler"), { force: true });
  }

  async remove(): Promise<void> {
    const ended = once(this.holder, "exit");
    this.holder.stdin!.end();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}
