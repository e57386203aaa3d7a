/**
 * Predefined roles on networks, messages, schedules, secrets, registries, logs and metrics.
 * Source: https://cloud.google.com/iam/docs/roles-permissions (one page per service), as of 2026.
 */
import type { Row } from "./iam-roles-table";

const PROJECT = "resourcemanager.projects get list";
const TOPICS = "pubsub.topics attachSubscription create delete detachSubscription get list publish update updateTag";
const SUBSCRIPTIONS = "pubsub.subscriptions consume create delete get list update";
const NETWORKS =
  "compute.addresses create delete get list use; compute.globalAddresses create createInternal delete deleteInternal get list setLabels use; " +
  "compute.firewalls get list; compute.networks addPeering create delete get list removePeering update updatePolicy use; " +
  "compute.routers create delete get list update use; compute.subnetworks create delete expandIpCidrRange get getIamPolicy list setIamPolicy setPrivateIpGoogleAccess update use useExternalIp; " +
  "compute.globalOperations get list; compute.regionOperations get list; compute.regions get list; compute.zones get list; compute.projects get";
const REPOSITORY_READ =
  "artifactregistry.dockerimages get list; artifactregistry.files download get list; artifactregistry.packages get list; " +
  "artifactregistry.repositories downloadArtifacts get list readViaVirtualRepository; artifactregistry.tags get list; artifactregistry.versions get list";
const REPOSITORY_WRITE = `${REPOSITORY_READ}; artifactregistry.files update upload; artifactregistry.repositories uploadArtifacts; artifactregistry.tags create update`;

