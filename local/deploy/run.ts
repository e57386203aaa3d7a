/** One operation on one stack: its inputs read, its phases carried out, its summary made. */
import { makeDisplay } from "./display";
import { CancelledError, DeployError } from "./errors";
import type { DeployEvent, Summary } from "./events";
import { gcpPackage } from "./gcp/provider";
import type { DeployOptions } from "./options";
import { programPhase, statePhase, type Done, type Scene } from "./phases";
import { startPolicyPacks } from "./policy";
import { readStackConfig, stackSalt, type Project, type StackConfig } from "./project";
import { Providers } from "./providers";
import { describeLost, recoverPending } from "./refresh";
import { findPassphrase, passphraseCrypter, type Crypter } from "./secrets";
import { Snapshot } from "./snapshot";
import { StartedProgram } from "./started-program";
import { State } from "./state";
import type { Store } from "./steps";
import { timingsOf } from "./timings";
import { naming } from "./urn";
import { hasUnknowns, isSecret, plain, type Properties } from "./values";
import { version } from "@pulumi/pulumi/package.json";

/** One operation on one stack, from reading what there is to folding what came of it. */
export class Run {
  readonly display;
  private readonly errors: string[] = [];
  /** Kept where something is to be reckoned from them at the end. */
  private readonly events: DeployEvent[] = [];
  private readonly durations: Summary["durations"] = { total: 0 };
  private readonly signal: AbortSignal;
  private readonly environment: NodeJS.ProcessEnv;

  private constructor(
    private readonly options: DeployOptions,
    private readonly project: Project,
    private readonly config: StackConfig,
    private readonly state: State,
  ) {
    this.display = makeDisplay(options.display ?? "auto");
    this.signal = options.signal ?? new AbortController().signal;
    this.environment = options.environment ?? process.env;
  }

  static async begin(options: DeployOptions, project: Project, folder: string): Promise<Run> {
    const crypters = new Map<string, Promise<Crypter>>();
    const passphrase = () => findPassphrase(options.lab, options.environment ?? process.env);
    const crypter = (salt: string | undefined) => {
      const key = salt ?? "new";
      const known = crypters.get(key) ?? passphrase().then((phrase) => passphraseCrypter(phrase, salt));
      crypters.set(key, known);
      return known;
    };
    const salt = await stackSalt(project, options.stack);
    const complete = options.operation === "preview" || options.operation === "up";
    const config = await readStackConfig(project, options.stack, {
      crypter: () => crypter(salt),
      overrides: options.config ?? {},
      complete,
    });
    const state = await State.open({
      folder,
      stack: options.stack,
      version: `v${version}`,
      crypter: (own) => crypter(own ?? salt),
    });
    return new Run(options, project, config, state);
  }

  async carryOut(): Promise<Summary> {
    const scene: Scene = {
      options: this.options,
      project: this.project,
      config: this.config,
      environment: this.environment,
      signal: this.signal,
      durations: this.durations,
      emit: this.emit,
      providers: () => this.providers(),
    };
    try {
      return this.summary(await this.perform(scene));
    } finally {
      await scene.policies?.then(
        (packs) => packs?.stop(),
        () => undefined,
      );
      await this.state.fold();
    }
  }

  private async perform(scene: Scene): Promise<Done> {
    const { operation, dryRun } = this.options;
    const isDry = operation === "preview" || dryRun === true;
    const failure = isDry ? undefined : await this.recover();
    if (failure) return { counts: {}, outputs: {}, failure };
    if (operation === "refresh" || operation === "destroy")
      return statePhase(scene, isDry ? previewStore(this.state) : this.state, isDry);
    scene.policies = startPolicyPacks(scene);
    // Whoever waits for them is told why they did not start; that may be later than they end.
    scene.policies.catch(() => undefined);
    return this.runProgram(scene, operation);
  }

  private summary({ counts, outputs, failure: failed }: Done): Summary {
    const failure = failed ?? this.unexpectedChanges(counts);
    const isCancelled = this.signal.aborted && failure instanceof CancelledError;
    const result = failure ? (isCancelled ? "cancelled" : "failed") : "succeeded";
    if (result === "succeeded") this.emit({ type: "outputs", outputs, full: this.outputsCommand() });
    return {
      operation: this.options.operation,
      result,
      failed: result !== "succeeded",
      counts,
      outputs: known(outputs),
      secretOutputs: Object.keys(outputs).filter((name) => isSecret(outputs[name])),
      errors: this.errors,
      durations: this.durations,
      ...(this.options.timings && { timings: timingsOf(this.events) }),
    };
  }

