/** The loopback cloud as a background process of this lab: start it, find it, stop it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { isRunning } from "../local/process";
import { EXIT } from "./exit-codes";
import { UserError, type Lab } from "./lab";

/** What the cloud writes once its door is open. */
export interface Door {
  pid: number;
  port: number;
  proxy: string;
  project: string;
  startedAt: string;
}

/** The door of a running cloud, or undefined. */
export function findCloud(lab: Lab): Door | undefined {
  const door = readDoor(lab);
  return door && isRunning(door.pid) ? door : undefined;
}

/** Finds the cloud or starts it in the background; resolves once its door is open. */
export async function ensureCloud(lab: Lab): Promise<Door> {
  const running = findCloud(lab);
  if (running) return running;
  const folder = join(lab.folder, "cloud");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const output = join(folder, "cloud.out");
  const log = openSync(output, "w", 0o600);
  const child = startCloud(lab, log);
  return new Promise<Door>((resolve, reject) => {
    const settle = (finish: () => void) => {
      watcher.close();
      child.removeAllListeners();
      child.unref();
      finish();
    };
    const look = () => {
      const door = readDoor(lab);
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
  const gone = new Promise<void>((resolve) => {
    // The door file goes when the cloud has closed everything; watching it needs no polling of the process.
    const watcher = watch(join(lab.folder, "cloud"), () => {
      if (!readDoor(lab)) {
        watcher.close();
        resolve();
      }
    });
  });
  process.kill(door.pid, "SIGTERM");
  await gone;
  return true;
}

function readDoor(lab: Lab): Door | undefined {
  try {
    return JSON.parse(readFileSync(join(lab.folder, "cloud", "door.json"), "utf8")) as Door;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
