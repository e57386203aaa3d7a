/** Checks of the lab's processes and locks: what runs although nobody asks for it, and what a dead process left. */
import { good, note, wrong, type Finding } from "./finding";

export interface LabProcess {
  pid: number;
  parent: number;
  /** Tells it from a later one with the same pid. */
  began: string;
  kind: "cloud" | "bigquery" | "spark";
  seconds: number;
  /** Of a Spark process: whether the folder of its batch is still there. */
  hasFolder?: boolean;
}

/** A cloud opens its door within seconds; on a busy machine it may take this long. */
const START_SECONDS = 120;

/** @param doorPid process of the cloud whose door is open */
export function checkProcesses(processes: readonly LabProcess[], doorPid: number | undefined): Finding[] {
  const clouds = new Set(processes.filter(({ kind }) => kind === "cloud").map(({ pid }) => pid));
  const findings = processes.flatMap((found): Finding[] => {
    const end = { do: "end", pid: found.pid, began: found.began } as const;
    const stale = (text: string) => [wrong("processes", text, `kill ${found.pid}`, end)];
    switch (found.kind) {
      case "cloud":
        if (found.pid === doorPid) return [];
        return found.seconds < START_SECONDS
          ? [note("processes", `cloud process ${found.pid} is starting`)]
          : stale(`cloud process ${found.pid} runs without an open door`);
      case "bigquery":
        return clouds.has(found.parent) ? [] : stale(`BigQuery engine ${found.pid} runs without its cloud`);
      case "spark":
        if (found.hasFolder === false) return stale(`Spark process ${found.pid} works for a batch that is gone`);
        if (doorPid !== undefined) return [];
        return [
          note("processes", `Spark process ${found.pid} works without a cloud, which finds it again`, {
            fix: "npx sparklab up",
          }),
        ];
    }
  });
  return findings.length > 0 ? findings : [good("processes", `${processes.length} of this lab, none left over`)];
}

export interface DoorFacts {
  file: string;
  /** Process that the door file names; undefined if there is no file. */
  pid?: number;
  isRunning: boolean;
}

export function checkDoor({ file, pid, isRunning }: DoorFacts): Finding {
  if (pid === undefined) return good("cloud", "does not run");
  if (isRunning) return good("cloud", `runs as process ${pid}`);
  return note("cloud", `process ${pid} has died; the next start goes on from its state`, {
    fix: "npx sparklab up",
    repair: { do: "remove", path: file },
  });
}

export interface LockFacts {
  path: string;
  holder: string;
  isAlive: boolean;
}

export function checkLocks(locks: readonly LockFacts[]): Finding[] {
  if (locks.length === 0) return [good("locks", "none is held")];
  return locks.map(({ path, holder, isAlive }) =>
    isAlive
      ? good("locks", `held by ${holder}`)
      : note("locks", `${path} was left by ${holder}, which has died; the next command takes it over`, {
          fix: "npx sparklab doctor --fix",
          repair: { do: "remove", path },
        }),
  );
}
