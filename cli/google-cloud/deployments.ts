/** preview, up, refresh, destroy and drift of a stack on Google Cloud, by Pulumi's Automation API. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, ConcurrentUpdateError, type OpMap, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import type { Context } from "../context";
import { EXIT } from "../exit-codes";
import { UserError, type Lab } from "../lab";
import { maskOutputs, printResult, type Outcome } from "../outcome";
import type { DeploymentRequest } from "../requests";
import { refuseServing } from "../serving";
import { stopOnSignals } from "../signals";
import { openStack } from "./pulumi";

export async function onGoogleCloud(request: DeploymentRequest, context: Context): Promise<number> {
  const { terminal } = context;
  refuse(request, terminal.isInteractive);
  const stack = await openStack(context.lab, request.stack);
  if (request.command === "destroy") await refuseServing(context, request.stack);
  return withConfig(context.lab, request, async (configFile) => {
    const isChange = request.command !== "preview" && request.command !== "drift";
    if (isChange && !request.skipPreview && !request.json) {
      const code = await carryOut(stack, { ...request, command: request.command }, context, configFile, true);
      if (code !== EXIT.done) return code;
    }
    if (isChange && !request.yes && !(await terminal.ask(`${request.command} -s ${request.stack}: go on?`))) {
      terminal.note("Nothing was changed.");
      return EXIT.wrong;
    }
    return carryOut(stack, request, context, configFile, !isChange);
  });
}

/** What cannot be done is refused before the first change. */
function refuse({ command, stack, yes, timings }: DeploymentRequest, isInteractive: boolean): void {
  const problems: string[] = [];
  if (timings) problems.push("--timings: the Pulumi CLI does not tell what a resource waited for. Leave it out.");
  const isChange = command !== "preview" && command !== "drift";
  if (isChange && !yes && !isInteractive)
    problems.push(`${command}: no terminal to ask on; expected --yes. npx sparklab ${command} -s ${stack} --yes`);
  if (problems.length > 0) throw new UserError(problems.join("\n"));
}

async function carryOut(
  stack: Stack,
  request: DeploymentRequest,
  { terminal }: Context,
  configFile: string | undefined,
  isPreview: boolean,
): Promise<number> {
  const stopping = stopOnSignals(terminal);
  const options = {
    ...(configFile ? { configFile } : {}),
    // The Automation API opens secrets where it is not told.
    showSecrets: request.showSecrets,
    ...(request.parallel ? { parallel: request.parallel } : {}),
    ...(request.target.length > 0 ? { target: request.target } : {}),
    ...(request.json
      ? {}
      : { color: "auto" as const, onOutput: terminal.raw, onError: (text: string) => terminal.note(text.trimEnd()) }),
    // A terminal sends Ctrl-C to the CLI as well as to us; a second one from here would end it at once.
    ...(terminal.isInteractive ? {} : { signal: stopping.signal }),
  };
  try {
    const outcome = await operate(stack, request, options, isPreview);
    return printResult(request, outcome, terminal);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error instanceof ConcurrentUpdateError)
      throw new UserError(
        `Stack "${request.stack}" is being changed by another. Wait for it, or: pulumi cancel -s ${request.stack}`,
      );
    if (request.json) terminal.note(error.message.trim());
    return stopping.signal.aborted ? EXIT.stopped : EXIT.failed;
  } finally {
    stopping.release();
  }
}

type Common = Parameters<Stack["refresh"]>[0] & object;

async function operate(stack: Stack, request: DeploymentRequest, common: Common, isPreview: boolean): Promise<Outcome> {
  const { command, diff, refresh, expectNoChanges, policyPack } = request;
  const program = { ...common, diff, refresh, expectNoChanges, policyPacks: policyPack };
  const told = (counts: OpMap | undefined): Outcome => ({
    counts: withoutZeros(counts),
    outputs: {},
    result: "succeeded",
  });
  switch (command) {
    case "preview":
      return told((await stack.preview(program)).changeSummary);
    case "up": {
      if (isPreview) return told((await stack.preview({ ...program, expectNoChanges: false })).changeSummary);
      const { summary, outputs } = await stack.up(program);
      return { ...told(summary.resourceChanges), outputs: maskOutputs(outputs, request.showSecrets) };
    }
    case "drift":
      return told((await stack.previewRefresh(common)).changeSummary);
    case "refresh":
      if (isPreview) return told((await stack.previewRefresh(common)).changeSummary);
      return told((await stack.refresh({ ...common, expectNoChanges })).summary.resourceChanges);
    case "destroy":
      if (isPreview) return told((await stack.previewDestroy({ ...common, diff, refresh })).changeSummary);
      return told((await stack.destroy({ ...common, diff, refresh })).summary.resourceChanges);
  }
}

const withoutZeros = (counts: OpMap = {}): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => (count ?? 0) > 0));

/** The stack's file with this run's settings before its own, in a file that only its owner can read and that goes away. */
async function withConfig<T>(
  lab: Lab,
  { stack, config }: DeploymentRequest,
  work: (file: string | undefined) => Promise<T>,
): Promise<T> {
  if (Object.keys(config).length === 0) return work(undefined);
  const own = parse(await readFile(join(lab.root, `Pulumi.${stack}.yaml`), "utf8")) as { config?: object };
  const folder = await mkdtemp(join(tmpdir(), "sparklab-config-"));
  try {
    const file = join(folder, `Pulumi.${stack}.yaml`);
    await writeFile(file, stringify({ ...own, config: { ...own.config, ...config } }), { mode: 0o600 });
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
