/** The whole lab in reading order: each layer takes what the ones above it made. Start here. */
import type * as pulumi from "@pulumi/pulumi";
import type { LabConfig } from "./config";
import { foundation } from "./foundation";
import { lake } from "./lake";
import { spark } from "./spark";

/** Stack outputs: all that a job, a function, a notebook or a person needs to use the lab. */
export interface LabOutputs {
  project: string;
  region: string;
  environment: string;
  /** Bucket name by role. */
  buckets: Record<string, pulumi.Output<string>>;
  /** `project.dataset`. */
  dataset: pulumi.Output<string>;
  /** `project.dataset.table` by table. */
  tables: Record<string, pulumi.Output<string>>;
  /** E-mail by role. */
  serviceAccounts: Record<string, pulumi.Output<string>>;
  /** Full name of the notebook session template. */
  sessionTemplate: pulumi.Output<string>;
  /** How a batch is submitted here. */
  spark: { runtimeVersion: string; serviceAccount: pulumi.Output<string>; stagingBucket: pulumi.Output<string> };
  /** `gs://` folder that holds `jobs/` and `sparklab.zip`. */
  code: pulumi.Output<string>;
  /** Values for the placeholders of pyspark/jobs.yaml. */
  jobSettings: Record<string, pulumi.Input<string>>;
  /** Pages of the Google Cloud console. */
  console: Record<string, string>;
}

export function lab(config: LabConfig): LabOutputs {
  const naming = { prefix: config.prefix, environment: config.environment };
  const labels = { lab: config.prefix, environment: config.environment };
  const base = foundation({ ...config, naming });
  const data = lake({ ...config, naming, labels, identities: base.identities, services: base.services });
  const runtime = spark({ ...config, naming, labels, worker: base.identities.worker, staging: data.buckets.staging, services: base.services });
  return {
    project: config.project,
    region: config.region,
    environment: config.environment,
    buckets: Object.fromEntries(Object.entries(data.buckets).map(([role, bucket]) => [role, bucket.bucketName])),
    dataset: data.dataset,
    tables: data.warehouse.tables,
    serviceAccounts: Object.fromEntries(Object.entries(base.identities).map(([role, identity]) => [role, identity.email])),
    sessionTemplate: runtime.sessionTemplate,
    spark: runtime.settings,
    code: data.code,
    jobSettings: data.jobSettings,
    console: consolePages(config),
  };
}

function consolePages({ project, region }: LabConfig): Record<string, string> {
  const page = (path: string) => `https://console.cloud.google.com/${path}?project=${project}`;
  return {
    batches: page(`dataproc/batches`),
    sessionTemplate: page(`dataproc/interactive/session_templates`),
    tables: page(`bigquery`),
    buckets: page(`storage/browser`),
    logs: `${page("logs/query;query=resource.type%3D%22cloud_dataproc_batch%22%20resource.labels.location%3D%22" + region + "%22")}`,
  };
}
