/** What a profile declares, as a document that a person reviews as a diff. */
import { stringify } from "yaml";
import * as pulumi from "@pulumi/pulumi";
import type { Recording } from "../components/record";
import { parseConfig, type LabConfig } from "./config";
import type { Profile } from "./config/features";

/** Inputs worth a reviewer's eye, by type: identity, security, retention, limits. Grants of every kind show alike. */
const SHOWN: Record<string, readonly string[]> = {
  "projects/service:Service": ["service", "disableOnDestroy"],
  "projects/serviceIdentity:ServiceIdentity": ["service"],
  "serviceaccount/account:Account": ["accountId"],
  "projects/iAMCustomRole:IAMCustomRole": ["roleId", "permissions"],
  "compute/network:Network": ["name", "autoCreateSubnetworks"],
  "compute/subnetwork:Subnetwork": ["name", "ipCidrRange", "privateIpGoogleAccess"],
  "compute/firewall:Firewall": ["name", "direction", "sourceRanges", "destinationRanges", "allows"],
  "compute/router:Router": ["name"],
  "compute/routerNat:RouterNat": ["name", "natIpAllocateOption", "sourceSubnetworkIpRangesToNat"],
  "compute/globalAddress:GlobalAddress": ["name", "purpose", "address", "prefixLength"],
  "servicenetworking/connection:Connection": ["service", "reservedPeeringRanges"],
  "orgpolicy/policy:Policy": ["name", "spec"],
  "storage/bucket:Bucket": [
    "name",
    "location",
    "uniformBucketLevelAccess",
    "publicAccessPrevention",
    "forceDestroy",
    "softDeletePolicy",
    "lifecycleRules",
  ],
  "storage/bucketObject:BucketObject": ["bucket", "name", "contentType"],
  "bigquery/dataset:Dataset": ["datasetId", "location", "deleteContentsOnDestroy", "defaultPartitionExpirationMs"],
  "bigquery/table:Table": ["datasetId", "tableId", "deletionProtection", "externalDataConfiguration"],
  "bigquery/connection:Connection": ["connectionId", "spark", "cloudResource"],
  "bigquery/routine:Routine": ["datasetId", "routineId", "arguments", "sparkOptions"],
  "artifactregistry/repository:Repository": ["repositoryId", "format", "cleanupPolicies"],
  "dataproc/sessionTemplate:SessionTemplate": [
    "name",
    "location",
    "runtimeConfig",
    "jupyterSession",
    "sparkConnectSession",
    "environmentConfig",
  ],
  "dataproc/cluster:Cluster": ["name", "clusterConfig"],
  "dataproc/metastoreService:MetastoreService": [
    "serviceId",
    "databaseType",
    "hiveMetastoreConfig",
    "scalingConfig",
    "deletionProtection",
  ],
  "vertex/aiEndpoint:AiEndpoint": ["name", "displayName"],
  "colab/schedule:Schedule": ["displayName", "cron", "desiredState", "maxConcurrentRunCount"],
  "cloudrunv2/service:Service": ["name", "ingress", "deletionProtection", "template"],
  "cloudfunctionsv2/function:Function": ["name", "buildConfig", "serviceConfig"],
  "cloudscheduler/job:Job": ["name", "schedule", "timeZone", "paused", "attemptDeadline", "retryConfig", "httpTarget"],
  "pubsub/topic:Topic": ["name"],
  "pubsub/subscription:Subscription": [
    "name",
    "topic",
    "expirationPolicy",
    "pushConfig",
    "deadLetterPolicy",
    "retryPolicy",
  ],
  "cloudtasks/queue:Queue": ["name", "rateLimits", "retryConfig"],
  "composer/environment:Environment": ["name", "storageConfig", "config"],
  "workbench/instance:Instance": ["name", "location", "gceSetup"],
  "logging/projectSink:ProjectSink": ["name", "destination", "filter"],
  "monitoring/notificationChannel:NotificationChannel": ["type", "labels"],
  "monitoring/alertPolicy:AlertPolicy": ["displayName", "conditions", "alertStrategy"],
  "monitoring/dashboard:Dashboard": ["dashboardJson"],
  "billing/budget:Budget": ["billingAccount", "amount", "budgetFilter", "thresholdRules"],
};
/** Of a grant: on what, which role, to whom. */
const GRANT = [
  "bucket",
  "datasetId",
  "serviceAccountId",
  "repository",
  "serviceId",
  "topic",
  "subscription",
  "name",
  "role",
  "member",
];

/** The configuration that a profile's inventory is made with. */
export function profileConfig(profile: Profile, more: Record<string, unknown> = {}): LabConfig {
  const raw = {
    project: "sparklab-test",
    region: "us-central1",
    environment: profile,
    profile,
    operators: ["user:operator@example.com"],
    attendees: ["group:attendees@example.com"],
    alertEmail: "operator@example.com",
    ...more,
  };
  return parseConfig(raw, () => true);
}

/** Counts by type, then every resource with the inputs that matter, sorted, as YAML. */
export function inventory(recording: Recording): string {
  const managed = recording.resources.filter(({ type }) => type.startsWith("gcp:"));
  const counts: Record<string, number> = {};
  for (const { type } of managed) counts[type] = (counts[type] ?? 0) + 1;
  const resources = managed
    .map(({ type, name, inputs }) => ({ key: unhashed(`${type} ${name}`), value: shown(type, inputs) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return stringify(
    {
      total: managed.length,
      counts: Object.fromEntries(Object.entries(counts).sort()),
      resources: Object.fromEntries(resources.map(({ key, value }) => [key, value])),
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function shown(type: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const keys = /IamMember$/i.test(type) ? GRANT : SHOWN[type.replace(/^gcp:/, "")];
  if (!keys) throw new Error(`stacks/inventory.ts: type ${type} has no list of inputs to show; add one to SHOWN`);
  return Object.fromEntries(keys.filter((key) => inputs[key] !== undefined).map((key) => [key, plain(inputs[key])]));
}

/** Archives and images are named by the hash of their content, which is not what a reviewer looks at here. */
function unhashed(text: string): string {
  return text.replace(/-[0-9a-f]{12}(?=\.zip)/g, "-<hash>").replace(/:[0-9a-f]{12}(?=$|")/g, ":<hash>");
}

/** What a schedule sends is base64 to the API and text to a reviewer. */
const decoded = (body: unknown): string => Buffer.from(String(body), "base64").toString("utf8");

/** Assets and archives are shown by what they are, not by their content. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return unhashed(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const text = (key: string, item: unknown) => (key === "body" ? decoded(item) : item);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(text(key, item))]));
  }
  return pulumi.asset.Asset.isInstance(value) || pulumi.asset.Archive.isInstance(value)
    ? value.constructor.name
    : value;
}
