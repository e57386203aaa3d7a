/**
 * Stacks on Google Cloud: Pulumi's Automation API over the Pulumi CLI that is installed.
 * Source: pulumi.com/docs/iac/automation-api.
 */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import type { PulumiCommand, Stack } from "@pulumi/pulumi/automation";
import { version as SDK } from "@pulumi/pulumi/package.json";
import { UserError, type Lab } from "../lab";

/** The installer that pulumi.com/docs/install gives for Linux and macOS. */
const INSTALL = "curl -fsSL https://get.pulumi.com | sh";
/** Exit code by which a shell, and Node here, say that there is no such command. */
const NO_SUCH_COMMAND = "ENOENT";

/** Loaded when it is first needed: it brings half of npm and a compiler, a second and 130 MB that no local stack has use for. */
const automation = () =>
  createRequire(__filename)("@pulumi/pulumi/automation") as typeof import("@pulumi/pulumi/automation");

/** The CLI on PATH, at least as new as the SDK of the program. @throws UserError in one line when it is not. */
export async function findPulumi(stack: string): Promise<PulumiCommand> {
  const wanted = `Stack "${stack}" is on Google Cloud and needs the Pulumi CLI ${SDK} or a later 3.x`;
  const { PulumiCommand: Command } = automation();
  const found = await Command.get().catch((error: Error) => {
    if (error.message.includes(NO_SUCH_COMMAND)) throw new UserError(`${wanted}: got no pulumi on PATH. ${INSTALL}`);
    throw new UserError(`${wanted}: ${error.message.trim().split("\n")[0]} ${INSTALL}`);
  });
  const { version } = found;
  if (version && (version.major !== Number(SDK.split(".")[0]) || version.compare(SDK) < 0))
    throw new UserError(`${wanted}: got ${version.version}. ${INSTALL} -s -- --version ${SDK}`);
  return found;
}

/** The stack in this project's folder. @throws UserError when there is none of that name. */
export async function openStack(lab: Lab, stackName: string): Promise<Stack> {
  const pulumiCommand = await findPulumi(stackName);
  const { LocalWorkspace, StackNotFoundError } = automation();
  try {
    return await LocalWorkspace.selectStack({ stackName, workDir: lab.root }, { pulumiCommand });
  } catch (error) {
    if (!(error instanceof StackNotFoundError)) throw error;
    throw new UserError(`Stack "${stackName}": no such stack in this backend. pulumi stack init ${stackName}`);
  }
}

/**
 * The stack's deployment as text. Not by the Automation API, whose export always opens the secrets.
 */
export async function exportText(
  lab: Lab,
  stack: string,
  { showSecrets = false }: { showSecrets?: boolean } = {},
): Promise<string> {
  const { command } = await findPulumi(stack);
  const words = ["stack", "export", "--stack", stack, "--non-interactive", ...(showSecrets ? ["--show-secrets"] : [])];
  // As the Automation API does: the CLI works with the environment of its caller.
  const options = { cwd: lab.root, env: process.env, maxBuffer: 1 << 30 };
  const { stdout } = await promisify(execFile)(command, words, options).catch((error: Error & { stderr?: string }) => {
    throw new UserError(`Stack "${stack}": ${error.stderr?.trim() || error.message}`);
  });
  return stdout;
}
