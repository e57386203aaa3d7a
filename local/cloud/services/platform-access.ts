/** Permissions of services, networks, billing, registries, logs, metrics and policies of an organisation. */
import type { AccessTable } from "../access/table";

const ROLES = "https://cloud.google.com/iam/docs/roles-permissions";

export const platformAccess: Readonly<Record<string, AccessTable>> = {
  serviceusage: {
    source: "https://cloud.google.com/service-usage/docs/access-control",
    rows: {
      "serviceusage.services":
        "serviceusage.services: enable disable get list batchEnable=enable batchGet=get generateServiceIdentity=enable",
      // Google asks for none: an operation is found by who knows its name.
      "serviceusage.operations": "serviceusage.operations: get= list= cancel= delete=",
    },
  },
  cloudbilling: {
    source: "https://cloud.google.com/billing/docs/reference/rest",
    rows: {
      "cloudbilling.projects": "resourcemanager.projects: getBillingInfo=get",
      "cloudbilling.billingAccounts": "billing.accounts: get list=",
    },
  },
  billingbudgets: {
    source: "https://cloud.google.com/billing/docs/how-to/budget-api",
    rows: { "billingbudgets.billingAccounts.budgets": "billing.budgets: create get list patch=update delete" },
  },
  compute: {
    source: "https://cloud.google.com/compute/docs/reference/rest/v1 (each method's page)",
    rows: {
      "compute.networks": "compute.networks: insert=create get list patch=update delete addPeering removePeering",
      "compute.subnetworks":
        "compute.subnetworks: insert=create get list patch=update delete expandIpCidrRange setPrivateIpGoogleAccess",
      "compute.firewalls":
        "compute.firewalls: insert=create+compute.networks.updatePolicy get list patch=update update delete=delete+compute.networks.updatePolicy",
      "compute.routers": "compute.routers: insert=create get list patch=update update delete",
      "compute.globalAddresses": "compute.globalAddresses: insert=create get list delete setLabels",
      "compute.globalOperations": "compute.globalOperations: get list wait=get",
      "compute.regionOperations": "compute.regionOperations: get list wait=get",
      "compute.regions": "compute.regions: get list",
      "compute.zones": "compute.zones: get list",
      "compute.projects": "compute.projects: get",
    },
  },
  servicenetworking: {
    source: "https://cloud.google.com/service-infrastructure/docs/service-networking/access-control",
    rows: {
      "servicenetworking.services.connections":
        "servicenetworking.services: create=addPeering list=get patch=addPeering deleteConnection=deleteConnection",
      "servicenetworking.operations": "servicenetworking.operations: get list cancel delete",
    },
  },
  cloudbuild: {
    source: "https://cloud.google.com/build/docs/iam-roles-permissions",
    rows: {
      "cloudbuild.projects.builds": "cloudbuild.builds: create get list",
      "cloudbuild.projects.locations.builds": "cloudbuild.builds: create get list",
      "*.operations": "cloudbuild.builds: get wait=get cancel=update",
    },
  },
  artifactregistry: {
    source: "https://cloud.google.com/artifact-registry/docs/access-control",
    rows: {
      "artifactregistry.projects.locations.repositories.dockerImages": "artifactregistry.dockerimages: get list",
      "artifactregistry.projects.locations.repositories":
        "artifactregistry.repositories: create get list patch=update delete getIamPolicy setIamPolicy testIamPermissions=",
      "*.operations": "artifactregistry.operations: get= list= cancel=artifactregistry.repositories.update",
    },
  },
  logging: {
    source: "https://cloud.google.com/logging/docs/access-control",
    rows: {
      "logging.projects.sinks": "logging.sinks: create get list patch=update update delete",
      "logging.projects.metrics": "logging.logMetrics: create get list update delete",
      "*.operations": "logging.operations: get list cancel=cancel",
      "logging.entries": "logging.logEntries: list write=create",
    },
  },
  monitoring: {
    source: "https://cloud.google.com/monitoring/access-control",
    rows: {
      "monitoring.projects.alertPolicies": "monitoring.alertPolicies: create get list patch=update delete",
      "monitoring.projects.alerts": "monitoring.alerts: get list",
      "monitoring.projects.notificationChannels":
        "monitoring.notificationChannels: create get list patch=update delete",
      "monitoring.projects.dashboards": "monitoring.dashboards: create get list patch=update delete",
      "monitoring.projects.timeSeries": "monitoring.timeSeries: create list",
      "monitoring.operations": "monitoring.operations: get=",
    },
  },
  orgpolicy: {
    source: `${ROLES}/orgpolicy`,
    rows: {
      "orgpolicy.projects.policies": "orgpolicy.policies: create get=orgpolicy.policy.get list patch=update delete",
    },
  },
  secretmanager: {
    source: "https://cloud.google.com/secret-manager/docs/access-control",
    rows: {
      "secretmanager.projects.secrets":
        "secretmanager.secrets: create get list patch=update delete addVersion=secretmanager.versions.add getIamPolicy setIamPolicy testIamPermissions=",
      "secretmanager.projects.secrets.versions": "secretmanager.versions: access destroy disable enable get list",
    },
  },
  pubsub: {
    source: "https://cloud.google.com/pubsub/docs/access-control",
    rows: {
      "pubsub.projects.topics":
        "pubsub.topics: create get list patch=update delete publish getIamPolicy setIamPolicy testIamPermissions=",
      "pubsub.projects.topics.subscriptions": "pubsub.topics: list=get",
      "pubsub.projects.subscriptions":
        "pubsub.subscriptions: create get list patch=update delete modifyPushConfig=update pull=consume acknowledge=consume " +
        "modifyAckDeadline=consume seek=consume detach=update getIamPolicy setIamPolicy testIamPermissions=",
    },
  },
  cloudtasks: {
    source: "https://cloud.google.com/tasks/docs/reference-access-control",
    rows: {
      "cloudtasks.projects.locations.queues":
        "cloudtasks.queues: create get list patch=update delete pause resume purge getIamPolicy setIamPolicy testIamPermissions=",
      "cloudtasks.projects.locations.queues.tasks": "cloudtasks.tasks: create get list delete run buffer=create",
      "*.operations": "cloudtasks.operations: get list cancel delete",
    },
  },
  cloudscheduler: {
    source: "https://cloud.google.com/scheduler/docs/access-control",
    rows: {
      "cloudscheduler.projects.locations.jobs":
        "cloudscheduler.jobs: create get list patch=update delete pause resume=enable run",
      "*.operations": "cloudscheduler.operations: get list cancel delete",
    },
  },
};
