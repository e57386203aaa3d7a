/**
 * Processes of Pulumi's own Node runtime, started as its language host for Node starts them: programs and policy packs.
 * Source: execRuntime, constructArguments and RunPlugin in sdk/nodejs/cmd/pulumi-language-nodejs/main.go of
 * github.com/pulumi/pulumi.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { DeployError } from "./errors";
import type { Emit } from "./events";
import type { StackConfig } from "./project";

/** The name of the organisation where the state is kept by oneself. Source: pulumi.com/docs/iac/concepts/state-and-backends. */
export const ORGANIZATION = "organization";
/** What each of them is started with: it then ends with its host, however that ends, and leaves out what nobody needs. */
const PRELOADS = ["end-with-host.cjs", "quick-start.cjs"].flatMap((file) => ["--require", join(__dirname, file)]);

/** What a message to or from one of them may be: assets and large properties travel whole. */
export const LARGEST_MESSAGE = 400 * 1024 * 1024;

export interface RuntimeOptions {
  entry: "run" | "run-policy-pack";
  /** Folder of the program or pack; the runtime of its own SDK is the version that it was written for. */
  folder: string;
  nodeArguments?: readonly string[];
  words: readonly string[];
  environment: NodeJS.ProcessEnv;
  config: StackConfig;
}

export function startRuntime(options: RuntimeOptions): ChildProcess {
  const { entry, folder, nodeArguments = [], words, environment, config } = options;
  return spawn(process.execPath, [...PRELOADS, ...nodeArguments, find(entry, folder), ...words], {
    cwd: folder,
    env: {
      ...environment,
      PULUMI_CONFIG: JSON.stringify(config.values),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(config.secretKeys),
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

function find(entry: string, folder: string): string {
  try {
    return require.resolve(`@pulumi/pulumi/cmd/${entry}`, { paths: [folder] });
  } catch (error) {
    throw new DeployError(`${folder}: @pulumi/pulumi is not installed. npm ci`, { cause: error });
  }
}

/** Tells what it prints, line by line, until its end. */
export async function tellLines(stream: Readable, severity: "info" | "warning", emit: Emit): Promise<void> {
  for await (const line of createInterface({ input: stream }))
    if (line !== "") emit({ type: "diagnostic", severity, message: line });
}
