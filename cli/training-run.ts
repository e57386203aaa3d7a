/** The day's training run: fired as Cloud Scheduler fires it, found again by its labels, asked for once more after a failure. */
import { setTimeout as pause } from "node:timers/promises";
import type { StackOutputs } from "./deployed";
import { reasonsOf } from "./function-log";
import { ask, listAll } from "./google";
import { UserError } from "./lab";

export interface TaskDetail {
  taskId: string;
  taskName: string;
  state: string;
  startTime?: string;
  endTime?: string;
  error?: { message?: string };
  execution?: { metadata?: Record<string, unknown> };
  executorDetail?: object;
}

export interface PipelineJob {
  name: string;
  state: string;
  createTime: string;
  startTime?: string;
  endTime?: string;
  labels?: Record<string, string>;
  error?: { message?: string };
  jobDetail?: { taskDetails?: TaskDetail[] };
}

interface ScheduledJob {
  lastAttemptTime?: string;
  status?: { code?: number; message?: string };
  httpTarget?: { uri?: string };
}

const PIPELINE = "churn-training";
const LOOK_EVERY_MS = 500;
/** Longer than the function's own deadline: what has not come by then will not come. */
const PATIENCE_MS = 90_000;

export const hasEnded = ({ state }: PipelineJob) => /_(SUCCEEDED|FAILED|CANCELLED)$/.test(state);
export const idOf = ({ name }: PipelineJob) => name.split("/").at(-1)!;

export class TrainingRuns {
  private readonly api: string;

  constructor(private readonly outputs: StackOutputs) {
    const { project, region } = outputs;
    this.api = `https://${region}-aiplatform.googleapis.com/v1/projects/${project}/locations/${region}/pipelineJobs`;
  }

  get = (id: string): Promise<PipelineJob> => ask("GET", `${this.api}/${id}`);

  /** All runs of the training pipeline, newest first. */
  async list(): Promise<PipelineJob[]> {
    const filter = encodeURIComponent(`labels.pipeline="${PIPELINE}"`);
    const jobs = await listAll<PipelineJob>(`${this.api}?filter=${filter}`, "pipelineJobs");
    return jobs.sort((a, b) => Date.parse(b.createTime) - Date.parse(a.createTime));
  }

  /** The newest run of these days. */
  async of(days: readonly string[]): Promise<PipelineJob | undefined> {
    return (await this.list()).find(({ labels }) => days.includes(labels?.date ?? ""));
  }

  /**
   * Fires the schedule; resolves when the function has answered it.
   * @returns the days that the order may be of: more than one only when midnight (UTC) came between
   * @throws UserError with what the function answered, and why by its own log
   */
  async fire(): Promise<string[]> {
    const { trainingSchedule } = this.outputs;
    if (!trainingSchedule)
      throw new UserError(
        "The stack has no training schedule (feature trigger). npx sparklab run runs the jobs as batches",
      );
    const url = `https://cloudscheduler.googleapis.com/v1/${trainingSchedule}`;
    const before = await ask<ScheduledJob>("GET", url);
    const asked = new Date().toISOString();
    await ask("POST", `${url}:run`, {});
    const after = await until(async () => {
      const job = await ask<ScheduledJob>("GET", url);
      return job.lastAttemptTime === before.lastAttemptTime ? undefined : job;
    }, `${trainingSchedule}: got no attempt`);
    const { lastAttemptTime = asked, status, httpTarget } = after;
    const { code = 0, message = "" } = status ?? {};
    if (code !== 0) {
      const failed = `${trainingSchedule}: its call of the function failed: code ${code}. ${message}`;
      const reasons = await reasonsOf(httpTarget?.uri ?? "", lastAttemptTime, this.outputs);
      throw new UserError([failed, ...reasons].join("\n  "));
    }
    return [...new Set([asked, lastAttemptTime].map((time) => time.slice(0, 10)))];
  }

  /** Asks for a further attempt of a day's run through the topic; resolves with its job. */
  async again(last: PipelineJob): Promise<PipelineJob> {
    const { topic } = this.outputs;
    if (!topic)
      throw new UserError(
        `Run ${idOf(last)} has ended; a further attempt of the day needs the topic (feature queue). npx sparklab run runs the jobs as batches`,
      );
    const date = last.labels?.date ?? "";
    const order = { date, attempt: Number(last.labels?.attempt ?? 1) + 1 };
    const data = Buffer.from(JSON.stringify(order)).toString("base64");
    await ask("POST", `https://pubsub.googleapis.com/v1/${topic}:publish`, { messages: [{ data }] });
    return until(async () => {
      const job = await this.of([date]);
      return job && Number(job.labels?.attempt) === order.attempt ? job : undefined;
    }, `${topic}: got no run of attempt ${order.attempt}`);
  }
}

async function until<T>(look: () => Promise<T | undefined>, problem: string): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${problem}; expected one within ${PATIENCE_MS / 1000} seconds.`);
    await pause(LOOK_EVERY_MS);
  }
}
