/** preview, up, refresh, destroy and drift: by the deployment host here, by Pulumi's CLI for stacks on Google Cloud. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { deploy, drift, type DeployEvent, type Summary } from "../../local/deploy";
import { builtImages } from "../../local/engines/images-list";
import { ensureCloud } from "../cloud-process";
import { asClient, cloudEnvironment, type Context } from "../context";
import { checkCustomers, customersFile } from "../customers";
import { EXIT } from "../exit-codes";
import { makeDisplay } from "../display/display";
import { timingsOf, type Timing } from "../display/timings";
import { LOCAL_STACK, UserError } from "../lab";
import { MASK, printResult, type Outcome } from "../outcome";
import type { DeploymentRequest } from "../requests";
import { refuseServing } from "../serving";
import { stopOnSignals } from "../signals";
import type { Terminal } from "../terminal";
import { image } from "./image";
import { status } from "./status";

export async function lifecycle(request: DeploymentRequest, context: Context): Promise<number> {
  if (request.stack === LOCAL_STACK) return here(request, context);
  // It brings the Automation API.
  const onGoogle = createRequire(__filename)(
    "../google-cloud/deployments",
  ) as typeof import("../google-cloud/deployments");
  return onGoogle.onGoogleCloud(request, context);
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
  if (command === "destroy") await refuseServing(context, stack);
  const outcome = await operate(request, context);
  const code = printResult(request, outcome, terminal);
  if (command === "up" && code === EXIT.done && lacksImages(outcome, context))
    return image({ command: "image", names: [], stack }, { ...context, words: ["image", "build"] });
  if (command !== "destroy" || json || code !== EXIT.done) return code;
  return asClient({ ...context, words: ["status"] }, stack, () => status({ stack, json }, context));
}

/** Whether the stack names an image that has not been built yet. */
function lacksImages({ outputs }: Outcome, { lab }: Context): boolean {
  const wanted = Object.values((outputs.images ?? {}) as Record<string, { image: string }>);
  const built = builtImages(join(lab.folder, "cloud"));
  return wanted.some((source) => !built[source.image]);
}

/** What the deployment host does not do is refused before the first change. */
function refuse({ target }: DeploymentRequest): void {
  if (target.length > 0)
    throw new UserError(
      `--target: got ${target.join(", ")}; the stack "${LOCAL_STACK}" is changed as a whole. Leave it out.`,
    );
}

async function operate(request: DeploymentRequest, context: Context): Promise<Outcome> {
  const { lab, terminal, environment } = context;
  const { command, stack, config, parallel, skipPreview, refresh, expectNoChanges } = request;
  const stopping = stopOnSignals(terminal);
  const options = {
    ...{ stack, config, skipPreview, refresh, expectNoChanges, ...(parallel ? { parallel } : {}) },
    policyPacks: [...ownPolicyPack(lab.root), ...request.policyPack],
    ...{ program: lab.root, lab: lab.folder, signal: stopping.signal },
    environment: { ...environment, ...cloudEnvironment(lab) },
  };
  try {
    const { summary, ...found } = await shown(request, async (onEvent) =>
      command === "drift"
        ? drift({ ...options, onEvent })
        : { summary: await deploy({ ...options, operation: command, onEvent }) },
    );
    return { ...outcomeOf(request, summary, terminal), ...found };
  } finally {
    stopping.release();
  }
}

/** Shows the work while it goes on and what came of it, with what each resource waited for where that is asked. */
async function shown<R extends { summary: Summary }>(
  { json, diff, timings: isTimed }: DeploymentRequest,
  work: (onEvent: (event: DeployEvent) => void) => Promise<R>,
): Promise<R & { timings?: Timing[] }> {
  const display = makeDisplay(json ? "none" : diff ? "lines" : "auto");
  const events: DeployEvent[] = [];
  let ended: [summary?: Summary, timings?: Timing[]] = [];
  try {
    const found = await work((event) => {
      if (isTimed) events.push(event);
      display.show(event);
    });
    const timings = isTimed ? timingsOf(events) : undefined;
    ended = [found.summary, timings];
    return { ...found, ...(timings && { timings }) };
  } finally {
    display.close(...ended);
  }
}

/** The pack that lies beside the program, run by every preview and up: what it forbids was never wanted here. */
function ownPolicyPack(root: string): string[] {
  const folder = join(root, "stacks", "policy");
  return existsSync(join(folder, "PulumiPolicy.yaml")) ? [folder] : [];
}

/** The summary with its secrets masked, or told by name where a person asks for them. */
function outcomeOf({ showSecrets, json }: DeploymentRequest, summary: Summary, terminal: Terminal): Outcome {
  const { result, counts, errors, durations, secretOutputs } = summary;
  const isShown = (name: string) => showSecrets || !secretOutputs.includes(name);
  const outputs = Object.entries(summary.outputs).map(([name, value]) => [name, isShown(name) ? value : MASK]);
  if (showSecrets && !json)
    for (const name of secretOutputs) terminal.line(`  ${name}: ${JSON.stringify(summary.outputs[name])}`);
  return { result, counts, errors, durations, outputs: Object.fromEntries(outputs) as Outcome["outputs"] };
}
