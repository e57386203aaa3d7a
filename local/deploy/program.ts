/**
 * A program: started while there is something else to wait for, answered when its deployment begins. The first thing
 * that Pulumi's runtime does is to ask what the engine can do, and none of the program's own code runs before the answer.
 * Source: setRootResource in sdk/nodejs/runtime/settings.ts of github.com/pulumi/pulumi.
 */
import type { ChildProcess } from "node:child_process";
import type { Deployment } from "./deployment";
import { CancelledError, DeployError } from "./errors";
import type { DeployEvent, Emit } from "./events";
import { startMonitor, type Monitor } from "./monitor";
import { ORGANIZATION, startRuntime, tellLines } from "./runtime";
import type { Scene } from "./scene";

/** Exit code by which the runtime says that it has told the user already. */
const ALREADY_TOLD = 32;

export class Program {
  private readonly began = performance.now();
  private readonly deployment: Promise<Deployment>;
  private answer!: (deployment: Deployment) => void;
  private stopping: AbortSignal;
  private monitor!: Monitor;
  private process!: ChildProcess;
  private exited!: Promise<{ code: number | null; signal: string | null }>;

  private constructor(private readonly scene: Scene) {
    this.stopping = scene.signal;
    this.deployment = new Promise((resolve) => (this.answer = resolve));
  }

  static async start(scene: Scene, preview: boolean): Promise<Program> {
    const program = new Program(scene);
    const { deployment, emit, began } = program;
    const onFirstResource = () => void (scene.durations.programStart ??= performance.now() - began);
    program.monitor = await startMonitor({ deployment, emit, onFirstResource });
    program.process = startProcess(scene, program.monitor.address, preview);
    program.exited = exitOf(program.process, emit);
    return program;
  }

  /** Lets the program go on, to its end; what it comes to is the deployment's. */
  async run(deployment: Deployment): Promise<void> {
    const { scene } = this;
    this.stopping = AbortSignal.any([scene.signal, deployment.failing.signal]);
    // Nothing that the program could still ask for would be done.
    const stop = () => void deployment.steps.whenIdle().then(() => this.process.kill("SIGKILL"));
    this.stopping.addEventListener("abort", stop);
    if (this.stopping.aborted) stop();
    this.answer(deployment);
    const { code, signal } = await this.exited.finally(() => this.stopping.removeEventListener("abort", stop));
    await deployment.steps.whenIdle();
    if (scene.signal.aborted) deployment.failure ??= new CancelledError();
    if (code === ALREADY_TOLD) deployment.failure ??= new DeployError("The program failed");
    else if (code !== 0 && !deployment.failure)
      deployment.fail(
        new DeployError(
          code === null ? `Program ended by signal ${signal}` : `Program exited with non-zero exit code: ${code}`,
        ),
      );
    await deployment.finish();
  }

  /** Ends it, whether or not its turn has come. */
  async close(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.exited;
    await this.monitor.close();
  }

  /** Once its engine answers no more, all that a program complains about is that: the reason was told before. */
  private readonly emit = (event: DeployEvent): void => {
    if (event.type === "diagnostic" && event.severity !== "info" && this.stopping.aborted) return;
    this.scene.emit(event);
  };
}

function startProcess(scene: Scene, address: string, preview: boolean): ChildProcess {
  const { options, project, config, environment } = scene;
  const { root } = project;
  const flags = {
    monitor: address,
    engine: address,
    organization: ORGANIZATION,
    project: project.name,
    "root-directory": root,
    stack: options.stack,
    pwd: root,
    parallel: String(scene.parallel),
  };
  const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const noProxy = [environment.NO_PROXY ?? environment.no_proxy, "127.0.0.1", "localhost"].filter(Boolean).join(",");
  return startRuntime({
    entry: "run",
    folder: root,
    nodeArguments: project.nodeArguments,
    words: [...words, ...(preview ? ["--dry-run"] : []), project.main ?? "."],
    environment: {
      ...environment,
      ...(project.typescript && { PULUMI_NODEJS_TYPESCRIPT: "true" }),
      // The runtime's gRPC honours proxies, and would send its own loopback traffic through one.
      NO_PROXY: noProxy,
      no_proxy: noProxy,
    },
    config,
  });
}

/** How it ended, when all that it printed has been told. */
async function exitOf(child: ChildProcess, emit: Emit) {
  const output = Promise.all([tellLines(child.stdout!, "info", emit), tellLines(child.stderr!, "warning", emit)]);
  const exit = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await output;
  return exit;
}
