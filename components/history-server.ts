/** A persistent Spark history server: a cluster of one private machine that shows the event logs of finished batches. */
import * as dataproc from "@pulumi/gcp/dataproc";
import * as pulumi from "@pulumi/pulumi";

export interface HistoryServerArgs {
  /** From names.ts. */
  clusterName: string;
  region: string;
  labels: Record<string, string>;
  subnetwork: pulumi.Input<string>;
  /** E-mail of the account that the machine runs as. */
  serviceAccount: pulumi.Input<string>;
  /** Bucket that the machine itself writes to. */
  stagingBucket: pulumi.Input<string>;
  /** Bucket that batches and sessions write their event logs to, one folder each. */
  eventsBucket: pulumi.Input<string>;
  /** @default "e2-standard-2" */
  machineType?: string;
}

/** Cluster image; supported until 2027-06-09. */
const IMAGE = "2.3-debian12";

export class HistoryServer extends pulumi.ComponentResource {
  /** `projects/<project>/regions/<region>/clusters/<name>`, as workloads name it. */
  readonly cluster: pulumi.Output<string>;

  constructor(name: string, args: HistoryServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:spark:HistoryServer", name, {}, opts);
    const cluster = new dataproc.Cluster(
      name,
      {
        name: args.clusterName,
        region: args.region,
        labels: args.labels,
        clusterConfig: {
          // Named, since the service would else make two buckets that stay behind.
          stagingBucket: args.stagingBucket,
          tempBucket: args.stagingBucket,
          endpointConfig: { enableHttpPortAccess: true },
          gceClusterConfig: {
            subnetwork: args.subnetwork,
            internalIpOnly: true,
            serviceAccount: args.serviceAccount,
            serviceAccountScopes: ["cloud-platform"],
            shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
          },
          masterConfig: {
            numInstances: 1,
            machineType: args.machineType ?? "e2-standard-2",
            diskConfig: { bootDiskSizeGb: 100, bootDiskType: "pd-balanced" },
          },
          softwareConfig: {
            imageVersion: IMAGE,
            overrideProperties: {
              "dataproc:dataproc.allow.zero.workers": "true",
              "spark:spark.history.fs.logDirectory": pulumi.interpolate`gs://${args.eventsBucket}/*/spark-job-history`,
            },
          },
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.cluster = cluster.id;
    this.registerOutputs({ cluster: this.cluster });
  }
}
