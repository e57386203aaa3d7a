/** Calls the pipeline's function by the clock, as an account that may call it and do nothing else. */
import * as cloudscheduler from "@pulumi/gcp/cloudscheduler";
import * as pulumi from "@pulumi/pulumi";

export interface TrainingScheduleArgs {
  /** From names.ts. */
  jobName: string;
  region: string;
  /** Five cron fields. */
  cron: string;
  timeZone: string;
  url: pulumi.Input<string>;
  /** E-mail of the calling account. */
  caller: pulumi.Input<string>;
}

export class TrainingSchedule extends pulumi.ComponentResource {
  /** `projects/<project>/locations/<region>/jobs/<name>`. */
  readonly job: pulumi.Output<string>;

  constructor(name: string, args: TrainingScheduleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:orchestration:TrainingSchedule", name, {}, opts);
    const job = new cloudscheduler.Job(
      name,
      {
        name: args.jobName,
        region: args.region,
        description: "Starts the training pipeline",
        schedule: args.cron,
        timeZone: args.timeZone,
        attemptDeadline: "180s",
        // The same run is asked for again: the function derives its id, so that no second one starts.
        retryConfig: { retryCount: 3, minBackoffDuration: "10s", maxBackoffDuration: "300s" },
        httpTarget: {
          httpMethod: "POST",
          uri: args.url,
          body: Buffer.from("{}").toString("base64"),
          headers: { "Content-Type": "application/json" },
          oidcToken: { serviceAccountEmail: args.caller, audience: args.url },
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.job = job.id;
    this.registerOutputs({ job: this.job });
  }
}
