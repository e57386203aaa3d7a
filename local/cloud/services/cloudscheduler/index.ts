/** Cloud Scheduler v1: jobs that call a URL or publish a message when their time has come. */
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { Hook, Json, Service } from "../../service";
import { perCloud } from "../delivery/agenda";
import { changeJob, jobMethods, jobs } from "./jobs";
import { JobRunner } from "./runner";

const runnerOf = perCloud((cloud: Cloud) => new JobRunner(cloud));
const wake: Hook = ({ cloud }) => runnerOf(cloud).agenda.wake();

export const cloudScheduler: Service = {
  apis: ["cloudscheduler.v1"],
  types: [
    {
      ...jobs,
      after: {
        create: wake,
        patch: wake,
        delete: ({ current, cloud }) => runnerOf(cloud).forget(textOf(current!.name)),
      },
    },
  ],
  methods: {
    ...jobMethods,
    "cloudscheduler.projects.locations.jobs.resume": async (call, cloud) => {
      const answer = await jobMethods["cloudscheduler.projects.locations.jobs.resume"]!(call, cloud);
      runnerOf(cloud).agenda.wake();
      return answer;
    },
    // Runs whatever the job's state, and answers before the target does.
    "cloudscheduler.projects.locations.jobs.run": async (call, cloud): Promise<Json> => {
      const runner = runnerOf(cloud);
      const name = call.path.name ?? "";
      const job = await changeJob(call, cloud, () => ({}), runner.start(name, cloud.now().toISOString()));
      runner.agenda.wake();
      return job;
    },
  },
  transcoded: { protos: "@google-cloud/scheduler", services: ["google.cloud.scheduler.v1.CloudScheduler"] },
  recover: async (cloud) => runnerOf(cloud).agenda.wake(),
  close: (cloud) => runnerOf(cloud).close(),
};
