/** One operation on one stack: its inputs read, its phases carried out, its summary made. */
import { condemnedSteps } from "./deletion";
import { Deployment } from "./deployment";
import { makeDisplay, type DisplayKind } from "./display";
import { CancelledError, DeployError } from "./errors";
import type { DeployEvent, Emit, Operation, Summary } from "./events";
import { gcpPackage } from "./gcp/provider";
import { startMonitor } from "./monitor";
import { startProgram } from "./program";
import { readStackConfig, stackSalt, type Project, type StackConfig } from "./project";
import type { ProviderPackages } from "./provider";
import { Providers } from "./providers";
import { recoverPending, refreshAll } from "./refresh";
import { findPassphrase, passphraseCrypter, type Crypter } from "./secrets";
import { Snapshot } from "./snapshot";
import { State } from "./state";
import { Steps, type Store } from "./steps";
import { hasUnknowns, isSecret, plain, type Properties } from "./values";
import { version } from "@pulumi/pulumi/package.json";

export interface DeployOptions {
  operation: Operation;
  /** Folder with Pulumi.yaml. */
  program: string;
  stack: string;
  /** The lab's folder; state lies in `stacks/` below it. */
  lab: string;
  /** Configuration that goes before the stack's own file, `namespace:key` to value. @default none */
  config?: Record<string, string>;
  /** Environment of the program and of the provider: proxy, certificate authority, credentials. @default process.env */
  environment?: NodeJS.ProcessEnv;
  /** Aborted: steps in flight finish, nothing else begins. @default never */
  signal?: AbortSignal;
  /** Steps at once. @default 16 */
  parallel?: number;
  /** Go without the preview that an up begins with. @default false */
  skipPreview?: boolean;
  /** Tell only what a refresh or destroy would do. @default false */
  dryRun?: boolean;
  /** @default "auto": a tree on a terminal, else plain lines */
  display?: DisplayKind;
  onEvent?: Emit;
  /** @default Google Cloud's */
  packages?: ProviderPackages;
}

/** One operation on one stack, from reading what there is to folding what came of it. */
export class Run {
  readonly display;
  private readonly errors: string[] = [];
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
    const { operation, dryRun } = this.options;
    try {
      const isDry = operation === "preview" || dryRun === true;
      if (!isDry) await this.recover();
      const done =
        operation === "preview" || operation === "up"
          ? await this.runProgram(operation)
          : await this.changeState(operation, isDry);
      const isCancelled = this.signal.aborted && done.failure instanceof CancelledError;
      const result = done.failure ? (isCancelled ? "cancelled" : "failed") : "succeeded";
      if (result === "succeeded") this.emit({ type: "outputs", outputs: done.outputs });
      return {
        operation,
        result,
        failed: result !== "succeeded",
        counts: done.counts,
        outputs: known(done.outputs),
        secretOutputs: Object.keys(done.outputs).filter((name) => isSecret(done.outputs[name])),
        errors: this.errors,
        durations: this.durations,
      };
    } finally {
      await this.state.fold();
    }
  }

  /** First what would be done, so that whatever is wrong with the program shows before the first change. */
  private async runProgram(operation: "preview" | "up"): Promise<Done> {
    if (operation === "up" && this.options.skipPreview) return this.evaluate(this.state, false);
    const scratch = previewStore(this.state);
    const preview = await this.evaluate(scratch, true);
    const isUnchanged = !scratch.isChanged() && !hasUnknowns(preview.outputs);
    if (operation === "preview" || preview.failure || isUnchanged) return preview;
    return this.evaluate(this.state, false);
  }

  private async evaluate(store: Store, preview: boolean): Promise<Done> {
    const began = performance.now();
    this.emit({ type: "phase", phase: preview ? "preview" : "update" });
    const { parallel = 16, stack } = this.options;
    const deployment = new Deployment({
      ...this.stepsOptions(store, preview),
      scope: { stack, project: this.project.name },
      root: this.project.root,
      providers: this.providers(),
    });
    const onFirstResource = () => void (this.durations.programStart ??= performance.now() - began);
    const monitor = await startMonitor({ deployment, root: this.project.root, emit: this.emit, onFirstResource });
    try {
      const program = startProgram({
        project: this.project,
        stack,
        config: this.config,
        address: monitor.address,
        parallel,
        dryRun: preview,
        environment: this.environment,
        emit: this.emit,
      });
      const onAbort = () => void deployment.steps.whenIdle().then(program.stop);
      this.signal.addEventListener("abort", onAbort);
      const { failure, told } = await program.ended.finally(() => this.signal.removeEventListener("abort", onAbort));
      await deployment.steps.whenIdle();
      if (this.signal.aborted) deployment.failure ??= new CancelledError();
      if (failure && !deployment.failure) deployment.fail(new DeployError(told ? "The program failed" : failure));
      await deployment.finish();
    } finally {
      await monitor.close();
    }
    this.durations[preview ? "preview" : "update"] = performance.now() - began;
    return { counts: deployment.steps.counts, outputs: deployment.stackOutputs(), failure: deployment.failure };
  }

  /** Refresh and destroy need no program: the state says all. */
  private async changeState(operation: "refresh" | "destroy", isDry: boolean): Promise<Done> {
    const began = performance.now();
    this.emit({ type: "phase", phase: operation });
    const store = isDry ? previewStore(this.state) : this.state;
    const steps = new Steps(this.stepsOptions(store, isDry));
    const providers = this.providers();
    const find = (ref: string | undefined) => providers.get(ref, store.snapshot);
    let failure: unknown;
    try {
      await (operation === "destroy" ? condemnedSteps(steps, find, new Set()) : refreshAll(steps, find));
    } catch (error) {
      failure = error;
      if (!(error instanceof CancelledError))
        this.emit({ type: "diagnostic", severity: "error", message: (error as Error).message });
    }
    this.durations.update = performance.now() - began;
    return { counts: steps.counts, outputs: {}, failure };
  }

  private async recover(): Promise<void> {
    const providers = this.providers();
    await recoverPending(this.state, (ref) => providers.get(ref, this.state.snapshot), this.emit);
  }

  private providers(): Providers {
    const packages = this.options.packages ?? { gcp: gcpPackage(this.environment) };
    return new Providers(packages, this.config.values, this.project.root);
  }

  private stepsOptions(store: Store, preview: boolean) {
    return {
      store,
      preview,
      parallel: this.options.parallel ?? 16,
      emit: this.emit,
      signal: this.signal,
      now: () => new Date(),
    };
  }

  private readonly emit = (told: DeployEvent): void => {
    const event = told.type === "diagnostic" ? { ...told, message: this.masked(told.message) } : told;
    if (event.type === "diagnostic" && event.severity === "error") this.errors.push(event.message);
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

interface Done {
  counts: Summary["counts"];
  outputs: Properties;
  failure?: unknown;
}

/** A store in memory that remembers whether anything would have to be written. */
function previewStore(state: State): Store & { isChanged: () => boolean } {
  const snapshot = new Snapshot(state.snapshot.ordered());
  let changed = state.snapshot.pending.size > 0;
  return {
    snapshot,
    isChanged: () => changed,
    record: (record, durable = true) => {
      snapshot.apply(record);
      changed ||= durable;
      return Promise.resolve();
    },
  };
}

const known = (outputs: Properties): Properties =>
  Object.fromEntries(Object.entries(plain(outputs)).filter(([, value]) => !hasUnknowns(value)));