/** Rows by role: `<resource> <verb> <verb>; …`. */
export const PLATFORM_ROWS: Record<string, Row> = {
  "roles/artifactregistry.writer": [
    "Artifact Registry Writer",
    "Access to read and write repository items.",
    REPOSITORY_WRITE,
  ],
  "roles/artifactregistry.repoAdmin": [
    "Artifact Registry Repository Administrator",
    "Access to manage artifacts in repositories.",
    `${REPOSITORY_WRITE}; artifactregistry.files delete; artifactregistry.packages delete; artifactregistry.repositories deleteArtifacts; artifactregistry.tags delete; artifactregistry.versions delete`,
  ],
  "roles/artifactregistry.admin": [
    "Artifact Registry Administrator",
    "Administrator access to create and manage repositories.",
    `${REPOSITORY_WRITE}; artifactregistry.repositories create delete deleteArtifacts getIamPolicy setIamPolicy update; artifactregistry.tags delete; artifactregistry.versions delete; artifactregistry.packages delete`,
  ],
  "roles/cloudbuild.builds.editor": [
    "Cloud Build Editor",
    "Can create and cancel builds.",
    `cloudbuild.builds create get list update; cloudbuild.operations get list; remotebuildexecution.blobs get; ${PROJECT}`,
  ],
  "roles/cloudscheduler.admin": [
    "Cloud Scheduler Admin",
    "Full access to jobs and executions.",
    `cloudscheduler.jobs create delete enable fullView get list pause run update; cloudscheduler.locations get list; ${PROJECT}`,
  ],
  "roles/cloudscheduler.jobRunner": [
    "Cloud Scheduler Job Runner",
    "Access to run jobs.",
    `cloudscheduler.jobs fullView run; ${PROJECT}`,
  ],
  "roles/cloudscheduler.viewer": [
    "Cloud Scheduler Viewer",
    "Get and list access to jobs, executions, and locations.",
    `cloudscheduler.jobs fullView get list; cloudscheduler.locations get list; ${PROJECT}`,
  ],
  "roles/cloudtasks.admin": [
    "Cloud Tasks Admin",
    "Full access to queues and tasks.",
    `cloudtasks.queues create delete get getIamPolicy list pause purge resume setIamPolicy update; cloudtasks.tasks create delete fullView get list run; ${PROJECT}`,
  ],
  "roles/cloudtasks.enqueuer": [
    "Cloud Tasks Enqueuer",
    "Access to create tasks.",
    `cloudtasks.tasks create fullView; ${PROJECT}`,
  ],
  "roles/cloudtasks.viewer": [
    "Cloud Tasks Viewer",
    "Get and list access to tasks, queues, and locations.",
    `cloudtasks.queues get list; cloudtasks.tasks fullView get list; ${PROJECT}`,
  ],
  "roles/compute.networkAdmin": [
    "Compute Network Admin",
    "Full control of Compute Engine networking resources.",
    `${NETWORKS}; servicenetworking.services addPeering get; ${PROJECT}`,
  ],
  "roles/compute.networkUser": [
    "Compute Network User",
    "Access to use Compute Engine networking resources.",
    `compute.networks get list use; compute.subnetworks get list use useExternalIp; compute.regions get list; compute.zones get list; compute.projects get; ${PROJECT}`,
  ],
  "roles/compute.networkViewer": [
    "Compute Network Viewer",
    "Read-only access to Compute Engine networking resources.",
    `compute.addresses get list; compute.firewalls get list; compute.globalAddresses get list; compute.networks get list; compute.routers get list; compute.subnetworks get list; compute.regions get list; compute.zones get list; compute.projects get; ${PROJECT}`,
  ],
  "roles/logging.admin": [
    "Logging Admin",
    "Access to all logging permissions, and dependent permissions.",
    `logging.logEntries create download list route; logging.logMetrics create delete get list update; logging.logs delete list; logging.sinks create delete get list update; ${PROJECT}`,
  ],
  "roles/logging.configWriter": [
    "Logs Configuration Writer",
    "Access to configure log exporting and metrics.",
    `logging.logMetrics create delete get list update; logging.sinks create delete get list update; ${PROJECT}`,
  ],
  "roles/logging.viewer": [
    "Logs Viewer",
    "Access to view logs.",
    `logging.logEntries list; logging.logMetrics get list; logging.logs list; logging.sinks get list; resourcemanager.projects get`,
  ],
  "roles/monitoring.editor": [
    "Monitoring Editor",
    "Full access to information about all monitoring data and configurations.",
    `monitoring.alertPolicies create delete get list update; monitoring.alerts get list; monitoring.dashboards create delete get list update; monitoring.notificationChannels create delete get list sendVerificationCode update verify; monitoring.timeSeries create list; ${PROJECT}`,
  ],
  "roles/monitoring.viewer": [
    "Monitoring Viewer",
    "Read-only access to get and list information about all monitoring data and configurations.",
    `monitoring.alertPolicies get list; monitoring.alerts get list; monitoring.dashboards get list; monitoring.notificationChannels get list; monitoring.timeSeries list; ${PROJECT}`,
  ],
  "roles/pubsub.admin": [
    "Pub/Sub Admin",
    "Full access to topics, subscriptions, and snapshots.",
    `${TOPICS}; ${SUBSCRIPTIONS}; pubsub.topics getIamPolicy setIamPolicy; pubsub.subscriptions getIamPolicy setIamPolicy; resourcemanager.projects get`,
  ],
  "roles/pubsub.editor": [
    "Pub/Sub Editor",
    "Modify topics and subscriptions, publish and consume messages.",
    `${TOPICS}; ${SUBSCRIPTIONS}; resourcemanager.projects get`,
  ],
  "roles/pubsub.publisher": ["Pub/Sub Publisher", "Publish messages to a topic.", "pubsub.topics publish"],
  "roles/pubsub.subscriber": [
    "Pub/Sub Subscriber",
    "Consume messages from a subscription and attach subscriptions to a topic.",
    "pubsub.snapshots seek; pubsub.subscriptions consume; pubsub.topics attachSubscription",
  ],
  "roles/pubsub.viewer": [
    "Pub/Sub Viewer",
    "View topics and subscriptions.",
    `pubsub.topics get list; pubsub.subscriptions get list; resourcemanager.projects get`,
  ],
  "roles/secretmanager.admin": [
    "Secret Manager Admin",
    "Full access to administer Secret Manager resources.",
    `secretmanager.secrets create delete get getIamPolicy list setIamPolicy update; secretmanager.versions access add destroy disable enable get list; ${PROJECT}`,
  ],
  "roles/secretmanager.secretAccessor": [
    "Secret Manager Secret Accessor",
    "Allows accessing the payload of secrets.",
    `secretmanager.versions access; ${PROJECT}`,
  ],
  "roles/secretmanager.viewer": [
    "Secret Manager Viewer",
    "Allows viewing metadata of all Secret Manager resources",
    `secretmanager.secrets get getIamPolicy list; secretmanager.versions get list; ${PROJECT}`,
  ],
};
