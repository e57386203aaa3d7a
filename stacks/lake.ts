/** Lake: buckets by role, the raw customers and the job code in them, and the warehouse that the jobs write. */
import * as pulumi from "@pulumi/pulumi";
import { ExternalTable } from "../components/external-table";
import { grantEach, type Grants } from "../components/iam";
import { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import { ObjectSet } from "../components/object-set";
import type { ProjectServices } from "../components/project-services";
import { Warehouse } from "../components/warehouse";
import type { WorkloadIdentity } from "../components/workload-identity";
import { BUCKETS, bucketRoles, type BucketRole, type BucketRule, type Reader } from "./buckets";
import type { Features } from "./config/features";
import { compiledPipelines, externalSchema, jobCode, tableSchemas } from "./sources";

export interface LakeArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  whole: boolean;
  /** Path of the customers' CSV. */
  customers: string;
  /** Commit that the lab is deployed from. */
  commit: string;
  protectData: boolean;
  accounts: Partial<Record<Reader, WorkloadIdentity>> & { worker: WorkloadIdentity };
  /** Principals who read tables and the output of batches, by grant key. */
  people: Record<string, string>;
  services: ProjectServices;
}

export type Buckets = Record<"raw" | "code" | "models" | "metrics" | "bundles" | "staging" | "events", LakeBucket> &
  Partial<Record<BucketRole, LakeBucket>>;

export interface Lake {
  buckets: Buckets;
  warehouse: Warehouse;
  dataset: pulumi.Output<string>;
  code: pulumi.Output<string>;
  /** `project.dataset.table` of the external table of raw customers. */
  rawCustomers?: pulumi.Output<string>;
  jobSettings: Record<string, pulumi.Input<string>>;
}

const CUSTOMERS = "telco_customer_churn.csv";

export function lake(args: LakeArgs): Lake {
  const ready = { dependsOn: [args.services] };
  const buckets = Object.fromEntries(
    bucketRoles(args.whole, args.features).map((role) => [role, bucket(args, role, ready)]),
  ) as Buckets;
  const raw = new ObjectSet("raw", {
    bucket: buckets.raw.bucketName,
    objects: { [CUSTOMERS]: { source: new pulumi.asset.FileAsset(args.customers), contentType: "text/csv" } },
  });
  const origin = { stack: args.naming.environment, git_commit: args.commit };
  const code = new ObjectSet("code", { bucket: buckets.code.bucketName, objects: jobCode(args.whole, origin) });
  if (buckets.pipelines)
    new ObjectSet("pipelines", { bucket: buckets.pipelines.bucketName, objects: compiledPipelines() });
  const warehouse = churnTables(args, ready);
  const dataset = pulumi.interpolate`${args.project}.${warehouse.datasetId}`;
  return {
    buckets,
    warehouse,
    dataset,
    code: pulumi.interpolate`gs://${buckets.code.bucketName}`,
    rawCustomers: args.features.biglake ? rawTable(args, warehouse, buckets.raw, ready) : undefined,
    jobSettings: {
      project: args.project,
      region: args.region,
      dataset,
      customers: raw.uris[CUSTOMERS]!,
      package: code.uris["sparklab.zip"]!,
      ...Object.fromEntries(Object.entries(buckets).map(([role, { bucketName }]) => [`${role}_bucket`, bucketName])),
    },
  };
}

function churnTables(args: LakeArgs, ready: pulumi.ComponentResourceOptions): Warehouse {
  return new Warehouse(
    "churn",
    {
      project: args.project,
      datasetId: physicalName(args.naming, "dataset", "churn"),
      location: args.region,
      description: "Telco customers, what the model learned from them and what it predicts",
      labels: args.labels,
      tables: tableSchemas(),
      grants: tableGrants(args),
      protectData: args.protectData,
    },
    ready,
  );
}

function bucket(args: LakeArgs, role: BucketRole, ready: pulumi.ComponentResourceOptions): LakeBucket {
  const rule: BucketRule = BUCKETS[role];
  return new LakeBucket(
    role,
    {
      bucketName: physicalName(args.naming, "bucket", role),
      location: args.region,
      labels: { ...args.labels, role },
      grants: {
        ...accountGrants(rule, args.accounts),
        ...(rule.people && args.whole ? grantEach("roles/storage.objectViewer", args.people) : {}),
      },
      expireAfter: rule.expireAfter,
      restorableFor: rule.restorable && args.protectData ? "7 days" : undefined,
      protectData: args.protectData,
    },
    ready,
  );
}

function accountGrants(rule: BucketRule, accounts: LakeArgs["accounts"]): Grants {
  const grants: Grants = {};
  const give = (readers: readonly Reader[] = [], key: string, role: string) => {
    for (const reader of readers) {
      const account = accounts[reader];
      if (account) grants[`${reader}-${key}`] = { role, member: account.member };
    }
  };
  give(rule.read, "reads", "roles/storage.objectViewer");
  give(rule.write, "writes", "roles/storage.objectUser");
  // Hadoop's client and pipeline steps also ask for the bucket's own metadata.
  give(
    rule.write?.filter((writer) => writer === "worker" || writer === "runner"),
    "sees",
    "roles/storage.legacyBucketReader",
  );
  return grants;
}

function tableGrants({ accounts, people, whole }: LakeArgs): Grants {
  const readers = Object.fromEntries(
    (
      [
        ["runner", accounts.runner],
        ["workbench", accounts.workbench],
        ["composer", accounts.composer],
      ] as const
    ).flatMap(([key, account]) => (account ? [[key, account.member] as const] : [])),
  );
  return {
    ...grantEach("roles/bigquery.dataEditor", { worker: accounts.worker.member }),
    ...(whole ? grantEach("roles/bigquery.dataViewer", { ...readers, ...people }) : {}),
  };
}

function rawTable(args: LakeArgs, warehouse: Warehouse, raw: LakeBucket, ready: pulumi.ComponentResourceOptions) {
  return new ExternalTable(
    "biglake",
    {
      project: args.project,
      location: args.region,
      connectionId: physicalName(args.naming, "resource", "biglake"),
      datasetId: warehouse.datasetId,
      tableId: "raw_customers",
      schema: externalSchema("raw_customers"),
      bucket: raw.bucketName,
      // By name: the table stays when the file's content changes.
      file: pulumi.interpolate`gs://${raw.bucketName}/${CUSTOMERS}`,
      labels: args.labels,
    },
    ready,
  ).table;
}
