/** Lake: buckets by role, the raw customers and the job code in them, and the warehouse that the jobs write. */
import * as pulumi from "@pulumi/pulumi";
import { grantEach, type Grants } from "../components/iam";
import { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import { ObjectSet } from "../components/object-set";
import type { ProjectServices } from "../components/project-services";
import { Warehouse } from "../components/warehouse";
import type { WorkloadIdentity } from "../components/workload-identity";
import { jobCode, tableSchemas } from "./sources";

export interface LakeArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  /** Path of the customers' CSV. */
  customers: string;
  protectData: boolean;
  identities: { worker: WorkloadIdentity };
  services: ProjectServices;
}

export interface Lake {
  buckets: Record<BucketRole, LakeBucket>;
  warehouse: Warehouse;
  dataset: pulumi.Output<string>;
  code: pulumi.Output<string>;
  jobSettings: Record<string, pulumi.Input<string>>;
}

/** What the Spark worker may do in each bucket; scratch data expires. */
const BUCKETS = {
  raw: { worker: "read" },
  code: { worker: "read" },
  models: { worker: "write" },
  metrics: { worker: "write" },
  staging: { worker: "write", expireAfter: "7 days" },
  events: { worker: "write", expireAfter: "90 days" },
} as const;
export type BucketRole = keyof typeof BUCKETS;

export function lake(args: LakeArgs): Lake {
  const worker = args.identities.worker.member;
  const ready = { dependsOn: [args.services] };
  const bucket = (role: BucketRole) => {
    const rule: { worker: "read" | "write"; expireAfter?: `${number} days` } = BUCKETS[role];
    return new LakeBucket(role, {
      bucketName: physicalName(args.naming, "bucket", role),
      location: args.region,
      labels: { ...args.labels, role },
      grants: workerGrants(rule.worker, worker),
      expireAfter: rule.expireAfter,
      protectData: args.protectData,
    }, ready);
  };
  const buckets = Object.fromEntries((Object.keys(BUCKETS) as BucketRole[]).map((role) => [role, bucket(role)])) as Lake["buckets"];
  const raw = new ObjectSet("raw", {
    bucket: buckets.raw.bucketName,
    objects: { "telco_customer_churn.csv": { source: new pulumi.asset.FileAsset(args.customers), contentType: "text/csv" } },
  });
  const code = new ObjectSet("code", { bucket: buckets.code.bucketName, objects: jobCode() });
  const warehouse = new Warehouse("churn", {
    project: args.project,
    datasetId: physicalName(args.naming, "dataset", "churn"),
    location: args.region,
    description: "Telco customers, what the model learned from them and what it predicts",
    labels: args.labels,
    tables: tableSchemas(),
    grants: grantEach("roles/bigquery.dataEditor", { worker }),
    protectData: args.protectData,
  }, ready);
  const dataset = pulumi.interpolate`${args.project}.${warehouse.datasetId}`;
  return {
    buckets,
    warehouse,
    dataset,
    code: pulumi.interpolate`gs://${buckets.code.bucketName}`,
    jobSettings: {
      project: args.project,
      region: args.region,
      dataset,
      customers: raw.uris["telco_customer_churn.csv"]!,
      package: code.uris["sparklab.zip"]!,
      ...Object.fromEntries(Object.entries(buckets).map(([role, { bucketName }]) => [`${role}_bucket`, bucketName])),
    },
  };
}

/** Writers also read the bucket's own metadata, which Hadoop's client asks for. */
function workerGrants(access: "read" | "write", member: pulumi.Input<string>): Grants {
  return access === "read"
    ? { "worker-reads": { role: "roles/storage.objectViewer", member } }
    : {
        "worker-writes": { role: "roles/storage.objectUser", member },
        "worker-sees": { role: "roles/storage.legacyBucketReader", member },
      };
}
