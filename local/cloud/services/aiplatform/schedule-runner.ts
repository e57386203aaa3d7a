/**
 * Starts the runs of schedules when their time has come. A run's id follows from the schedule and the time that it was due,
 * so that a cloud that dies between the run's start and the schedule's change finds the run and starts no second one.
 */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { JsonObject } from "../../service";
import { Agenda, earliest } from "../delivery/agenda";
import { hasJobEnded, startScheduled } from "./pipelines/jobs";
import type { PipelineRunner } from "./pipelines/runner";
import { isSpent, nextRunAfter } from "./schedules";

/** A lab may have been off for days: without catchUp, what is longer past than this is not made up for. */
const LATE_MS = 180_000;

export class ScheduleRunner {
  readonly agenda: Agenda;

  constructor(
    private readonly cloud: Cloud,
    private readonly runner: PipelineRunner,
  ) {
    this.agenda = new Agenda({ name: "aiplatform schedules", cloud, turn: () => this.turn() });
  }

  private async turn(): Promise<Date | undefined> {
    const times: (number | undefined)[] = [];
    for (const { key } of await this.cloud.store.list("projects/"))
      if (/^projects\/[^/]+\/locations\/[^/]+\/schedules\/[^/]+$/.test(key)) times.push(await this.serve(key));
    return earliest(times);
  }

  /** Does what is due of one schedule; tells when the next run is. */
  private serve(name: string): Promise<number | undefined> {
    return this.cloud.store.exclusive(name, async () => {
      let schedule = await this.cloud.store.get(name);
      for (;;) {
        const due = Date.parse(textOf(schedule?.nextRunTime));
        if (!schedule || schedule.state !== "ACTIVE" || Number.isNaN(due)) return undefined;
        if (due > this.cloud.now().getTime()) return due;
        const next = await this.runDue(schedule, due);
        // It waits for one of its runs to end, which wakes the agenda.
        if (!next) return undefined;
        await this.cloud.store.write({ put: { [name]: next } });
        schedule = next;
      }
    });
  }

  /** The schedule after its due run has been started or skipped; undefined if the run is queued. */
  private async runDue(schedule: JsonObject, due: number): Promise<JsonObject | undefined> {
    const scheduledRunTime = new Date(due).toISOString();
    const after = (runResponse: string, started: number): JsonObject => {
      const changed: JsonObject = {
        ...schedule,
        startedRunCount: String(Number(schedule.startedRunCount ?? 0) + started),
        lastScheduledRunResponse: { scheduledRunTime, runResponse },
        updateTime: this.cloud.now().toISOString(),
      };
      const from = schedule.catchUp === true ? due : Math.max(due, this.cloud.now().getTime());
      const next = isSpent(changed) ? undefined : nextRunAfter(changed, new Date(from));
      const { nextRunTime: _, ...rest } = changed;
      return next ? { ...rest, nextRunTime: next.toISOString() } : { ...rest, state: "COMPLETED" };
    };
    if (schedule.catchUp !== true && this.cloud.now().getTime() - due > LATE_MS)
      return after("Skipped: the cloud was down at its time.", 0);
    const most = Number(schedule.maxConcurrentRunCount);
    const active = (await this.runsOf(textOf(schedule.name))).filter((job) => !hasJobEnded(job)).length;
    if (active >= most) {
      if (schedule.allowQueueing === true) return undefined;
      return after(`Skipped: ${active} run(s) under way, maxConcurrentRunCount is ${most}.`, 0);
    }
    return after(await this.start(schedule, scheduledRunTime), 1);
  }

  private async start(schedule: JsonObject, scheduledRunTime: string): Promise<string> {
    const request = schedule.createPipelineJobRequest;
    const job = isObject(request) && isObject(request.pipelineJob) ? request.pipelineJob : {};
    try {
      const { name } = await startScheduled(job, textOf(schedule.name), scheduledRunTime, this.cloud, this.runner);
      return `Started ${textOf(name)}.`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.cloud.log.warn({ schedule: schedule.name, err: error }, "a scheduled run was not started");
      return `${error.status}: ${error.message}`;
    }
  }

  private async runsOf(schedule: string): Promise<JsonObject[]> {
    const parent = schedule.split("/").slice(0, 4).join("/");
    const jobs = await this.cloud.store.list(`${parent}/pipelineJobs/`);
    return jobs.map(({ value }) => value).filter((job) => job.scheduleName === schedule);
  }
}
