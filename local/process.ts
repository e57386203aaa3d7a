/** Whether a process that is not our child still runs, and whether it is the one that we mean. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/**
 * What tells a process from a later one with the same id: boot and start time; undefined if it is gone.
 * local/engines/spark_process.py writes the same.
 */
export function startedAt(pid: number): string | undefined {
  if (existsSync("/proc/self/stat")) {
    const stat = readOptional(`/proc/${pid}/stat`);
    const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; it only waits to be collected, for ever where nothing collects orphans (many containers).
    if (!fields || fields[0] === "Z") return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${fields[19]}`;
  }
  const listing = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return listing.status === 0 ? listing.stdout.split(/\s+/).filter(Boolean).join(" ") : undefined;
}

export function isRunning(pid: number): boolean {
  return startedAt(pid) !== undefined;
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // ESRCH: a /proc entry whose process ended between open and read.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