  private outputsCommand(): string {
    const { operation, stack } = this.options;
    // A preview's are nowhere yet.
    return operation === "preview"
      ? "npx sparklab preview --json"
      : `npx sparklab state show ${this.project.name}-${stack}`;
  }

  /** Source: HasChanges in pkg/engine/update.go: what is the same is no change. */
  private unexpectedChanges({ same: _, ...changes }: Summary["counts"]): DeployError | undefined {
    const found = Object.entries(changes).map(([kind, count]) => `${count} to ${kind}`);
    if (!this.options.expectNoChanges || found.length === 0) return undefined;
    const message = `no changes were expected: got ${found.join(", ")}`;
    this.emit({ type: "diagnostic", severity: "error", message });
    return new DeployError(message);
  }

  /**
   * First what would be done, so that whatever is wrong with the program shows before the first change. The program of
   * the update is started when the preview has found something to do, and waits for the preview's end.
   */
  private async runProgram(scene: Scene, operation: "preview" | "up"): Promise<Done> {
    const { skipPreview, policyPacks = [] } = this.options;
    const start = (preview: boolean) => StartedProgram.start(scene, preview);
    const update = async (program: StartedProgram, planned?: Summary["counts"]) =>
      programPhase(scene, this.state, { preview: false, program, planned });
    if (operation === "up" && skipPreview && policyPacks.length === 0) return update(await start(false));
    let next: Promise<StartedProgram> | undefined;
    const scratch = previewStore(this.state, () => {
      if (operation === "up") next ??= start(false);
    });
    let isOver = true;
    try {
      const preview = await programPhase(scene, scratch, { preview: true, program: await start(true) });
      const isUnchanged = !scratch.isChanged() && !hasUnknowns(preview.outputs);
      isOver = operation === "preview" || preview.failure !== undefined || isUnchanged;
      return isOver ? preview : await update(await (next ?? start(false)), preview.counts);
    } finally {
      if (isOver) await (await next)?.close();
    }
  }

  /** Answers why nothing may be changed before a person has looked, if so. */
  private async recover(): Promise<DeployError | undefined> {
    const providers = this.providers();
    const lost = await recoverPending(this.state, (ref) => providers.get(ref, this.state.snapshot), this.emit);
    // The official engine warns and would make it again; a refresh makes nothing.
    const severity = this.options.operation === "refresh" ? "warning" : "error";
    for (const one of lost) this.emit({ type: "diagnostic", severity, message: describeLost(one), urn: one.urn });
    if (lost.length === 0 || severity === "warning") return undefined;
    return new DeployError("Interrupted creations are unresolved; nothing was changed");
  }

  private providers(): Providers {
    const packages = this.options.packages ?? { gcp: gcpPackage(this.environment) };
    return new Providers(packages, this.config.values, this.project.root);
  }

  private readonly emit = (told: DeployEvent): void => {
    const event = told.type === "diagnostic" ? { ...told, message: this.masked(told.message) } : told;
    if (event.type === "diagnostic" && event.severity === "error") this.errors.push(naming(event.urn, event.message));
    if (this.options.timings) this.events.push(event);
    this.display.show(event);
    this.options.onEvent?.(event);
  };

  /** A message without the values of secret configuration, as the CLI filters them. */
  private masked(message: string): string {
    const secrets = this.config.secretKeys
      .map((key) => this.config.values[key])
      .filter((value) => value !== undefined && value !== "");
    return secrets.reduce<string>((text, value) => text.replaceAll(value!, "[secret]"), message);
  }
}

/** A store in memory that remembers whether anything would have to be written. */
function previewStore(state: State, onChange?: () => void): Store & { isChanged: () => boolean } {
  const snapshot = new Snapshot(state.snapshot.ordered());
  let changed = false;
  return {
    snapshot,
    isChanged: () => changed,
    record: (record, durable = true) => {
      snapshot.apply(record);
      if (durable) onChange?.();
      changed ||= durable;
      return Promise.resolve();
    },
  };
}

const known = (outputs: Properties): Properties =>
  Object.fromEntries(Object.entries(plain(outputs)).filter(([, value]) => !hasUnknowns(value)));
