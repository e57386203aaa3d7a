/** Service agents: the accounts that Google makes for a service in a project. Source: https://cloud.google.com/iam/docs/service-agents */

/** Domain of the agent by service, without `.iam.gserviceaccount.com`. */
const DOMAINS: Readonly<Record<string, string>> = {
  aiplatform: "gcp-sa-aiplatform",
  artifactregistry: "gcp-sa-artifactregistry",
  cloudbuild: "gcp-sa-cloudbuild",
  cloudfunctions: "gcf-admin-robot",
  cloudscheduler: "gcp-sa-cloudscheduler",
  cloudtasks: "gcp-sa-cloudtasks",
  composer: "cloudcomposer-accounts",
  compute: "compute-system",
  dataform: "gcp-sa-dataform",
  dataproc: "dataproc-accounts",
  eventarc: "gcp-sa-eventarc",
  logging: "gcp-sa-logging",
  metastore: "gcp-sa-metastore",
  monitoring: "gcp-sa-monitoring-notification",
  notebooks: "gcp-sa-notebooks",
  pubsub: "gcp-sa-pubsub",
  run: "serverless-robot-prod",
  secretmanager: "gcp-sa-secretmanager",
  servicenetworking: "service-networking",
  storage: "gs-project-accounts",
};

/** Email of a service's agent; undefined for services without one. */
export function agentEmail(service: string, projectNumber: string): string | undefined {
  const domain = DOMAINS[service.replace(/\.googleapis\.com$/, "")];
  return domain && `service-${projectNumber}@${domain}.iam.gserviceaccount.com`;
}
