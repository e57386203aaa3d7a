/**
 * For tests: a cloud with storage alone behind its real door, as a process of its own that can be killed.
 * As a program (`node --import tsx lab.ts <lab folder> <folder of API descriptions>`) it is that process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engines } from "../../../../engines/interface";
import { clientEnvironment } from "../../../door/client-environment";
import { startCloud } from "../../../main";
import { storage } from "..";

export interface Lab {
  /** Environment that leads clients to this cloud. */
  environment: Record<string, string>;
  pid: number;
  /** Largest resident memory so far, in MB. */
  peakMemory: () => number;
  kill: (signal?: NodeJS.Signals) => Promise<void>;
}

/** Starts the process and waits for its door. */
export async function startLab(folder: string, descriptions: string): Promise<Lab> {
  const child = spawn(process.execPath, ["--import", "tsx", join(__dirname, "lab.ts"), folder, descriptions], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await opened(child);
  return {
    environment: { ...inherited(), ...clientEnvironment(folder) },
    pid: child.pid!,
    peakMemory: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024,
    kill: async (signal = "SIGTERM") => {
      const ended = once(child, "exit");
      if (child.kill(signal)) await ended;
    },
  };
}

/** Runs a client program to its end; resolves with what it printed, rejects with its errors. */
export async function runClient(lab: Lab, command: string, args: string[]): Promise<string> {
  const child = spawn(command, args, { env: lab.environment, stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors] = await Promise.all([read(child.stdout), read(child.stderr), once(child, "close")]);
  if (child.exitCode !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${child.exitCode}:\n${output}\n${errors}`);
  return output;
}

async function opened(child: ChildProcess): Promise<void> {
  const [ended, said] = [once(child, "exit"), once(child.stdout!, "data")];
  const first = await Promise.race([ended.then(() => "ended"), said.then(() => "open")]);
  if (first === "ended") throw new Error(`the cloud's process ended with ${child.exitCode} before its door was open.`);
}

async function read(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.toString();
  return text;
}

/** Without proxies and credentials of the machine. */
const inherited = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/proxy|GOOGLE|CLOUDSDK|_CA_|SSL_CERT/i.test(name)),
  ) as Record<string, string>;

async function run(folder: string, descriptions: string): Promise<void> {
  const started = await startCloud({
    lab: folder,
    port: 0,
    services: [storage],
    // Storage starts no engine.
    engines: {} as Engines,
    descriptions,
  });
  process.once("SIGTERM", () => void started.close().then(() => process.exit(0)));
  process.stdout.write("open\n");
}

if (require.main === module) void run(process.argv[2]!, process.argv[3]!);
