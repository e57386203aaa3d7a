/**
 * Runs pipelines: every step is durable before the next, so that a cloud that was killed goes on where it was. It finds
 * running steps again, learns how others ended, and begins those whose turn has come.
 */
import type { DoorSettings, SparkEnd, SparkRun } from "../../../../engines/interface";
import type { Cloud } from "../../../cloud";
import type { JsonObject } from "../../../service";
import { reopenedMetadata } from "../../workload-metadata";
import { announce, recordsOf } from "../../logging/arrivals";
import { advance, end, fail, type Plan, specOf } from "./advance";
import { lineageOf } from "./lineage";
import { factsOf, objectAt, specIn, stateEntry, withRun } from "./record";
import { hasEnded, listRuns, type PipelineRun, ROOT, runKey, type Task } from "./run";
import { type Places, StepRunner, type TaskInRun } from "./step-runner";

/** Steps are small Python processes; what they start (batches) waits for room by itself. */
const MOST_AT_ONCE = 4;
type Metadata = Awaited<ReturnType<Cloud["principals"]["metadataServer"]>>;

export class PipelineRunner {
  /** By folder. */
  private readonly live = new Map<string, SparkRun>();
  private readonly metadata = new Map<string, Metadata>();
  private readonly background = new Set<Promise<void>>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private closing = false;
  private readonly steps: StepRunner;

  /** @param ended told of each run that has ended */
  constructor(
    private readonly cloud: Cloud,
    private readonly ended: () => void = () => undefined,
  ) {
    this.steps = new StepRunner(cloud);
  }

  /** Goes on with a run as soon as the door is open: steps need it. */
  schedule(uid: string): void {
    void this.cloud.door.then((door) =>
      this.goOn(this.turn(uid, (run, job, plan) => this.startWaiting(run, job, plan, door))),
    );
  }

  /** Begins to end a run; resolves when that is stored. */
  async cancel(uid: string): Promise<void> {
    await this.turn(uid, async (run) => {
      run.cancelling = true;
      for (const task of running(run)) {
        const process = this.live.get(this.steps.folder(run, task));
        if (process) this.goOn(process.stop());
        else end(task, "CANCELLED", this.now());
      }
    });
  }

