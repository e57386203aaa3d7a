/** Spark: the one way that workloads run here, and the template that notebook sessions start from. */
import type { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import type { ProjectServices } from "../components/project-services";
import { SparkRuntime } from "../components/spark-runtime";
import type { WorkloadIdentity } from "../components/workload-identity";

export interface SparkArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  sparkRuntime: string;
  worker: WorkloadIdentity;
  staging: LakeBucket;
  services: ProjectServices;
}

export function spark(args: SparkArgs): SparkRuntime {
  return new SparkRuntime("notebook", {
    project: args.project,
    location: args.region,
    version: args.sparkRuntime,
    serviceAccount: args.worker.email,
    stagingBucket: args.staging.bucketName,
    templateId: physicalName(args.naming, "sessionTemplate", "notebook"),
    labels: args.labels,
  }, { dependsOn: [args.services] });
}
