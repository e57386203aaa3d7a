/** How Spark runs in this lab: one settings value for every submitter, and the notebook session template made of it. */
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";

export interface SparkRuntimeArgs {
  project: string;
  location: string;
  /** Runtime version, `major.minor`; always set, since the service's default changes under us. */
  version: string;
  /** E-mail of the account that drivers and executors run as. */
  serviceAccount: pulumi.Input<string>;
  stagingBucket: pulumi.Input<string>;
  /** Id of the session template, from names.ts. */
  templateId: string;
  labels: Record<string, string>;
  /** Longest life of a notebook session. @default "4 hours" */
  sessionTtl?: `${number} hours`;
  /** A notebook session idle for so long ends. @default "1 hours" */
  sessionIdleTtl?: `${number} hours`;
}

/** What a batch, a session or a pipeline step needs to be submitted: plain values for any client. */
export interface SparkSettings {
  runtimeVersion: string;
  serviceAccount: pulumi.Output<string>;
  stagingBucket: pulumi.Output<string>;
}

export class SparkRuntime extends pulumi.ComponentResource {
  readonly settings: SparkSettings;
  /** Full name of the Jupyter session template. */
  readonly sessionTemplate: pulumi.Output<string>;

  constructor(name: string, args: SparkRuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:spark:SparkRuntime", name, {}, opts);
    this.settings = {
      runtimeVersion: args.version,
      serviceAccount: pulumi.output(args.serviceAccount),
      stagingBucket: pulumi.output(args.stagingBucket),
    };
    const template = new gcp.dataproc.SessionTemplate(
      name,
      {
        name: `projects/${args.project}/locations/${args.location}/sessionTemplates/${args.templateId}`,
        location: args.location,
        labels: args.labels,
        jupyterSession: { kernel: "PYTHON", displayName: "Spark lab" },
        runtimeConfig: { version: args.version },
        environmentConfig: {
          executionConfig: {
            serviceAccount: args.serviceAccount,
            stagingBucket: args.stagingBucket,
            ttl: seconds(args.sessionTtl ?? "4 hours"),
            idleTtl: seconds(args.sessionIdleTtl ?? "1 hours"),
            // Said explicitly because the default changes from service account to end user with runtime 3.0.
            authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
          },
        },
      },
      { parent: this, dependsOn: opts?.dependsOn, deleteBeforeReplace: true },
    );
    this.sessionTemplate = template.name;
    this.registerOutputs({ sessionTemplate: this.sessionTemplate });
  }
}

/** Seconds as Google's duration text: `"4 hours"` is `"14400s"`. */
export function seconds(duration: `${number} hours`): string {
  return `${Number.parseInt(duration, 10) * 3600}s`;
}
