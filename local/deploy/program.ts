/**
 * Starts Pulumi's own Node runtime on a program, as Pulumi's language host for Node does.
 * Source: execRuntime and constructArguments in sdk/nodejs/cmd/pulumi-language-nodejs/main.go of github.com/pulumi/pulumi.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { DeployError } from "./errors";
import type { Emit } from "./events";
import type { Project, StackConfig } from "./project";

export interface ProgramOptions {
  project: Project;
  stack: string;
  config: StackConfig;
  /** Address of the monitor and engine services. */
  address: string;
  parallel: number;
  dryRun: boolean;
  environment: NodeJS.ProcessEnv;
  emit: Emit;
}

/** The name of the organisation where the state is kept by oneself. Source: pulumi.com/docs/iac/concepts/state-and-backends. */
export const ORGANIZATION = "organization";
/** Exit code by which the runtime says that it has told the user already. */
const ALREADY_TOLD = 32;
/** What every process of Pulumi's runtime is started with. */
export const PRELOADS = ["end-with-host.cjs", "quick-start.cjs"].flatMap((file) => [
  "--require",
  join(__dirname, file),
]);

export interface RunningProgram {
  /** Resolves when the program has ended well, rejects otherwise; `told` if the program has logged the reason itself. */
  ended: Promise<{ told: boolean; failure?: string }>;
  stop: () => void;
}

export function startProgram(options: ProgramOptions): RunningProgram {
  const { project, emit } = options;
  const child = spawn(process.execPath, [...PRELOADS, ...project.nodeArguments, ...runtimeArguments(options)], {
    cwd: project.root,
    env: programEnvironment(options),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  // A program must not outlive its engine: nothing would answer it.
  const stop = () => void child.kill("SIGKILL");
  process.once("exit", stop);
  const output = Promise.all([lines(child.stdout!, "info", emit), lines(child.stderr!, "warning", emit)]);
  return { stop, ended: ended(child, output).finally(() => process.off("exit", stop)) };
}

function runtimeArguments({ project, stack, address, parallel, dryRun }: ProgramOptions): string[] {
  const flags = {
    monitor: address,
    engine: address,
    organization: ORGANIZATION,
    project: project.name,
    "root-directory": project.root,
    stack,
    pwd: project.root,
    parallel: String(parallel),
  };
  const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return [runtimePath(project.root), ...words, ...(dryRun ? ["--dry-run"] : []), project.main ?? "."];
}

/** The runtime of the program's own SDK: its version is the one that the program was written for. */
function runtimePath(root: string): string {
  try {
    return require.resolve("@pulumi/pulumi/cmd/run", { paths: [root] });
  } catch (error) {
    throw new DeployError(`${root}: @pulumi/pulumi is not installed. npm ci`, { cause: error });
  }
}

function programEnvironment({ project, config, environment }: ProgramOptions): NodeJS.ProcessEnv {
  const older = Object.entries(config.values).map(([key, value]) => [key.replace(":", ":config:"), value] as const);
  const loopback = ["127.0.0.1", "localhost"];
  const noProxy = [...new Set([...(environment.NO_PROXY ?? environment.no_proxy ?? "").split(","), ...loopback])]
    .filter((host) => host !== "")
    .join(",");
  return {
    ...environment,
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(older)),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(config.secretKeys),
    ...(project.typescript && { PULUMI_NODEJS_TYPESCRIPT: "true" }),
    // The runtime's gRPC honours proxies, and would send its own loopback traffic through one.
    NO_PROXY: noProxy,
    no_proxy: noProxy,
  };
}

async function ended(child: ChildProcess, output: Promise<unknown>): Promise<{ told: boolean; failure?: string }> {
  const exit = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await output;
  if (exit.code === 0) return { told: false };
  const failure =
    exit.code === null
      ? `Program ended by signal ${exit.signal}`
      : `Program exited with non-zero exit code: ${exit.code}`;
  return { told: exit.code === ALREADY_TOLD, failure };
}

/** What the program prints, line by line. */
async function lines(stream: Readable, severity: "info" | "warning", emit: Emit): Promise<void> {
  for await (const line of createInterface({ input: stream }))
    if (line !== "") emit({ type: "diagnostic", severity, message: line });
}