  /** Takes up what a dead cloud process left: called once, before the door opens. */
  async recover(): Promise<void> {
    for (const run of await listRuns(this.cloud)) {
      if (hasEnded(run.tasks[ROOT]!)) continue;
      await this.turn(run.uid, async (current) => {
        if (current.port > 0) await this.openMetadata(current);
        for (const task of running(current)) this.takeUp(current, task);
      });
      this.schedule(run.uid);
    }
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.closing = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const run of await listRuns(this.cloud)) if (!hasEnded(run.tasks[ROOT]!)) await this.cancel(run.uid);
    while (this.background.size > 0) await Promise.all([...this.background]);
    for (const { close } of this.metadata.values()) await close();
  }

  /** All changes of a run happen one after the other; each is stored, with what follows from it, before the next. */
  private turn(uid: string, change: (run: PipelineRun, job: JsonObject, plan: Plan) => Promise<void>): Promise<void> {
    return this.cloud.store.exclusive(runKey(uid), async () => {
      const run = (await this.cloud.store.get(runKey(uid))) as PipelineRun | undefined;
      const job = run && (await this.cloud.store.get(run.job));
      if (!run || !job || hasEnded(run.tasks[ROOT]!)) return;
      const plan = planOf(job, run, this.cloud);
      await change(run, job, plan);
      await this.save(run, job, plan);
    });
  }

  private async save(run: PipelineRun, job: JsonObject, plan: Plan): Promise<void> {
    advance(run, plan, this.now());
    const next = withRun(job, run, this.now());
    // The job as it was stored: `job` is what it was when the turn began, and a turn may store several times.
    const before = (await this.cloud.store.get(run.job))?.state;
    const events = before === next.state ? [] : [stateEntry(next, run, this.cloud.project.id)];
    const put = { ...lineageOf(run), [run.job]: next, [runKey(run.uid)]: run, ...recordsOf(events) };
    await this.cloud.store.write({ put });
    announce(this.cloud);
    if (!hasEnded(run.tasks[ROOT]!)) return;
    this.cloud.log.info({ job: run.job, state: run.tasks[ROOT]!.state }, "pipeline ended");
    await this.metadata.get(run.uid)?.close();
    this.metadata.delete(run.uid);
    this.ended();
  }

  private async startWaiting(run: PipelineRun, job: JsonObject, plan: Plan, door: DoorSettings): Promise<void> {
    advance(run, plan, this.now());
    for (const task of Object.values(run.tasks)) {
      if (this.closing || run.cancelling || this.live.size >= MOST_AT_ONCE) return;
      if (task.kind !== "container" || task.state !== "PENDING") continue;
      const wait = Date.parse(task.notBefore || this.now()) - this.cloud.now().getTime();
      if (wait > 0) {
        this.wake(run.uid, wait);
        continue;
      }
      const metadata = await this.openMetadata(run);
      Object.assign(task, {
        state: "RUNNING",
        takenUp: false,
        attempts: task.attempts + 1,
        startTime: task.startTime || this.now(),
      });
      // Stored before the process is there: one that is found without a process was never started.
      await this.save(run, job, plan);
      await this.start({ run, job, plan, task }, { door, metadataHost: metadata.host });
    }
  }

  private async start(at: TaskInRun, places: Places): Promise<void> {
    const { run, task } = at;
    try {
      const process = await this.steps.begin(at, places);
      this.follow(run.uid, task.path, this.steps.folder(run, task), process);
    } catch (error) {
      this.cloud.log.error({ err: error, job: run.job, task: task.path }, "step was not started");
      fail(task, `Task ${task.title}: could not be started: ${(error as Error).message}`, this.now());
    }
  }

  private takeUp(run: PipelineRun, task: Task): void {
    const folder = this.steps.folder(run, task);
    const process = this.cloud.engines.pipelines.attach(folder);
    if (process) {
      task.takenUp = true;
      this.follow(run.uid, task.path, folder, process);
      if (run.cancelling) this.goOn(process.stop());
    } else Object.assign(task, { state: "PENDING", attempts: task.attempts - 1 });
  }

  private follow(uid: string, path: string, folder: string, process: SparkRun): void {
    this.live.set(folder, process);
    this.goOn(
      process.ended.then(async (how) => {
        await this.turn(uid, (run, job, plan) => this.finish({ run, job, plan, task: run.tasks[path]! }, how));
        this.live.delete(folder);
        // One that waited for room may be of any run.
        for (const run of await listRuns(this.cloud)) if (!hasEnded(run.tasks[ROOT]!)) this.schedule(run.uid);
      }),
    );
  }

  private async finish(at: TaskInRun, how: SparkEnd): Promise<void> {
    const { run, task } = at;
    if (hasEnded(task)) return;
    if (run.cancelling) end(task, "CANCELLED", this.now());
    else {
      const outcome = await this.steps.outcome(at, how);
      if (outcome.outputs) Object.assign(end(task, "SUCCEEDED", this.now()), outcome);
      else this.failOrRetry(at, outcome.message);
    }
    await this.steps.tidy(run, task);
  }

  private failOrRetry(at: TaskInRun, message: string): void {
    const { run, plan, task } = at;
    // What it asked while no cloud lived had no answer. One that follows work elsewhere knows to ask again by itself.
    if (task.takenUp && !this.steps.hasBegunElsewhere(at)) {
      Object.assign(task, { state: "PENDING", takenUp: false, disturbed: task.disturbed + 1 });
      return;
    }
    const attempts = task.attempts - task.disturbed;
    const {
      maxRetryCount = 0,
      backoffDuration = "0s",
      backoffFactor = 2,
      backoffMaxDuration = "3600s",
    } = specOf(task, run, plan).retryPolicy ?? {};
    if (attempts > maxRetryCount) {
      fail(task, message, this.now());
      return;
    }
    const wait = Math.min(seconds(backoffDuration) * backoffFactor ** (attempts - 1), seconds(backoffMaxDuration));
    const notBefore = new Date(this.cloud.now().getTime() + wait * 1000).toISOString();
    Object.assign(task, { state: "PENDING", notBefore });
  }

  private wake(uid: string, milliseconds: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.schedule(uid);
    }, milliseconds + 1);
    this.timers.add(timer);
  }

  /** The run's account as its steps see it; on the same port after a restart, since running steps know it. */
  private async openMetadata(run: PipelineRun): Promise<Metadata> {
    const open = this.metadata.get(run.uid) ?? (await reopenedMetadata(run.account, run.port, this.cloud));
    this.metadata.set(run.uid, open);
    run.port = Number(open.host.split(":")[1]);
    return open;
  }

  private now = () => this.cloud.now().toISOString();

  /** Work that nobody awaits; a failure is a fault of this cloud and is in its log. */
  private goOn(work: Promise<void>): void {
    const logged: Promise<void> = work
      .catch((error: unknown) => this.cloud.log.error({ err: error }, "pipeline runner failed"))
      .finally(() => this.background.delete(logged));
    this.background.add(logged);
  }
}

const running = (run: PipelineRun) =>
  Object.values(run.tasks).filter(({ kind, state }) => kind === "container" && state === "RUNNING");
const seconds = (duration: string) => Number.parseFloat(duration);

export function planOf(
  job: JsonObject,
  run: Pick<PipelineRun, "uid" | "account" | "job" | "scheduled">,
  { project }: Pick<Cloud, "project">,
): Plan {
  const failsFast = objectAt(job, "runtimeConfig").failurePolicy === "PIPELINE_FAILURE_POLICY_FAIL_FAST";
  return { spec: specIn(job), failsFast, facts: factsOf(job, run, project) };
}
