/**
 * A program that has been started and waits for its turn. The first thing that Pulumi's runtime does is to ask what the
 * engine can do, and none of the program's own code runs before the answer: so a program is started while there is
 * something else to wait for, and answered when its deployment begins.
 * Source: setRootResource in sdk/nodejs/runtime/settings.ts of github.com/pulumi/pulumi.
 */
import type { Deployment } from "./deployment";
import { CancelledError, DeployError } from "./errors";
import type { DeployEvent } from "./events";
import { startMonitor, type Monitor } from "./monitor";
import type { Scene } from "./phases";
import { startProgram, type RunningProgram } from "./program";

export class StartedProgram {
  private readonly began = performance.now();
  private readonly deployment: Promise<Deployment>;
  private answer!: (deployment: Deployment) => void;
  private stopping: AbortSignal;
  private monitor?: Monitor;
  private program?: RunningProgram;

  private constructor(private readonly scene: Scene) {
    this.stopping = scene.signal;
    this.deployment = new Promise((resolve) => (this.answer = resolve));
  }

  static async start(scene: Scene, preview: boolean): Promise<StartedProgram> {
    const started = new StartedProgram(scene);
    const { options, project, config, environment } = scene;
    const { deployment, emit } = started;
    const onFirstResource = () => void (scene.durations.programStart ??= performance.now() - started.began);
    started.monitor = await startMonitor({ deployment, emit, onFirstResource });
    started.program = startProgram({
      ...{ project, stack: options.stack, config, address: started.monitor.address },
      ...{ parallel: options.parallel ?? 16, dryRun: preview, environment, emit },
    });
    return started;
  }

  /** Lets the program go on, to its end; what it comes to is the deployment's. */
  async run(deployment: Deployment): Promise<void> {
    const { scene, program } = this;
    this.stopping = AbortSignal.any([scene.signal, deployment.failing.signal]);
    // Nothing that the program could still ask for would be done.
    const stop = () => void deployment.steps.whenIdle().then(program!.stop);
    this.stopping.addEventListener("abort", stop);
    if (this.stopping.aborted) stop();
    this.answer(deployment);
    const { failure, told } = await program!.ended.finally(() => this.stopping.removeEventListener("abort", stop));
    await deployment.steps.whenIdle();
    if (scene.signal.aborted) deployment.failure ??= new CancelledError();
    if (failure && told) deployment.failure ??= new DeployError("The program failed");
    else if (failure && !deployment.failure) deployment.fail(new DeployError(failure));
    await deployment.finish();
  }

  /** Ends it, whether or not its turn has come. */
  async close(): Promise<void> {
    this.program?.stop();
    await this.program?.ended;
    await this.monitor?.close();
  }

  /** Once its engine answers no more, all that a program complains about is that: the reason was told before. */
  private readonly emit = (event: DeployEvent): void => {
    if (event.type === "diagnostic" && event.severity !== "info" && this.stopping.aborted) return;
    this.scene.emit(event);
  };
}
