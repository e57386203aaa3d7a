/** One bucket of the lake with its grants: private, uniform access, and no hidden cost from soft deletion. */
import * as storage from "@pulumi/gcp/storage";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface LakeBucketArgs {
  /** Globally unique, from names.ts. */
  bucketName: string;
  location: string;
  labels: Record<string, string>;
  grants: Grants;
  /** Age after which objects are deleted, in whole days, for scratch data. @default kept */
  expireAfter?: `${number} days`;
  /** How long deleted objects can be restored, which is billed. @default "0 days" */
  restorableFor?: `${number} days`;
  /** Refuse to delete the bucket while it holds objects. @default false */
  protectData?: boolean;
}

export class LakeBucket extends pulumi.ComponentResource {
  readonly bucket: storage.Bucket;
  readonly bucketName: pulumi.Output<string>;

  constructor(name: string, args: LakeBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:lake:LakeBucket", name, {}, opts);
    this.bucket = new storage.Bucket(
      name,
      {
        name: args.bucketName,
        location: args.location,
        labels: args.labels,
        uniformBucketLevelAccess: true,
        publicAccessPrevention: "enforced",
        forceDestroy: !args.protectData,
        softDeletePolicy: { retentionDurationSeconds: days(args.restorableFor ?? "0 days") * 86_400 },
        lifecycleRules: args.expireAfter
          ? [{ action: { type: "Delete" }, condition: { age: days(args.expireAfter) } }]
          : undefined,
      },
      { parent: this, dependsOn: opts?.dependsOn, deleteBeforeReplace: true },
    );
    this.bucketName = this.bucket.name;
    for (const [key, grant] of Object.entries(args.grants)) {
      new storage.BucketIAMMember(
        `${name}-${key}`,
        { bucket: this.bucket.name, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ bucketName: this.bucketName });
  }
}

/** Whole days of a duration such as `"7 days"`. */
export function days(duration: `${number} days`): number {
  return Number.parseInt(duration, 10);
}
