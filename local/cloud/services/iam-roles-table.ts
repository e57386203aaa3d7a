/**
 * Predefined roles: the ones that the lab grants or that its deployer needs, with the permissions on what this cloud
 * serves. Granting any other role is refused as Google refuses a role that does not exist.
 *
 * Source: https://cloud.google.com/iam/docs/roles-permissions (one page per service), compared with what `roles.get` of
 * Google's IAM API answers as of August 2026: no role has a permission here that it has not there. Permissions of services
 * that this cloud has not are left out.
 */
export type Row = [title: string, description: string, permissions: string];

const PROJECT = "resourcemanager.projects get list";
const OBJECT_READ = "storage.folders get list; storage.managedFolders get list; storage.objects get list";
const OBJECT_CHANGE =
  "storage.folders create delete get list rename; storage.managedFolders create delete get list; " +
  "storage.multipartUploads abort create list listParts; storage.objects create delete get list restore update";
const OBJECT_WRITE = `${OBJECT_CHANGE}; storage.objects move`;
const METRICS =
  "monitoring.metricDescriptors create get list; monitoring.monitoredResourceDescriptors get list; monitoring.timeSeries create";
const SERVERLESS =
  "dataproc.batches analyze cancel create delete get list sparkApplicationRead sparkApplicationWrite; " +
  "dataproc.operations cancel delete get list; dataproc.sessionTemplates create delete get list update; " +
  "dataproc.sessions create delete get list sparkApplicationRead sparkApplicationWrite terminate";
const TABLES_READ =
  "bigquery.datasets get getIamPolicy; bigquery.models export getData getMetadata list; bigquery.routines get list; " +
  "bigquery.tables createSnapshot export get getData getIamPolicy list replicateData";
const TABLES_WRITE =
  "bigquery.config get; bigquery.datasets create get getIamPolicy updateTag; " +
  "bigquery.models create delete export getData getMetadata list updateData updateMetadata updateTag; " +
  "bigquery.routines create delete get list update updateTag; " +
  "bigquery.tables create createIndex createSnapshot delete deleteIndex export get getData getIamPolicy list " +
  "replicateData restoreSnapshot update updateData updateIndex updateTag";
const TABLES_OWN = `${TABLES_WRITE}; bigquery.datasets delete setIamPolicy update; bigquery.tables setIamPolicy`;
const BUCKETS =
  "storage.buckets create createTagBinding delete deleteTagBinding enableObjectRetention get getIamPolicy " +
  "getObjectInsights list listEffectiveTags listTagBindings relocate restore setIamPolicy update";
const COMPUTE_READ = "compute.projects get; compute.regions get list; compute.zones get list";
/** Collections of Vertex AI that the lab works with; the role has more. */
const VERTEX = ["artifacts", "contexts", "datasets", "endpoints", "executions", "schedules"]
  .map((collection) => `aiplatform.${collection} create delete get list update`)
  .join("; ");

