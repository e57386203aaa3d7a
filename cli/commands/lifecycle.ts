/** preview, up, refresh, destroy and drift: by the deployment host here, by Pulumi's CLI for stacks on Google Cloud. */
import { deploy, type DeployEvent, type DeployOptions } from "../../local/deploy";
import { ensureCloud } from "../cloud-process";
import { asClient, cloudEnvironment, type Context } from "../context";
import { checkCustomers, customersFile } from "../customers";
import { EXIT } from "../exit-codes";
import { onGoogleCloud } from "../google-cloud/deployments";
import { LOCAL_STACK, UserError } from "../lab";
import { MASK, printResult, type Drift, type Outcome } from "../outcome";
import type { DeploymentRequest } from "../requests";
import { stopOnSignals } from "../signals";
import { status } from "./status";

export async function lifecycle(request: DeploymentRequest, context: Context): Promise<number> {
  return request.stack === LOCAL_STACK ? here(request, context) : onGoogleCloud(request, context);
}

async function here(request: DeploymentRequest, context: Context): Promise<number> {
  const { lab, terminal } = context;
  const { command, stack, json, config } = request;
  refuse(request);
  const customers = config["sparklab:customers"] ?? customersFile(lab);
  if (customers !== undefined && (command === "preview" || command === "up")) checkCustomers(lab, customers);
  if (command === "destroy" && !request.yes && terminal.isInteractive) {
    if (!(await terminal.ask(`Delete all that stack ${stack} has deployed?`))) {
      terminal.note("Nothing was changed.");
      return EXIT.wrong;
    }
  }
  await terminal.wait("Starting the loopback cloud", ensureCloud(lab));
  if (request.refresh) {
    const refreshed = await operate({ ...request, command: "refresh" }, context);
    if (refreshed.result !== "succeeded") return printResult(request, refreshed, terminal);
  }
  const code = printResult(request, await operate(request, context), terminal);
  if (command !== "destroy" || json || code !== EXIT.done) return code;
  return asClient({ ...context, words: ["status"] }, stack, () => status({ stack, json }, context));
}

/** What the deployment host does not do is refused before the first change. */
function refuse({ command, refresh, target, policyPack, timings }: DeploymentRequest): void {
  const problems = [
    refresh && command === "preview" && "--refresh: a preview here reads the state alone. npx sparklab drift",
    target.length > 0 && "--target: the deployment host changes a stack as a whole. Leave it out.",
    policyPack.length > 0 && "--policy-pack: the deployment host runs none. Leave it out.",
    timings && "--timings: the deployment host does not tell them. Leave it out.",
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new UserError(problems.join("\n"));
}

async function operate(request: DeploymentRequest, context: Context): Promise<Outcome> {
  const { lab, terminal, environment } = context;
  const stopping = stopOnSignals(terminal);
  const drift: Drift[] = [];
  try {
    const summary = await deploy({
      ...optionsOf(request),
      program: lab.root,
      lab: lab.folder,
      environment: { ...environment, ...cloudEnvironment(lab) },
      signal: stopping.signal,
      onEvent: (event) => {
        const found = driftOf(event);
        if (found) drift.push(found);
      },
    });
    const { result, counts, errors, durations, secretOutputs } = summary;
    const isShown = (name: string) => request.showSecrets || !secretOutputs.includes(name);
    const outputs = Object.entries(summary.outputs).map(([name, value]) => [name, isShown(name) ? value : MASK]);
    if (request.showSecrets && !request.json)
      for (const name of secretOutputs) terminal.line(`  ${name}: ${JSON.stringify(summary.outputs[name])}`);
    return {
      ...{ result, counts, errors, durations, outputs: Object.fromEntries(outputs) as Outcome["outputs"] },
      ...(request.command === "drift" ? { drift } : {}),
    };
  } finally {
    stopping.release();
  }
}

function optionsOf(
  request: DeploymentRequest,
): Pick<DeployOptions, "operation" | "stack" | "display"> & Partial<DeployOptions> {
  const { command, stack, json, config, parallel, skipPreview, diff } = request;
  return {
    operation: command === "drift" ? "refresh" : command,
    dryRun: command === "drift",
    display: json ? "none" : diff ? "lines" : "auto",
    ...{ stack, config, skipPreview },
    ...(parallel ? { parallel } : {}),
  };
}

/** What a refresh that changes nothing found to differ. */
function driftOf(event: DeployEvent): Drift | undefined {
  if (event.type !== "step" || event.state !== "done" || event.changes.length === 0) return undefined;
  const isGone = event.changes.some(({ path, kind }) => path === "id" && kind === "delete");
  const changes = event.changes.map(({ path, kind, old, new: now }) => ({ path, kind, old, new: now }));
  return { urn: event.urn, kind: isGone ? "delete" : "update", changes };
}
