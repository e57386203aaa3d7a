/** The loopback cloud as a background process of this lab: start it, find it, stop it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { DoorRecord } from "../local/cloud/door/client-environment";
import { startedAt } from "../local/process";
import { EXIT } from "./exit-codes";
import { UserError, type Lab } from "./lab";

/** How often a process that is not our child is looked at while it ends. */
const LOOK_EVERY_MS = 50;

/** The door of a running cloud, or undefined. */
export function findCloud(lab: Lab): DoorRecord | undefined {
  const door = readDoor(lab);
  return door && isRunning(door) ? door : undefined;
}

/** Finds the cloud or starts it in the background; resolves once its door is open. */
export async function ensureCloud(lab: Lab): Promise<DoorRecord> {
  const running = findCloud(lab);
  if (running) return running;
  const folder = join(lab.folder, "cloud");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const output = join(folder, "cloud.out");
  const log = openSync(output, "w", 0o600);
  const child = startCloud(lab, log);
  return new Promise<DoorRecord>((resolve, reject) => {
    const settle = (finish: () => void) => {
      watcher.close();
      child.removeAllListeners();
      child.unref();
      finish();
    };
    const look = () => {
      const door = findCloud(lab);
      if (door && door.pid === child.pid) settle(() => resolve(door));
    };
    const watcher = watch(folder, look);
    child.once("error", (error) => settle(() => reject(error)));
    child.once("exit", (code) => settle(() => reject(startError(code, readFileSync(output, "utf8").trim()))));
    look();
  });
}

function startCloud(lab: Lab, log: number): ChildProcess {
  return spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      join(lab.root, "local", "cloud", "main.ts"),
      "--lab",
      lab.folder,
      "--port",
      String(lab.port),
      "--project",
      lab.project,
      "--project-number",
      lab.projectNumber,
    ],
    { cwd: lab.root, detached: true, stdio: ["ignore", log, log] },
  );
}

/** What the cloud said a person can mend has its own remedy; anything else is told with how it ended. */
function startError(code: number | null, text: string): UserError {
  return new UserError(
    code === EXIT.wrong ? text : `The loopback cloud ended with code ${code} while starting:\n${text}`,
  );
}

/** Ends the cloud and waits until its process is gone; false if none was running. */
export async function stopCloud(lab: Lab): Promise<boolean> {
  const door = findCloud(lab);
  if (!door) return false;
  process.kill(door.pid, "SIGTERM");
  // One that is killed meanwhile leaves its door file behind: only the process tells that it has ended.
  while (isRunning(door)) await pause(LOOK_EVERY_MS);
  return true;
}

const isRunning = ({ pid, began }: DoorRecord) => startedAt(pid) === began;

function readDoor(lab: Lab): DoorRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(lab.folder, "cloud", "door.json"), "utf8")) as DoorRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
