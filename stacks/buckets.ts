/** The lake's buckets: who reads and writes each, what expires, what can be restored. */
import type { Feature, Features } from "./config/features";

/** Accounts that have to do with buckets. */
export type Reader = "worker" | "runner" | "launcher" | "build" | "scoring" | "workbench" | "composer";

export interface BucketRule {
  read?: readonly Reader[];
  write?: readonly Reader[];
  /** Operators and attendees read it too. */
  people?: boolean;
  /** Scratch data goes by itself. */
  expireAfter?: `${number} days`;
  /** Cannot be made again: deleted objects can be restored where data is protected. */
  restorable?: boolean;
  /** Not among what Spark batches alone need. */
  wholeLab?: boolean;
  /** Only with this feature. */
  feature?: Feature;
}

const rules = {
  raw: { read: ["worker"], restorable: true },
  code: { read: ["worker"] },
  models: { write: ["worker"], restorable: true },
  metrics: { write: ["worker"], read: ["runner"], people: true, restorable: true },
  staging: { write: ["worker"], people: true, expireAfter: "7 days" },
  events: { write: ["worker"], expireAfter: "90 days" },
  // Notebooks' sessions run as the worker: they read their settings, and the compiled pipeline.
  notebooks: { write: ["workbench"], read: ["worker"], people: true, wholeLab: true },
  bundles: { write: ["worker", "runner"], read: ["scoring"], restorable: true },
  pipelines: { write: ["runner", "launcher"], read: ["worker"], people: true, wholeLab: true },
  functions: { read: ["build"], wholeLab: true },
  dags: { write: ["composer"], wholeLab: true, feature: "composer" },
} as const satisfies Record<string, BucketRule>;

export type BucketRole = keyof typeof rules;
export const BUCKETS: Readonly<Record<BucketRole, BucketRule>> = rules;

export function bucketRoles(whole: boolean, features: Features): BucketRole[] {
  return (Object.keys(rules) as BucketRole[]).filter((role) => {
    const { wholeLab, feature }: BucketRule = rules[role];
    return (whole || !wholeLab) && (feature === undefined || features[feature]);
  });
}
