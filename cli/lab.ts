/** Where one lab lives on this machine. */
import { join, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { parse } from "yaml";

export interface Lab {
  /** The checkout: holds Pulumi.yaml and the program. */
  root: string;
  /** State of the loopback cloud and of the stacks. */
  folder: string;
  /** Port of the front door; 0 lets the system choose. */
  port: number;
  project: string;
  projectNumber: string;
  region: string;
}

/** The stack of the one-machine environment. */
export const LOCAL_STACK = "local";
export const DEFAULT_PORT = 8470;
/** The loopback cloud has one project; Google numbers projects, so does it. */
const PROJECT_NUMBER = "100000000001";

/** Settings of the local lab, from the environment and from Pulumi.local.yaml. */
export function openLab(environment: NodeJS.ProcessEnv, root = resolve(__dirname, "..")): Lab {
  const stack = parse(readFileSync(join(root, `Pulumi.${LOCAL_STACK}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return {
    root,
    folder: resolve(root, environment.SPARKLAB_LAB ?? join(".lab", "lab")),
    port: parsePort(environment.SPARKLAB_PORT),
    project: String(stack.config["gcp:project"]),
    projectNumber: PROJECT_NUMBER,
    region: String(stack.config["gcp:region"]),
  };
}

function parsePort(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UserError(`SPARKLAB_PORT: got "${text}"; expected a port from 0 to 65535. unset SPARKLAB_PORT`);
  }
  return port;
}

/** A mistake that the user can mend: printed without a stack trace, exit code 2. */
export class UserError extends Error {
  override name = "UserError";
}
