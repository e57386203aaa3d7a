/** Which Google APIs a choice of features needs: that set and nothing more. */
import type { Feature, Features } from "./config/features";

const ALWAYS = [
  "bigquery",
  "bigquerystorage",
  "cloudresourcemanager",
  "compute",
  "dataproc",
  "iam",
  "iamcredentials",
  "storage",
];
/** Of the whole lab, whatever its options. */
const WHOLE = ["aiplatform", "artifactregistry", "bigqueryconnection", "logging", "monitoring"];

const BY_FEATURE: Readonly<Record<Feature, readonly string[]>> = {
  trigger: ["cloudbuild", "cloudfunctions", "cloudscheduler", "run"],
  scoringApi: ["cloudbuild", "run"],
  workbench: ["notebooks"],
  nat: [],
  peering: ["servicenetworking"],
  biglake: [],
  historyServer: [],
  metastore: ["metastore"],
  sparkConnect: [],
  customImage: ["cloudbuild"],
  vertexSchedule: [],
  notebookSchedule: ["cloudscheduler"],
  queue: ["cloudtasks", "pubsub"],
  composer: ["composer"],
  orgPolicies: ["orgpolicy"],
  budget: ["billingbudgets"],
};

export function servicesOf(whole: boolean, features: Features): string[] {
  const chosen = (Object.keys(BY_FEATURE) as Feature[])
    .filter((name) => features[name])
    .flatMap((name) => BY_FEATURE[name]);
  return [...new Set([...ALWAYS, ...(whole ? WHOLE : []), ...chosen])].sort();
}

/** Services whose agents get grants, or must be there before the first run. */
export function agentsOf(whole: boolean, features: Features): string[] {
  return [
    ...(whole ? ["aiplatform"] : []),
    ...(features.customImage ? ["dataproc"] : []),
    ...(features.queue ? ["pubsub"] : []),
  ];
}
