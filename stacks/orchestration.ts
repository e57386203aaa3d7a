/** Orchestration: what starts the training pipeline (function, schedule, topic, queue) and the Airflow that runs the DAGs. */
import * as pulumi from "@pulumi/pulumi";
import { DagEnvironment } from "../components/dag-environment";
import { grantEach } from "../components/iam";
import type { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import { ObjectSet } from "../components/object-set";
import { PipelineFunction } from "../components/pipeline-function";
import type { ProjectServices } from "../components/project-services";
import { Registry } from "../components/registry";
import { RequestQueue } from "../components/request-queue";
import type { SparkNetwork } from "../components/spark-network";
import { TrainingSchedule } from "../components/training-schedule";
import type { WorkloadIdentity } from "../components/workload-identity";
import { bundleFunction } from "./bundle";
import type { Features } from "./config/features";
import { dags, TRAINING_PIPELINE } from "./sources";

export interface OrchestrationArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  trainingSchedule: string;
  timeZone: string;
  composerImage: string;
  accounts: {
    runner: WorkloadIdentity;
    launcher: WorkloadIdentity;
    build?: WorkloadIdentity;
    scheduler?: WorkloadIdentity;
    composer?: WorkloadIdentity;
  };
  /** Principals who may start pipelines, by grant key. */
  operators: Record<string, string>;
  buckets: Record<"pipelines" | "functions", LakeBucket> & { dags?: LakeBucket };
  network: SparkNetwork;
  /** Where runs leave artifacts, and the lab's values for the pipeline's parameters. */
  models: { pipelineRoot: pulumi.Input<string>; parameters: Record<string, pulumi.Input<string>> };
  /** What DAGs read: job settings and how a batch is submitted. */
  settings: pulumi.Input<string>;
  /** Folder that holds `functions/`. */
  root: string;
  services: ProjectServices;
}

export interface Orchestration {
  functionUrl?: pulumi.Output<string>;
  schedule?: pulumi.Output<string>;
  queue?: RequestQueue;
  airflow?: DagEnvironment;
}

export function orchestration(args: OrchestrationArgs): Orchestration {
  const { build, scheduler, composer } = args.accounts;
  const airflow = composer && args.buckets.dags ? dagEnvironment(args, composer, args.buckets.dags) : undefined;
  if (!build || !scheduler) return { airflow };
  const starter = startPipeline(args, build, scheduler);
  const called = { dependsOn: [args.services, ...starter.invokers] };
  const schedule = new TrainingSchedule(
    "weekly-training",
    {
      jobName: physicalName(args.naming, "resource", "training"),
      region: args.region,
      cron: args.trainingSchedule,
      timeZone: args.timeZone,
      url: starter.url,
      caller: scheduler.email,
    },
    called,
  );
  return {
    airflow,
    functionUrl: starter.url,
    schedule: schedule.job,
    queue: args.features.queue ? requests(args, starter, scheduler, called) : undefined,
  };
}

function startPipeline(
  args: OrchestrationArgs,
  build: WorkloadIdentity,
  scheduler: WorkloadIdentity,
): PipelineFunction {
  const bucket = args.buckets.functions.bucketName;
  const { objectName, archive } = bundleFunction("start-pipeline", args.root);
  const code = new ObjectSet("start-pipeline", {
    bucket,
    objects: { [objectName]: { source: archive, contentType: "application/zip" } },
  });
  const repository = builtImages(args, build);
  return new PipelineFunction(
    "start-pipeline",
    {
      functionName: physicalName(args.naming, "service", "start-pipeline"),
      location: args.region,
      labels: args.labels,
      description: "Starts the training pipeline",
      entryPoint: "startPipeline",
      source: { bucket, object: objectName },
      serviceAccount: args.accounts.launcher.email,
      buildAccount: build.account.id,
      repository: repository.repository.id,
      environment: starterEnvironment(args),
      grants: grantEach("roles/run.invoker", { scheduler: scheduler.member, ...args.operators }),
    },
    // The build reads the archive and writes the image as its own account.
    { dependsOn: [args.services, code, build, repository, args.buckets.functions, args.accounts.launcher] },
  );
}

function builtImages(args: OrchestrationArgs, build: WorkloadIdentity): Registry {
  return new Registry(
    "functions",
    {
      project: args.project,
      repositoryId: physicalName(args.naming, "resource", "functions"),
      location: args.region,
      format: "DOCKER",
      description: "Images that Cloud Functions builds",
      labels: args.labels,
      grants: grantEach("roles/artifactregistry.writer", { build: build.member }),
    },
    { dependsOn: [args.services] },
  );
}

function starterEnvironment(args: OrchestrationArgs): Record<string, pulumi.Input<string>> {
  const pipelines = pulumi.interpolate`gs://${args.buckets.pipelines.bucketName}`;
  return {
    PROJECT: args.project,
    REGION: args.region,
    PIPELINE_SPEC: pulumi.interpolate`${pipelines}/specs/${TRAINING_PIPELINE}`,
    PIPELINE_SUBMISSIONS: pulumi.interpolate`${pipelines}/submissions`,
    PIPELINE_ROOT: args.models.pipelineRoot,
    PIPELINE_ACCOUNT: args.accounts.runner.email,
    PIPELINE_PARAMETERS: pulumi.jsonStringify(args.models.parameters),
  };
}

function requests(
  args: OrchestrationArgs,
  starter: PipelineFunction,
  scheduler: WorkloadIdentity,
  called: pulumi.ComponentResourceOptions,
): RequestQueue {
  return new RequestQueue(
    "training-requests",
    {
      requestsName: physicalName(args.naming, "resource", "training-requests"),
      deadLettersName: physicalName(args.naming, "resource", "dead-training-requests"),
      location: args.region,
      labels: args.labels,
      url: starter.url,
      caller: scheduler.email,
      agent: args.services.agents.pubsub!,
      requesters: args.operators,
    },
    called,
  );
}

function dagEnvironment(args: OrchestrationArgs, account: WorkloadIdentity, bucket: LakeBucket): DagEnvironment {
  return new DagEnvironment(
    "airflow",
    {
      environmentName: physicalName(args.naming, "resource", "airflow"),
      region: args.region,
      labels: args.labels,
      imageVersion: args.composerImage,
      network: args.network.network.id,
      subnetwork: args.network.subnetwork.id,
      serviceAccount: account.email,
      bucket: bucket.bucketName,
      settings: args.settings,
      dags: dags(),
    },
    { dependsOn: [args.services, account, bucket] },
  );
}
