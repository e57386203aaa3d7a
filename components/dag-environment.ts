/** A Composer 3 environment with the lab's DAGs and the one variable that they read, in a bucket that is the lab's own. */
import * as composer from "@pulumi/gcp/composer";
import * as storage from "@pulumi/gcp/storage";
import * as pulumi from "@pulumi/pulumi";

export interface DagEnvironmentArgs {
  /** From names.ts. */
  environmentName: string;
  region: string;
  labels: Record<string, string>;
  imageVersion: string;
  network: pulumi.Input<string>;
  subnetwork: pulumi.Input<string>;
  /** E-mail of the account that tasks run as. */
  serviceAccount: pulumi.Input<string>;
  /** Bucket of DAGs and logs; one that Composer makes itself would stay behind. */
  bucket: pulumi.Input<string>;
  /** Value of the Airflow variable `sparklab`, as JSON text. */
  settings: pulumi.Input<string>;
  /** DAGs and the files that they read, by their name in the bucket's `dags/`. */
  dags: Record<string, DagFile>;
}

export interface DagFile {
  source: pulumi.asset.Asset;
  contentType: string;
}

const SMALL = { count: 1, cpu: 0.5, memoryGb: 2, storageGb: 1 };
const SIZES = {
  scheduler: SMALL,
  dagProcessor: SMALL,
  triggerer: { count: 1, cpu: 0.5, memoryGb: 1 },
  webServer: { cpu: 0.5, memoryGb: 2, storageGb: 1 },
  worker: { cpu: 0.5, memoryGb: 2, storageGb: 1, minCount: 1, maxCount: 2 },
};

export class DagEnvironment extends pulumi.ComponentResource {
  /** `projects/<project>/locations/<region>/environments/<name>`. */
  readonly environment: pulumi.Output<string>;
  /** Airflow's own page. */
  readonly airflow: pulumi.Output<string>;

  constructor(name: string, args: DagEnvironmentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:orchestration:DagEnvironment", name, {}, opts);
    const environment = new composer.Environment(
      name,
      {
        name: args.environmentName,
        region: args.region,
        labels: args.labels,
        storageConfig: { bucket: args.bucket },
        config: {
          environmentSize: "ENVIRONMENT_SIZE_SMALL",
          enablePrivateEnvironment: true,
          softwareConfig: { imageVersion: args.imageVersion, envVariables: { AIRFLOW_VAR_SPARKLAB: args.settings } },
          nodeConfig: { serviceAccount: args.serviceAccount, network: args.network, subnetwork: args.subnetwork },
          workloadsConfig: SIZES,
        },
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        dependsOn: opts?.dependsOn,
        customTimeouts: { create: "120m", update: "120m", delete: "120m" },
      },
    );
    this.environment = environment.id;
    this.airflow = environment.config.apply((config) => config.airflowUri ?? "");
    for (const [file, { source, contentType }] of Object.entries(args.dags)) {
      new storage.BucketObject(
        `${name}-${file}`,
        { bucket: args.bucket, name: `dags/${file}`, source, contentType },
        // Composer writes files of its own when it is made; the lab's come after them.
        { parent: this, deleteBeforeReplace: true, dependsOn: [environment] },
      );
    }
    this.registerOutputs({ environment: this.environment });
  }
}