/** Rows by role: `<resource> <verb> <verb>; …`. */
export const ROWS: Record<string, Row> = {
  "roles/aiplatform.user": [
    "Agent Platform User",
    "Grants access to use all resource in Vertex AI",
    `${VERTEX}; aiplatform.endpoints deploy predict undeploy; aiplatform.customJobs cancel create delete get list; ` +
      `aiplatform.pipelineJobs cancel create delete get list; aiplatform.models delete get list update upload; ` +
      `aiplatform.metadataStores create delete get list; aiplatform.operations list; ${PROJECT}`,
  ],
  "roles/artifactregistry.reader": [
    "Artifact Registry Reader",
    "Access to read repository items.",
    "artifactregistry.dockerimages get list; artifactregistry.files download get list; artifactregistry.packages get list; " +
      "artifactregistry.repositories downloadArtifacts get list readViaVirtualRepository; artifactregistry.tags get list; artifactregistry.versions get list",
  ],
  "roles/bigquery.admin": [
    "BigQuery Admin",
    "Administer all BigQuery resources and data",
    `${TABLES_OWN}; bigquery.jobs create delete get list listAll listExecutionMetadata update; ` +
      `bigquery.connections create delegate delete get getIamPolicy list setIamPolicy update use; ` +
      `bigquery.readsessions create getData update; ${PROJECT}`,
  ],
  "roles/bigquery.dataEditor": [
    "BigQuery Data Editor",
    "Access to edit all the contents of datasets",
    `${TABLES_WRITE}; ${PROJECT}`,
  ],
  "roles/bigquery.dataOwner": [
    "BigQuery Data Owner",
    "Full access to datasets and all of their contents",
    `${TABLES_OWN}; ${PROJECT}`,
  ],
  "roles/bigquery.dataViewer": [
    "BigQuery Data Viewer",
    "Access to view datasets and all of their contents",
    `${TABLES_READ}; ${PROJECT}`,
  ],
  "roles/bigquery.jobUser": [
    "BigQuery Job User",
    "Access to run jobs",
    `bigquery.config get; bigquery.jobs create; ${PROJECT}`,
  ],
  "roles/bigquery.metadataViewer": [
    "BigQuery Metadata Viewer",
    "Access to view table and dataset metadata",
    `bigquery.datasets get getIamPolicy; bigquery.models getMetadata list; bigquery.routines get list; bigquery.tables get getIamPolicy list; ${PROJECT}`,
  ],
  "roles/bigquery.readSessionUser": [
    "BigQuery Read Session User",
    "Access to create and use read sessions",
    `bigquery.readsessions create getData update; ${PROJECT}`,
  ],
  "roles/bigquery.user": [
    "BigQuery User",
    "When applied to a project, access to run queries, create datasets, read dataset metadata, and list tables. When applied to a dataset, access to read dataset metadata and list tables within the dataset.",
    `bigquery.config get; bigquery.datasets create get getIamPolicy; bigquery.jobs create list; bigquery.models list; ` +
      `bigquery.readsessions create getData update; bigquery.routines list; bigquery.tables list; ${PROJECT}`,
  ],
  "roles/dataproc.admin": [
    "Dataproc Administrator",
    "Full control of Dataproc resources.",
    `${SERVERLESS}; ${COMPUTE_READ}; dataproc.clusters create delete get getIamPolicy list setIamPolicy start stop update use; ${PROJECT}`,
  ],
  "roles/dataproc.editor": [
    "Dataproc Editor",
    "Full control of Dataproc resources. Allows viewing all networks.",
    `${SERVERLESS}; ${COMPUTE_READ}; dataproc.clusters create delete get list start stop update use; ${PROJECT}`,
  ],
  "roles/dataproc.serverlessEditor": [
    "Dataproc Serverless Editor",
    "Permissions needed to run serverless sessions and batches as a user",
    `${SERVERLESS}; ${COMPUTE_READ}; ${PROJECT}`,
  ],
  "roles/dataproc.viewer": [
    "Dataproc Viewer",
    "Read-only access to Dataproc resources.",
    `dataproc.batches analyze get list sparkApplicationRead; dataproc.clusters get list; dataproc.operations get list; ` +
      `dataproc.sessionTemplates get list; dataproc.sessions get list sparkApplicationRead; compute.regions get list; compute.zones get list; ${PROJECT}`,
  ],
  "roles/dataproc.worker": [
    "Dataproc Worker",
    "Worker access to Dataproc. Intended for service accounts.",
    `dataproc.agents create delete get list update; dataproc.tasks lease listInvalidatedLeases reportStatus; ` +
      `dataproc.batches sparkApplicationWrite; dataproc.sessions sparkApplicationWrite; ` +
      `logging.logEntries create route; ${METRICS}; storage.buckets get; ${OBJECT_CHANGE}; storage.objects getIamPolicy setIamPolicy`,
  ],
  "roles/iam.roleAdmin": [
    "Role Administrator",
    "Provides access to all custom roles in the project.",
    `iam.roles create delete get list undelete update; resourcemanager.projects get getIamPolicy`,
  ],
  "roles/iam.serviceAccountAdmin": [
    "Service Account Admin",
    "Create and manage service accounts.",
    `iam.serviceAccounts create delete disable enable get getIamPolicy list setIamPolicy undelete update; ${PROJECT}`,
  ],
  "roles/iam.serviceAccountKeyAdmin": [
    "Service Account Key Admin",
    "Create and manage (and rotate) service account keys.",
    `iam.serviceAccountKeys create delete disable enable get list; iam.serviceAccounts get list; ${PROJECT}`,
  ],
  "roles/iam.serviceAccountOpenIdTokenCreator": [
    "Service Account OpenID Connect Identity Token Creator",
    "Create OpenID Connect (OIDC) identity tokens",
    "iam.serviceAccounts getOpenIdToken",
  ],
  "roles/iam.serviceAccountTokenCreator": [
    "Service Account Token Creator",
    "Impersonate service accounts (create OAuth2 access tokens, sign blobs or JWTs, etc).",
    `iam.serviceAccounts get getAccessToken getOpenIdToken implicitDelegation list signBlob signJwt; ${PROJECT}`,
  ],
  "roles/iam.serviceAccountUser": [
    "Service Account User",
    "Run operations as the service account.",
    `iam.serviceAccounts actAs get list; ${PROJECT}`,
  ],
  "roles/iam.workloadIdentityUser": [
    "Workload Identity User",
    "Impersonate service accounts from federated workloads.",
    "iam.serviceAccounts get getAccessToken getOpenIdToken list",
  ],
  "roles/logging.logWriter": ["Logs Writer", "Access to write logs.", "logging.logEntries create route"],
  "roles/monitoring.metricWriter": ["Monitoring Metric Writer", "Write-only access to metrics.", METRICS],
  "roles/resourcemanager.projectIamAdmin": [
    "Project IAM Admin",
    "Access and administer a project IAM policies.",
    "resourcemanager.projects get getIamPolicy setIamPolicy",
  ],
  "roles/run.invoker": [
    "Cloud Run Invoker",
    "Can invoke a Cloud Run service and execute a Cloud Run Job.",
    "run.jobs run; run.routes invoke",
  ],
  "roles/serviceusage.serviceUsageAdmin": [
    "Service Usage Admin",
    "Ability to enable, disable, and inspect service states, inspect operations, and consume quota and billing for a consumer project.",
    "serviceusage.operations get; serviceusage.quotas get update; serviceusage.services disable enable get list use",
  ],
  "roles/serviceusage.serviceUsageConsumer": [
    "Service Usage Consumer",
    "Ability to inspect service states and operations, and consume quota and billing for a consumer project.",
    "serviceusage.operations get; serviceusage.quotas get; serviceusage.services get list use",
  ],
  "roles/storage.admin": [
    "Storage Admin",
    "Grants full control of objects and buckets.",
    `${BUCKETS}; ${OBJECT_WRITE}; storage.objects getIamPolicy setIamPolicy; ${PROJECT}`,
  ],
  "roles/storage.bucketViewer": [
    "Storage Bucket Viewer",
    "Grants permission to view buckets and their metadata, excluding IAM policies.",
    "storage.buckets get list",
  ],
  "roles/storage.legacyBucketOwner": [
    "Storage Legacy Bucket Owner",
    "Read and write access to existing buckets with object listing/creation/deletion.",
    "storage.buckets get getIamPolicy setIamPolicy update; storage.multipartUploads abort create list listParts; storage.objects create delete list restore",
  ],
  "roles/storage.legacyBucketReader": [
    "Storage Legacy Bucket Reader",
    "Grants permission to list a bucket's contents and read bucket metadata, excluding IAM policies. Also grants permission to read object metadata when listing objects (excluding IAM policies).",
    "storage.buckets get; storage.multipartUploads list; storage.objects list",
  ],
  "roles/storage.legacyBucketWriter": [
    "Storage Legacy Bucket Writer",
    "Grants permission to create, replace, and delete objects; list objects in a bucket; read object metadata when listing (excluding IAM policies); and read bucket metadata, excluding IAM policies.",
    "storage.buckets get; storage.multipartUploads abort create list listParts; storage.objects create delete list restore",
  ],
  "roles/storage.legacyObjectOwner": [
    "Storage Legacy Object Owner",
    "Grants permission to view and edit objects and their metadata, including ACLs.",
    "storage.objects get getIamPolicy setIamPolicy update",
  ],
  "roles/storage.legacyObjectReader": [
    "Storage Legacy Object Reader",
    "Grants permission to view objects and their metadata, excluding ACLs.",
    "storage.objects get",
  ],
  "roles/storage.objectAdmin": [
    "Storage Object Admin",
    "Grants full control over objects, including listing, creating, viewing, and deleting objects.",
    `${OBJECT_WRITE}; storage.objects getIamPolicy setIamPolicy; ${PROJECT}`,
  ],
  "roles/storage.objectCreator": [
    "Storage Object Creator",
    "Allows users to create objects. Does not give permission to view, delete, or overwrite objects.",
    `storage.folders create; storage.managedFolders create; storage.multipartUploads abort create listParts; storage.objects create; ${PROJECT}`,
  ],
  "roles/storage.objectUser": [
    "Storage Object User",
    "Access to create, read, update and delete objects and multipart uploads in GCS.",
    `${OBJECT_WRITE}; ${PROJECT}`,
  ],
  "roles/storage.objectViewer": [
    "Storage Object Viewer",
    "Grants access to view objects and their metadata, excluding ACLs. Can also list the objects in a bucket.",
    `${OBJECT_READ}; ${PROJECT}`,
  ],
};
