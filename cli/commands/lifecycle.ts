/** preview, up, refresh and destroy: by the deployment host here, by the Pulumi CLI for stacks on Google Cloud. */
import { deploy } from "../../local/deploy";
import { ensureCloud } from "../cloud-process";
import { checkCustomers, customersFile } from "../customers";
import { asClient, cloudEnvironment, spawnInherited, type Context } from "../context";
import { LOCAL_STACK, UserError } from "../lab";
import { status } from "./status";

export interface LifecycleRequest {
  command: "preview" | "up" | "refresh" | "destroy";
  stack: string;
  json: boolean;
  /** Configuration that goes before the stack's own file, for this run. */
  settings: Record<string, string>;
}

export async function lifecycle(request: LifecycleRequest, context: Context): Promise<number> {
  return request.stack === LOCAL_STACK ? here(request, context) : onGoogleCloud(request, context);
}

async function here({ command, stack, json, settings }: LifecycleRequest, context: Context): Promise<number> {
  const { lab, terminal } = context;
  if (command === "preview" || command === "up")
    checkCustomers(lab, settings["sparklab:customers"] ?? customersFile(lab));
  await ensureCloud(lab);
  const stopping = stopOnSignals(context);
  try {
    const summary = await deploy({
      operation: command,
      program: lab.root,
      stack,
      lab: lab.folder,
      config: settings,
      environment: { ...context.environment, ...cloudEnvironment(lab) },
      signal: stopping.signal,
      display: json ? "none" : "auto",
    });
    if (json) terminal.line(JSON.stringify(summary));
    if (summary.result !== "succeeded") return summary.result === "cancelled" ? 130 : 1;
  } finally {
    stopping.release();
  }
  return command === "destroy" && !json
    ? asClient({ ...context, words: ["status"] }, stack, () => status({ stack, json }, context))
    : 0;
}

/** Ctrl-C once lets the steps in flight finish, twice stops at once; both can be resumed. */
function stopOnSignals({ terminal }: Context): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130);
    terminal.note("Stopping after the steps in flight; once more stops now. Run the same command again to go on.");
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}

async function onGoogleCloud(
  { command, stack, json, settings }: LifecycleRequest,
  { lab, environment }: Context,
): Promise<number> {
  const words = [
    command,
    "--stack",
    stack,
    ...(json ? ["--json"] : []),
    ...Object.entries(settings).flatMap(([key, value]) => ["--config", `${key}=${value}`]),
  ];
  try {
    return await spawnInherited("pulumi", words, environment, lab.root);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `Stack "${stack}" is on Google Cloud and needs the Pulumi CLI. curl -fsSL https://get.pulumi.com | sh`,
    );
  }
}
