/** Observability: logs as tables, alerts on what failed, one page of charts, a budget. */
import type { LakeBucket } from "../components/lake-bucket";
import { FailureAlerts } from "../components/failure-alerts";
import { LabDashboard, type Chart } from "../components/lab-dashboard";
import { LogArchive } from "../components/log-archive";
import { MonthlyBudget } from "../components/monthly-budget";
import { physicalName, type Naming } from "../components/names";
import type { ProjectServices } from "../components/project-services";
import type * as pulumi from "@pulumi/pulumi";
import type { Features } from "./config/features";

export interface ObservabilityArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  alertEmail?: string;
  billingAccount?: string;
  monthlyBudget: number;
  protectData: boolean;
  /** Any bucket: it knows the project's number. */
  bucket: LakeBucket;
  services: ProjectServices;
}

export interface Observability {
  logs: pulumi.Output<string>;
  dashboard: pulumi.Output<string>;
}

const KEPT =
  'resource.type=("cloud_dataproc_batch" OR "cloud_dataproc_session" OR "aiplatform.googleapis.com/PipelineJob")';

const FAILURES = {
  batches: {
    title: "a batch failed",
    filter: 'resource.type="cloud_dataproc_batch" AND severity>=ERROR',
    advice:
      "Look at the driver's output: `npx sparklab logs <batch>`. The batch's page in the console names the reason.",
  },
  pipelines: {
    title: "a pipeline failed",
    filter: 'resource.type="aiplatform.googleapis.com/PipelineJob" AND jsonPayload.state="PIPELINE_STATE_FAILED"',
    advice:
      "Open the pipeline job in the console; the failed task names its batch. A repeat with the same parameters is the same run.",
  },
};

const CHARTS: readonly Chart[] = [
  {
    title: "Batches by state",
    filter: 'metric.type="dataproc.googleapis.com/batch/spark/executors" resource.type="cloud_dataproc_batch"',
    aligner: "ALIGN_MEAN",
    groupBy: "resource.label.batch_id",
  },
  {
    title: "Pipeline tasks that ended",
    filter:
      'metric.type="aiplatform.googleapis.com/pipelinejob/task_completed_count" resource.type="aiplatform.googleapis.com/PipelineJob"',
    aligner: "ALIGN_DELTA",
    groupBy: "metric.label.status",
  },
  {
    title: "Requests to functions and the scoring API",
    filter: 'metric.type="run.googleapis.com/request_count" resource.type="cloud_run_revision"',
    aligner: "ALIGN_RATE",
    groupBy: "metric.label.response_code_class",
  },
  {
    title: "Bytes that BigQuery scanned",
    filter: 'metric.type="bigquery.googleapis.com/query/scanned_bytes_billed" resource.type="global"',
    aligner: "ALIGN_SUM",
    groupBy: "metric.label.priority",
  },
];

export function observability(args: ObservabilityArgs): Observability {
  const ready = { dependsOn: [args.services] };
  const labName = physicalName(args.naming, "resource", "lab");
  const archive = new LogArchive(
    "logs",
    {
      project: args.project,
      sinkName: physicalName(args.naming, "resource", "runs"),
      datasetId: physicalName(args.naming, "dataset", "logs"),
      location: args.region,
      labels: args.labels,
      filter: KEPT,
      protectData: args.protectData,
    },
    ready,
  );
  const alerts = new FailureAlerts(
    "failures",
    { labName, labels: args.labels, email: args.alertEmail, failures: FAILURES },
    ready,
  );
  const page = new LabDashboard("lab", { title: labName, charts: CHARTS }, ready);
  if (args.features.budget && args.billingAccount) {
    new MonthlyBudget(
      "monthly",
      {
        displayName: labName,
        billingAccount: args.billingAccount,
        projectNumber: args.bucket.bucket.projectNumber,
        amount: args.monthlyBudget,
        channels: alerts.channels,
      },
      ready,
    );
  }
  return { logs: archive.datasetId, dashboard: page.dashboard };
}
