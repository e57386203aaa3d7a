/** Labels say whose cost and whose leftover a resource is. */
import { at, type Rule } from "../rule";

const WANTED = ["lab", "environment"];
/** Types whose labels are under this name; others of the lab carry none. */
const LABELLED: Readonly<Record<string, string>> = {
  "gcp:storage/bucket:Bucket": "labels",
  "gcp:bigquery/dataset:Dataset": "labels",
  "gcp:bigquery/table:Table": "labels",
  "gcp:dataproc/cluster:Cluster": "labels",
  "gcp:dataproc/metastoreService:MetastoreService": "labels",
  "gcp:dataproc/sessionTemplate:SessionTemplate": "labels",
  "gcp:artifactregistry/repository:Repository": "labels",
  "gcp:cloudfunctionsv2/function:Function": "labels",
  "gcp:cloudrunv2/service:Service": "labels",
  "gcp:composer/environment:Environment": "labels",
  "gcp:pubsub/topic:Topic": "labels",
  "gcp:pubsub/subscription:Subscription": "labels",
  "gcp:vertex/aiEndpoint:AiEndpoint": "labels",
  "gcp:workbench/instance:Instance": "labels",
  "gcp:monitoring/alertPolicy:AlertPolicy": "userLabels",
  "gcp:monitoring/notificationChannel:NotificationChannel": "userLabels",
};

export const labLabels: Rule = {
  name: "lab-labels",
  description: "Whatever can carry labels says its lab and environment.",
  check: ({ type, props }) => {
    const path = LABELLED[type];
    return path
      ? WANTED.filter((label) => !at(props, `${path}.${label}`)).map(
          (label) => `${path}: got no label ${label}; expected one`,
        )
      : [];
  },
};
