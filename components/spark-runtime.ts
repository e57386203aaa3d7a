/** How Spark runs in this lab: one settings value for every submitter, and the session templates made of it. */
import * as dataproc from "@pulumi/gcp/dataproc";
import * as pulumi from "@pulumi/pulumi";

export interface SparkRuntimeArgs {
  project: string;
  location: string;
  /** Runtime version of batches, `major.minor`; always set, since the service's default changes under us. */
  version: string;
  /** E-mail of the account that drivers and executors run as. */
  serviceAccount: pulumi.Input<string>;
  stagingBucket: pulumi.Input<string>;
  /** Full name of the subnet. @default the project's default network */
  subnetwork?: pulumi.Input<string>;
  /** Image with the lab's packages. @default the service's own */
  containerImage?: pulumi.Input<string>;
  /** Full name of a metastore. @default none */
  metastore?: pulumi.Input<string>;
  /** Full name of a history server's cluster. @default none */
  historyServer?: pulumi.Input<string>;
  /** Template of notebook sessions: its id, from names.ts, its runtime, and Spark properties of all its sessions. */
  notebook: TemplateArgs;
  /** Template of Spark Connect sessions. @default none */
  connect?: TemplateArgs;
  labels: Record<string, string>;
  /** Longest life of a session. @default "4 hours" */
  sessionTtl?: `${number} hours`;
  /** A session idle for so long ends. @default "1 hours" */
  sessionIdleTtl?: `${number} hours`;
}

export interface TemplateArgs {
  templateId: string;
  version: string;
  /** @default none */
  properties?: Record<string, pulumi.Input<string>>;
}

/** `runtimeConfig` and `environmentConfig` of a batch, in the words of Dataproc's API. */
export interface BatchSettings {
  runtimeConfig: { version: string; containerImage?: pulumi.Input<string> };
  environmentConfig: {
    executionConfig: {
      serviceAccount: pulumi.Input<string>;
      stagingBucket: pulumi.Input<string>;
      subnetworkUri?: pulumi.Input<string>;
      authenticationConfig: { userWorkloadAuthenticationType: string };
    };
    peripheralsConfig?: {
      metastoreService?: pulumi.Input<string>;
      sparkHistoryServerConfig?: { dataprocCluster: pulumi.Input<string> };
    };
  };
}

/** The same for a notebook that runs by itself: runtime and properties are those of its sessions. */
export interface NotebookSettings extends BatchSettings {
  runtimeConfig: BatchSettings["runtimeConfig"] & { properties?: Record<string, pulumi.Input<string>> };
}

/** What a batch, a session or a pipeline step needs to be submitted: plain values for any client. */
export interface SparkSettings {
  runtimeVersion: string;
  serviceAccount: pulumi.Output<string>;
  stagingBucket: pulumi.Output<string>;
  batch: BatchSettings;
  notebook: NotebookSettings;
}

export class SparkRuntime extends pulumi.ComponentResource {
  readonly settings: SparkSettings;
  /** Full name of the Jupyter session template. */
  readonly sessionTemplate: pulumi.Output<string>;
  /** Full name of the Spark Connect session template. */
  readonly connectTemplate?: pulumi.Output<string>;

  constructor(name: string, args: SparkRuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:spark:SparkRuntime", name, {}, opts);
    const batch = batchSettings(args);
    this.settings = {
      runtimeVersion: args.version,
      serviceAccount: pulumi.output(args.serviceAccount),
      stagingBucket: pulumi.output(args.stagingBucket),
      batch,
      notebook: { ...batch, runtimeConfig: templateRuntime(batch, args.notebook) },
    };
    const template = (key: string, templateArgs: TemplateArgs, kind: Partial<dataproc.SessionTemplateArgs>) =>
      new dataproc.SessionTemplate(
        key,
        {
          name: `projects/${args.project}/locations/${args.location}/sessionTemplates/${templateArgs.templateId}`,
          location: args.location,
          labels: args.labels,
          runtimeConfig: templateRuntime(batch, templateArgs),
          environmentConfig: sessionEnvironment(batch, args),
          ...kind,
        },
        { parent: this, dependsOn: opts?.dependsOn, deleteBeforeReplace: true },
      ).name;
    this.sessionTemplate = template(name, args.notebook, {
      jupyterSession: { kernel: "PYTHON", displayName: "Spark lab" },
    });
    if (args.connect) {
      // Runtimes from 3.0 have a Spark of their own: no image, history server or metastore made for the others fits.
      const { executionConfig } = sessionEnvironment(batch, args);
      this.connectTemplate = template(`${name}-connect`, args.connect, {
        sparkConnectSession: {},
        runtimeConfig: { version: args.connect.version },
        environmentConfig: { executionConfig },
      });
    }
    this.registerOutputs({ sessionTemplate: this.sessionTemplate });
  }
}

/** The one value: whoever submits a batch adds the job and nothing else. Pure. */
export function batchSettings(args: SparkRuntimeArgs): BatchSettings {
  const { containerImage, subnetwork, metastore, historyServer } = args;
  const peripherals = {
    ...(metastore ? { metastoreService: metastore } : {}),
    ...(historyServer ? { sparkHistoryServerConfig: { dataprocCluster: historyServer } } : {}),
  };
  return {
    runtimeConfig: { version: args.version, ...(containerImage ? { containerImage } : {}) },
    environmentConfig: {
      executionConfig: {
        serviceAccount: args.serviceAccount,
        stagingBucket: args.stagingBucket,
        ...(subnetwork ? { subnetworkUri: subnetwork } : {}),
        // Said explicitly because the default changes from service account to end user with runtime 3.0.
        authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
      },
      ...(Object.keys(peripherals).length > 0 ? { peripheralsConfig: peripherals } : {}),
    },
  };
}

function templateRuntime(batch: BatchSettings, { version, properties }: TemplateArgs) {
  return { ...batch.runtimeConfig, version, ...(properties ? { properties } : {}) };
}

function sessionEnvironment({ environmentConfig }: BatchSettings, args: SparkRuntimeArgs) {
  const limits = { ttl: seconds(args.sessionTtl ?? "4 hours"), idleTtl: seconds(args.sessionIdleTtl ?? "1 hours") };
  return { ...environmentConfig, executionConfig: { ...environmentConfig.executionConfig, ...limits } };
}

/** Seconds as Google's duration text: `"4 hours"` is `"14400s"`. */
export function seconds(duration: `${number} hours`): string {
  return `${Number.parseInt(duration, 10) * 3600}s`;
}
