/** What the loopback cloud keeps and answers for, without the work that Google Cloud does behind it. */

/** Resource type to what does not happen here. A type that is not listed has its work behind it. */
export const RECORDED_ONLY: Readonly<Record<string, string>> = {
  "gcp:workbench/instance:Instance": "no virtual machine runs; npx sparklab notebook opens the same notebooks here",
  "gcp:dataproc/metastoreService:MetastoreService": "no Hive metastore listens; batches use Spark's own catalogue",
  "gcp:artifactregistry/repository:Repository":
    "no image can be pushed to it from outside; npx sparklab image build fills it",
  "gcp:compute/network:Network": "addresses and rules are checked, packets never cross it",
  "gcp:compute/routerNat:RouterNat": "packages come by the machine's own network",
  "gcp:logging/projectSink:ProjectSink": "no log entry is routed",
  "gcp:monitoring/alertPolicy:AlertPolicy": "no condition is evaluated",
  "gcp:monitoring/notificationChannel:NotificationChannel": "nothing is sent",
  "gcp:monitoring/dashboard:Dashboard": "kept, not drawn",
  "gcp:billing/budget:Budget": "nothing costs anything here",
  "gcp:orgpolicy/policy:Policy": "of the constraints only iam.disableServiceAccountKeyCreation is enforced",
};

/** The deployed types among them, each with what is missing. */
export function recordedOnly(types: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(RECORDED_ONLY).filter(([type]) => types.includes(type)));
}
