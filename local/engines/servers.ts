/**
 * Runs programs that serve HTTP, functions and images, each as a process group of its own that is reached through a
 * socket in a folder of this user: no port that others could call, and none that two instances could want.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { doorVariables } from "./door-variables";
import type { ServerEngine, ServerProgram, ServerRun, SparkRun } from "./interface";
import { unpack } from "./servers-archive";
import { attach, start as startProcess } from "./spark-process";
import { tail } from "./tail";

/** Makes the program's port a socket, and ends the search for packages at its own folder. */
const PRELOAD = join(__dirname, "servers_preload.cjs");
const FRAMEWORK = join(dirname(require.resolve("@google-cloud/functions-framework")), "main.js");
/** Between two attempts to reach a program that starts. */
const LOOK_MS = 20;
/** A container of Cloud Run has as long to listen. */
const START_MS = 240_000;
const TAIL_BYTES = 8192;

export interface ServerEngineSettings {
  /** Interpreter that runs the recorder of processes. */
  python: string;
}

export function createServerEngine({ python }: ServerEngineSettings): ServerEngine {
  return {
    unpack,
    start: (program) => start(program, python),
    stopEarlier: async (instance) => attach(instance)?.stop(),
    printed: (folder) => {
      const { stdout, stderr } = layout(folder);
      return { stdout, stderr };
    },
  };
}

async function start(program: ServerProgram, python: string): Promise<ServerRun> {
  const at = layout(program.folder);
  await rm(program.folder, { recursive: true, force: true });
  for (const folder of [at.home, at.temporary]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const socket = socketOf(program.folder);
  await rm(socket, { force: true });
  const run = await startProcess({
    python,
    folder: program.folder,
    argv: [
      process.execPath,
      "--require",
      PRELOAD,
      `--max-old-space-size=${program.memoryMb}`,
      ...programArguments(program),
    ],
    environment: environmentOf(program, socket),
    workingFolder: program.source,
    output: at.stdout,
    errors: at.stderr,
  });
  const ended = run.ended.finally(() => rm(socket, { force: true }));
  if (await listens(socket, run)) return { socket, pid: run.pid, ended, stop: run.stop };
  await run.stop();
  const printed = await Promise.all([at.stdout, at.stderr].map((file) => tail(file, TAIL_BYTES)));
  const text = printed.filter((part) => part !== "").join("\n") || "it printed nothing";
  throw new Error(`the program did not listen on port ${program.port}: ${text}`);
}

function programArguments({ functionTarget, command, source }: ServerProgram): readonly string[] {
  if (functionTarget === undefined) return command ?? [];
  return [FRAMEWORK, "--target", functionTarget, "--source", source, "--signature-type", "http"];
}

/** Only what a program needs: nothing of the environment of whoever started the cloud reaches it. */
function environmentOf(program: ServerProgram, socket: string): Record<string, string> {
  const { home, temporary } = layout(program.folder);
  return {
    ...program.environment,
    PATH: [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
    HOME: home,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    TZ: "UTC",
    NODE_ENV: "production",
    PORT: String(program.port),
    SPARKLAB_SOCKET: socket,
    SPARKLAB_SOURCE: program.source,
    ...doorVariables(program.door, program.metadataHost),
    // Node adds to its own roots.
    NODE_EXTRA_CA_CERTS: program.door.caCertificate,
  };
}

const layout = (folder: string) => ({
  home: join(folder, "home"),
  temporary: join(folder, "tmp"),
  stdout: join(folder, "stdout.log"),
  stderr: join(folder, "stderr.log"),
});

/** Sockets have short paths, wherever the lab lies. The folder must be this user's alone. */
function socketOf(folder: string): string {
  const { uid } = userInfo();
  const shared = join(tmpdir(), `sparklab-sockets-${uid}`);
  mkdirSync(shared, { recursive: true, mode: 0o700 });
  const found = lstatSync(shared);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0)
    throw new Error(`folder ${shared}: expected a folder of this user with mode 700; remove it and try again`);
  return join(shared, createHash("sha256").update(folder).digest("hex").slice(0, 24));
}

/** Whether the program takes connections before it ends or its time is over. */
async function listens(socket: string, run: SparkRun): Promise<boolean> {
  let over = false;
  const end = run.ended.then(() => (over = true));
  for (const last = Date.now() + START_MS; !over && Date.now() < last;) {
    if (await answers(socket)) return true;
    await Promise.race([delay(LOOK_MS), end]);
  }
  return false;
}

const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    const settle = (answer: boolean) => {
      connection.destroy();
      resolve(answer);
    };
    connection.once("connect", () => settle(true));
    connection.once("error", () => settle(false));
  });
