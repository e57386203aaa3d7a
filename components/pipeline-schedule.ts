/** A Vertex AI schedule of one compiled pipeline: created paused, since the lab's own trigger is the function. */
import * as colab from "@pulumi/gcp/colab";
import * as pulumi from "@pulumi/pulumi";

export interface PipelineScheduleArgs {
  displayName: string;
  location: string;
  labels: Record<string, string>;
  /** Five cron fields. */
  cron: string;
  timeZone: string;
  /** The compiled pipeline as JSON text. */
  pipelineSpec: string;
  /** Parameters as texts; the schedule knows no other type. */
  parameters: Record<string, pulumi.Input<string>>;
  /** E-mail of the account that the pipeline runs as. */
  serviceAccount: pulumi.Input<string>;
  /** `gs://` folder of the pipeline's artifacts. */
  pipelineRoot: pulumi.Input<string>;
}

export class PipelineSchedule extends pulumi.ComponentResource {
  readonly schedule: pulumi.Output<string>;

  constructor(name: string, args: PipelineScheduleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:ml:PipelineSchedule", name, {}, opts);
    const schedule = new colab.Schedule(
      name,
      {
        displayName: args.displayName,
        location: args.location,
        cron: `TZ=${args.timeZone} ${args.cron}`,
        maxConcurrentRunCount: "1",
        allowQueueing: false,
        desiredState: "PAUSED",
        createPipelineJobRequest: {
          pipelineJob: {
            displayName: args.displayName,
            labels: args.labels,
            pipelineSpec: args.pipelineSpec,
            serviceAccount: args.serviceAccount,
            runtimeConfig: { gcsOutputDirectory: args.pipelineRoot, parameterValues: args.parameters },
          },
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.schedule = schedule.id;
    this.registerOutputs({ schedule: this.schedule });
  }
}
