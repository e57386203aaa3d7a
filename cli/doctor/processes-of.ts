/** Finds the processes of one lab among all of this user. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startedAt } from "../../local/process";
import type { LabProcess } from "./processes";

interface Listed {
  pid: number;
  parent: number;
  /** Command line, and environment where the system shows it. */
  text: string;
  seconds: number;
}

/** @param cloud `<lab>/cloud`: each process of a lab names it in its command line or environment. */
export function processesOf(lab: string, cloud: string, now: Date): LabProcess[] {
  return (existsSync("/proc/self/stat") ? listProc(now) : listPs()).flatMap(({ pid, parent, text, seconds }) => {
    const began = pid === process.pid ? undefined : startedAt(pid);
    const kind = kindOf(text, lab, cloud);
    if (!kind || began === undefined) return [];
    const folder = new RegExp(`${escaped(join(cloud, "batches"))}/[^/\\0\\s]+`).exec(text)?.[0];
    return [
      { pid, parent, began, kind, seconds, ...(kind === "spark" && folder ? { hasFolder: existsSync(folder) } : {}) },
    ];
  });
}

function kindOf(text: string, lab: string, cloud: string): LabProcess["kind"] | undefined {
  const words = text.split(/[\0\s]/);
  if (words.some((word) => word.endsWith("local/cloud/main.ts")) && words.includes(lab)) return "cloud";
  if (words.includes("bigquery_server") && text.includes(`${join(cloud, "bigquery")}/`)) return "bigquery";
  return words.some((word) => word.endsWith("spark_process.py")) && text.includes(`${join(cloud, "batches")}/`)
    ? "spark"
    : undefined;
}

function listProc(now: Date): Listed[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const read = (file: string) => readFileSync(join("/proc", name, file), "utf8");
      const stat = read("stat");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      const seconds = (now.getTime() - statSync(join("/proc", name)).ctimeMs) / 1000;
      return [{ pid: Number(name), parent, text: `${read("cmdline")}\0${read("environ")}`, seconds }];
    } catch (error) {
      // Ended meanwhile, or of another user.
      if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
      throw error;
    }
  });
}

/** macOS: `-E` shows the environment of one's own processes. */
function listPs(): Listed[] {
  const { stdout } = spawnSync("ps", ["-xwwEo", "pid=,ppid=,etime=,command="], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, time, text] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return text === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), text, seconds: elapsed(time!) }];
  });
}

/** `1-02:03:04` in seconds. */
function elapsed(text: string): number {
  const [days, clock] = text.includes("-") ? text.split("-") : ["0", text];
  return clock!.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
