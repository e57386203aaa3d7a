/** What can be switched on and off, and the profiles: named sets of those switches. */

export interface FeatureRule {
  /** What it adds, for the reference and for the error texts. */
  adds: string;
  /** Features without which this one has nothing to stand on. */
  needs?: readonly Feature[];
}

const rules = {
  trigger: { adds: "The function that starts the training pipeline, and the schedule that calls it" },
  scoringApi: { adds: "The scoring API on Cloud Run" },
  workbench: { adds: "One Workbench instance; its disks are billed while it is stopped, about $25 a month" },
  nat: { adds: "Router and NAT, for packages that jobs and notebooks fetch from the internet at run time" },
  peering: { adds: "Private services access, so that a pipeline's own steps reach the network by peering" },
  biglake: { adds: "A BigLake connection and the external table of the raw customers, read by that connection alone" },
  historyServer: { adds: "A persistent Spark history server, about $70 a month" },
  metastore: { adds: "A Dataproc Metastore that batches and notebook sessions share, about $250 a month" },
  sparkConnect: { adds: "A session template for Spark Connect, on a runtime of its own" },
  customImage: { adds: "The Spark image of pyspark/image for batches and notebook sessions" },
  vertexSchedule: { adds: "A Vertex AI schedule of the training pipeline, created paused" },
  notebookSchedule: { adds: "A Cloud Scheduler job that executes a lesson as a batch each week, created paused" },
  queue: {
    adds: "A topic with dead letters and a task queue, each of which starts the training pipeline",
    needs: ["trigger"],
  },
  composer: { adds: "A Composer 3 environment with the lab's DAGs, about $350 a month" },
  orgPolicies: { adds: "Organization policies of the project; needs an organization and its policy administrator" },
  budget: { adds: "A budget with alerts; needs sparklab:billingAccount" },
} as const satisfies Record<string, { adds: string; needs?: readonly string[] }>;

export type Feature = keyof typeof rules;
export type Features = Readonly<Record<Feature, boolean>>;
export const FEATURES: Readonly<Record<Feature, FeatureRule>> = rules;
export const FEATURE_NAMES = Object.keys(rules) as Feature[];

/** On in every profile but `batches`: the lab itself, not an option of it. */
const PARTS: readonly Feature[] = ["trigger", "scoringApi", "workbench"];
/** Not possible with the rights on a project alone. */
const APART: readonly Feature[] = ["orgPolicies", "budget"];

export interface ProfileRule {
  description: string;
  features: readonly Feature[];
}

export const PROFILES = {
  batches: {
    description: "Only what Spark batches and notebook sessions need: data, identities, runtime",
    features: [],
  },
  minimal: { description: "The whole lab, no option", features: PARTS },
  workshop: {
    description: "With Composer and the queue, for the guided lab",
    features: [...PARTS, "composer", "queue"],
  },
  full: {
    description: "Everything that the rights on a project alone allow",
    features: FEATURE_NAMES.filter((feature) => !APART.includes(feature)),
  },
} as const satisfies Record<string, ProfileRule>;
export type Profile = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as [Profile, ...Profile[]];

/** The profile's features with the stack's own switches over them. */
export function featuresOf(profile: Profile, switches: Partial<Record<Feature, boolean>>): Features {
  const on: readonly Feature[] = PROFILES[profile].features;
  return Object.fromEntries(FEATURE_NAMES.map((name) => [name, switches[name] ?? on.includes(name)])) as Record<
    Feature,
    boolean
  >;
}
