/**
 * Roles that Google gives its service agents in every project that uses their service, with the permissions on what this
 * cloud's services do as them. Source: https://cloud.google.com/iam/docs/service-agents
 */
import type { Binding } from "../cloud";
import type { Row } from "./iam-roles-table";

const OBJECTS = "storage.objects create delete get list update";
const BUCKETS = "storage.buckets create get list update";

export const AGENT_ROWS: Record<string, Row> = {
  "roles/cloudfunctions.serviceAgent": [
    "Cloud Functions Service Agent",
    "Gives Cloud Functions service account access to managed resources.",
    `storage.buckets create get update; storage.objects create delete get list; run.services create delete get update; iam.serviceAccounts actAs getAccessToken getOpenIdToken`,
  ],
  "roles/composer.serviceAgent": [
    "Cloud Composer API Service Agent",
    "Cloud Composer API service agent can manage environments.",
    `${BUCKETS}; ${OBJECTS}`,
  ],
  "roles/dataproc.serviceAgent": [
    "Dataproc Service Agent",
    "Gives Dataproc Service Account access to service accounts, compute resources, storage resources, and kubernetes resources.",
    `${BUCKETS}; ${OBJECTS}; iam.serviceAccounts getAccessToken; metastore.services get`,
  ],
  "roles/storage.serviceAgent": [
    "Cloud Storage Service Agent",
    "What storage looks up on its own account.",
    "storage.buckets get; storage.objects get",
  ],
};

const AGENTS: Readonly<Record<string, string>> = {
  "gcf-admin-robot": "roles/cloudfunctions.serviceAgent",
  "cloudcomposer-accounts": "roles/composer.serviceAgent",
  "dataproc-accounts": "roles/dataproc.serviceAgent",
  "gs-project-accounts": "roles/storage.serviceAgent",
};

export const agentBindings = (projectNumber: string): Binding[] =>
  Object.entries(AGENTS).map(([domain, role]) => ({
    role,
    members: [`serviceAccount:service-${projectNumber}@${domain}.iam.gserviceaccount.com`],
  }));
