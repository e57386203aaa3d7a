/** Executes a notebook as a batch by the clock: created paused, since each run costs what a batch costs. */
import * as cloudscheduler from "@pulumi/gcp/cloudscheduler";
import * as pulumi from "@pulumi/pulumi";
import type { NotebookSettings } from "./spark-runtime";

export interface NotebookScheduleArgs {
  /** From names.ts. */
  jobName: string;
  project: string;
  region: string;
  labels: Record<string, string>;
  /** Five cron fields. */
  cron: string;
  timeZone: string;
  /** `gs://` address of the notebook. */
  notebook: pulumi.Input<string>;
  spark: NotebookSettings;
  /** E-mail of the account that submits the batch; it may act as the one that Spark runs as. */
  submitter: pulumi.Input<string>;
}

export class NotebookSchedule extends pulumi.ComponentResource {
  /** `projects/<project>/locations/<region>/jobs/<name>`. */
  readonly job: pulumi.Output<string>;

  constructor(name: string, args: NotebookScheduleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:workbench:NotebookSchedule", name, {}, opts);
    const { project, region } = args;
    const batch = pulumi.jsonStringify({
      labels: { ...args.labels, job: name },
      pysparkNotebookBatch: { notebookFileUri: args.notebook },
      ...args.spark,
    });
    const job = new cloudscheduler.Job(
      name,
      {
        name: args.jobName,
        region,
        description: "Executes a notebook as a batch",
        schedule: args.cron,
        timeZone: args.timeZone,
        paused: true,
        attemptDeadline: "180s",
        // Each request is another batch, whose id the service gives: one that was answered late must not be sent again.
        retryConfig: { retryCount: 0 },
        httpTarget: {
          httpMethod: "POST",
          uri: `https://${region}-dataproc.googleapis.com/v1/projects/${project}/locations/${region}/batches`,
          body: batch.apply((text) => Buffer.from(text).toString("base64")),
          headers: { "Content-Type": "application/json" },
          oauthToken: { serviceAccountEmail: args.submitter },
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.job = job.id;
    this.registerOutputs({ job: this.job });
  }
}
