/** Looks at a lab and its machine and lets every check judge what was seen. */
import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { freemem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { cloudFiles, type DoorRecord } from "../../local/cloud/door/client-environment";
import { violationsFile } from "../../local/cloud/contract/validate";
import { exportStack } from "../../local/deploy";
import { ON_DEMAND, readTools, ToolsError, toolsFolder } from "../../local/engines/tools";
import { isRunning, startedAt } from "../../local/process";
import { stateSchema } from "../deployment-state";
import { LOCAL_STACK, type Lab } from "../lab";
import type { Finding } from "./finding";
import { checkDisk, checkMemory, checkNode, checkPort } from "./machine";
import { checkDoor, checkLocks, checkProcesses, type LockFacts } from "./processes";
import { processesOf } from "./processes-of";
import { checkAuthority, checkContract, checkSecrets, checkStack, type StackFacts } from "./records";
import { checkJava, checkManifest, checkNpm, checkPython, checkSetUp, type NpmPackages } from "./tools";

const CHECKOUT = resolve(__dirname, "../..");

export interface Place {
  lab: Lab;
  /** Where set-up puts its tools. @default the checkout's */
  tools?: string;
  now: Date;
}

export async function examine({ lab, tools = toolsFolder, now }: Place): Promise<Finding[]> {
  const files = cloudFiles(lab.folder);
  const door = readJson<DoorRecord>(files.door);
  const isUp = door !== undefined && startedAt(door.pid) === door.began;
  const processes = processesOf(lab.folder, files.cloud, now);
  return [
    checkNode(
      process.versions.node,
      readJson<{ engines: { node: string } }>(join(CHECKOUT, "package.json"))!.engines.node,
    ),
    ...examineTools(tools),
    checkDisk(lab.folder, freeMb(lab.folder)),
    checkMemory(availableMb()),
    checkPort({
      port: lab.port,
      ...(isUp ? { doorPort: door.port } : {}),
      isTaken: !isUp && (await isTaken(lab.port)),
    }),
    checkDoor({ file: files.door, ...(door && { pid: door.pid }), isRunning: isUp }),
    ...checkProcesses(processes, isUp ? door.pid : undefined),
    ...checkLocks(stackLocks(lab)),
    checkAuthority(files.ca, validTo(files.caCertificate), now),
    ...checkSecrets(secretFiles(lab, files)),
    checkContract(violationsFile(files.cloud), linesOf(violationsFile(files.cloud))),
    checkStack(await stackFacts(lab)),
  ];
}

function examineTools(tools: string): Finding[] {
  const npm = checkNpm(
    readJson<{ packages: NpmPackages }>(join(CHECKOUT, "package-lock.json"))?.packages ?? {},
    readJson<{ packages: NpmPackages }>(join(CHECKOUT, "node_modules", ".package-lock.json"))?.packages,
  );
  const unfinished = entries(join(tools, "tmp"));
  const setUp = checkSetUp({
    unfinished,
    isRunning: unfinished.some((name) => isRunning(Number(name.split("-").at(-1)))),
  });
  try {
    const { javaHome, python } = readTools(tools);
    const environments = Object.entries(python).flatMap(([name, interpreter]) => {
      const lock = readText(join(CHECKOUT, "local", "setup", "python", `${name}.txt`));
      return lock === undefined ? [] : [checkPython(name, lock, distributions(interpreter), ON_DEMAND.includes(name))];
    });
    return [
      npm,
      checkManifest(undefined),
      setUp,
      checkJava(javaHome, readText(join(javaHome, "release"))),
      ...environments,
    ];
  } catch (error) {
    if (!(error instanceof ToolsError)) throw error;
    return [npm, checkManifest(error.message), setUp];
  }
}

/** Folders `<name>-<version>.dist-info` of the environment that an interpreter belongs to, if it is there. */
function distributions(interpreter: string): string[] | undefined {
  if (!existsSync(interpreter)) return undefined;
  const library = join(dirname(dirname(interpreter)), "lib");
  return entries(library).flatMap((python) => entries(join(library, python, "site-packages")));
}

function stackLocks(lab: Lab): LockFacts[] {
  const folder = join(lab.folder, "stacks");
  return entries(folder)
    .filter((name) => name.endsWith(".lock") || name.endsWith(".lock.takeover"))
    .map((name) => {
      const path = join(folder, name);
      const held = readJson<{ pid?: number; began?: string; operation?: string }>(path) ?? {};
      const isAlive = held.pid !== undefined && startedAt(held.pid) === held.began;
      return { path, holder: `"${held.operation ?? "unknown"}" (process ${held.pid ?? "unknown"})`, isAlive };
    });
}

async function stackFacts(lab: Lab): Promise<StackFacts> {
  const stack = LOCAL_STACK;
  const lock = stackLocks(lab).some(({ isAlive }) => isAlive);
  try {
    const state = stateSchema.parse(await exportStack({ lab: lab.folder, stack }));
    const pending = (state.deployment.pending_operations ?? []).map(({ resource }) => resource.urn);
    return { stack, pending, isInterrupted: !lock && existsSync(join(lab.folder, "stacks", `${stack}.journal`)) };
  } catch (error) {
    return { stack, pending: [], isInterrupted: false, problem: (error as Error).message };
  }
}

function secretFiles(lab: Lab, files: ReturnType<typeof cloudFiles>) {
  const keys = [
    ...entries(files.credentials).map((name) => join(files.credentials, name)),
    join(files.ca, "ca-key.pem"),
  ];
  const paths = [...keys, join(lab.folder, "passphrase"), files.door].filter((path) => existsSync(path));
  return paths.map((path) => ({ path, mode: statSync(path).mode & 0o777 }));
}

function validTo(file: string): Date | undefined {
  const text = readText(file);
  return text === undefined ? undefined : new Date(new X509Certificate(text).validTo);
}

function freeMb(folder: string): number {
  const there = existsSync(folder) ? folder : dirname(folder);
  if (there !== folder) return freeMb(there);
  const { bavail, bsize } = statfsSync(there);
  return Math.floor((bavail * bsize) / 1e6);
}

/** What programs can have without swapping; free memory alone leaves out what the system gives back. */
function availableMb(): number {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(readText("/proc/meminfo") ?? "")?.[1];
  return Math.floor(available ? Number(available) / 1000 : freemem() / 1e6);
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(true));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(false)));
  });
}

const linesOf = (file: string) => (readText(file) ?? "").split("\n").filter(Boolean);
const entries = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
const readText = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : undefined);

/** A file that is absent or was cut off holds nothing. */
function readJson<T>(file: string): T | undefined {
  const text = readText(file);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
