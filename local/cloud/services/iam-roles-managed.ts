/** Predefined roles of the managed services: connections, Airflow, metastore, notebooks. Source: as in iam-roles-table.ts. */
import type { Row } from "./iam-roles-table";

const METADATA_READ = "metastore.databases get list; metastore.tables get list; metastore.services get use";

export const MANAGED_ROWS: Record<string, Row> = {
  "roles/bigquery.connectionUser": [
    "BigQuery Connection User",
    "When applied to a connection, access to use it",
    "bigquery.connections get getIamPolicy list use",
  ],
  "roles/composer.worker": [
    "Composer Worker",
    "Worker to run the environment's own workloads; meant for its service account",
    "artifactregistry.repositories downloadArtifacts get list uploadArtifacts; cloudbuild.builds create get list update; " +
      "composer.environments get; logging.logEntries create list route; " +
      "monitoring.metricDescriptors create get list; monitoring.monitoredResourceDescriptors get list; " +
      "monitoring.timeSeries create list; pubsub.subscriptions consume create delete get list update; " +
      "pubsub.topics attachSubscription create delete get list publish update; " +
      "storage.buckets get list; storage.folders create delete get list rename; " +
      "storage.managedFolders create delete get list; " +
      "storage.multipartUploads abort create list listParts; " +
      "storage.objects create delete get getIamPolicy list move restore setIamPolicy update; " +
      "resourcemanager.projects get list; serviceusage.quotas get; serviceusage.services get list",
  ],
  "roles/metastore.metadataEditor": [
    "Dataproc Metastore Metadata Editor",
    "Access to read and modify the metadata of databases and tables",
    `${METADATA_READ}; metastore.databases create update; metastore.tables create update`,
  ],
  "roles/metastore.metadataViewer": [
    "Dataproc Metastore Metadata Viewer",
    "Access to read the metadata of databases and tables",
    METADATA_READ,
  ],
  "roles/notebooks.viewer": [
    "Notebooks Viewer",
    "Access to view notebook instances",
    "notebooks.instances checkUpgradability get getHealth getIamPolicy list; notebooks.locations get list; " +
      "notebooks.operations get list; resourcemanager.projects get list",
  ],
};
