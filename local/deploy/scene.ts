/** What all phases of one operation share: the project, its configuration, the stack's state, and whom to tell. */
import type { DeployEvent, Emit, Summary } from "./events";
import type { DeployOptions } from "./options";
import { readStackConfig, type Project, type StackConfig } from "./project";
import { crypters } from "./secrets";
import { State } from "./state";
import { naming } from "./urn";

export interface Scene {
  options: DeployOptions;
  project: Project;
  config: StackConfig;
  state: State;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Steps at once. */
  parallel: number;
  durations: Summary["durations"];
  /** All errors that were told. */
  errors: string[];
  emit: Emit;
}

/** Reads what there is, and folds what a dead process has left. */
export async function openScene(options: DeployOptions, project: Project, folder: string): Promise<Scene> {
  const { stack, operation, config: overrides = {}, environment = process.env } = options;
  const crypter = crypters(options.lab, environment);
  const complete = operation === "preview" || operation === "up";
  const config = await readStackConfig(project, stack, { crypter, overrides, complete });
  const state = await State.open({ folder, stack, crypter: (salt) => crypter(salt ?? config.salt) });
  const errors: string[] = [];
  const emit = (told: DeployEvent) => {
    const event = told.type === "diagnostic" ? { ...told, message: masked(told.message, config) } : told;
    if (event.type === "diagnostic" && event.severity === "error") errors.push(naming(event.urn, event.message));
    options.onEvent?.(event);
  };
  const { signal = new AbortController().signal, parallel = 16 } = options;
  return { options, project, config, state, environment, signal, parallel, durations: { total: 0 }, errors, emit };
}

/** A message without the values of secret configuration, as the CLI filters them. */
function masked(message: string, { secretKeys, values }: StackConfig): string {
  const secrets = secretKeys.map((key) => values[key] ?? "").filter((value) => value !== "");
  return secrets.reduce((text, value) => text.replaceAll(value, "[secret]"), message);
}
