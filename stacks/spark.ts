/** Spark: the one way that workloads run here, the templates that sessions start from, and what they share. */
import * as pulumi from "@pulumi/pulumi";
import { HistoryServer } from "../components/history-server";
import { grantEach } from "../components/iam";
import type { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import type { ProjectServices } from "../components/project-services";
import { SparkMetastore } from "../components/spark-metastore";
import type { SparkNetwork } from "../components/spark-network";
import { SparkProcedure } from "../components/spark-procedure";
import { SparkRuntime } from "../components/spark-runtime";
import type { WorkloadIdentity } from "../components/workload-identity";
import type { Features } from "./config/features";

export interface SparkArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  sparkRuntime: string;
  jupyterRuntime: string;
  sparkConnectRuntime: string;
  protectData: boolean;
  worker: WorkloadIdentity;
  buckets: Record<"code" | "staging" | "events", LakeBucket> & { notebooks?: LakeBucket };
  datasetId: pulumi.Input<string>;
  /** `gs://` folder of the job code. */
  code: pulumi.Input<string>;
  /** Image of batches and sessions. @default the service's own */
  image?: pulumi.Input<string>;
  /** Absent where there are Spark batches alone. */
  network?: SparkNetwork;
  services: ProjectServices;
}

export interface Spark {
  runtime: SparkRuntime;
  historyServer?: HistoryServer;
  metastore?: SparkMetastore;
  procedure?: SparkProcedure;
}

export function spark(args: SparkArgs): Spark {
  const ready = { dependsOn: [args.services] };
  const { network } = args;
  const historyServer = args.features.historyServer && network ? history(args, network, ready) : undefined;
  const metastore = args.features.metastore ? sharedMetastore(args, ready) : undefined;
  const runtime = new SparkRuntime(
    "notebook",
    {
      project: args.project,
      location: args.region,
      version: args.sparkRuntime,
      serviceAccount: args.worker.email,
      stagingBucket: args.buckets.staging.bucketName,
      subnetwork: network?.subnetwork.id,
      containerImage: args.image,
      metastore: metastore?.service,
      historyServer: historyServer?.cluster,
      notebook: {
        templateId: physicalName(args.naming, "sessionTemplate", "notebook"),
        version: args.jupyterRuntime,
        properties: notebookProperties(args),
      },
      connect: args.features.sparkConnect
        ? {
            templateId: physicalName(args.naming, "sessionTemplate", "spark-connect"),
            version: args.sparkConnectRuntime,
          }
        : undefined,
      labels: args.labels,
    },
    ready,
  );
  return {
    runtime,
    historyServer,
    metastore,
    procedure: network ? churnRates(args, historyServer, ready) : undefined,
  };
}

function history(args: SparkArgs, network: SparkNetwork, ready: pulumi.ComponentResourceOptions): HistoryServer {
  return new HistoryServer(
    "history",
    {
      clusterName: physicalName(args.naming, "cluster", "history"),
      region: args.region,
      labels: args.labels,
      subnetwork: network.subnetwork.id,
      serviceAccount: args.worker.email,
      stagingBucket: args.buckets.staging.bucketName,
      eventsBucket: args.buckets.events.bucketName,
    },
    { dependsOn: [...(ready.dependsOn as pulumi.Resource[]), args.worker, args.buckets.staging, args.buckets.events] },
  );
}

function sharedMetastore(args: SparkArgs, ready: pulumi.ComponentResourceOptions): SparkMetastore {
  return new SparkMetastore(
    "metastore",
    {
      serviceId: physicalName(args.naming, "resource", "metastore"),
      location: args.region,
      labels: args.labels,
      grants: grantEach("roles/metastore.metadataEditor", { worker: args.worker.member }),
      protectData: args.protectData,
    },
    ready,
  );
}

/** Sizes as of the jobs; by the others a notebook finds the package that holds its logic, and the lab's values. */
function notebookProperties({ code, buckets }: SparkArgs): Record<string, pulumi.Input<string>> {
  return {
    "spark.sql.shuffle.partitions": "2",
    "spark.dynamicAllocation.maxExecutors": "2",
    "spark.sparklab.package": pulumi.interpolate`${code}/sparklab.zip`,
    ...(buckets.notebooks
      ? { "spark.sparklab.settings": pulumi.interpolate`gs://${buckets.notebooks.bucketName}/notebooks/settings.json` }
      : {}),
  };
}

/** The same Spark from SQL: `CALL <dataset>.churn_rates(<pipeline id>, "contract")`. */
function churnRates(
  args: SparkArgs,
  historyServer: HistoryServer | undefined,
  ready: pulumi.ComponentResourceOptions,
): SparkProcedure {
  return new SparkProcedure(
    "churn-rates",
    {
      project: args.project,
      location: args.region,
      connectionId: physicalName(args.naming, "resource", "spark"),
      datasetId: args.datasetId,
      routineId: "churn_rates",
      description: "Churn rate by the values of one column of the training data, into table churn_rates",
      runtimeVersion: args.sparkRuntime,
      mainFile: pulumi.interpolate`${args.code}/procedures/churn_rates.py`,
      packages: [pulumi.interpolate`${args.code}/sparklab.zip`],
      parameters: ["pipeline_id", "column"],
      properties: { "spark.sparklab.dataset": pulumi.interpolate`${args.project}.${args.datasetId}` },
      codeBucket: args.buckets.code.bucketName,
      stagingBucket: args.buckets.staging.bucketName,
      historyServer: historyServer?.cluster,
    },
    ready,
  );
}
