/** Permissions of the Dataproc methods. */
import type { AccessTable } from "../../access/table";

export const dataprocAccess: AccessTable = {
  source:
    "https://cloud.google.com/dataproc-serverless/docs/concepts/iam, https://cloud.google.com/dataproc/docs/concepts/iam/iam",
  rows: {
    "dataproc.projects.locations.batches": "dataproc.batches: create get list delete",
    "dataproc.projects.locations.sessionTemplates": "dataproc.sessionTemplates: create get list patch=update delete",
    "dataproc.projects.locations.sessions": "dataproc.sessions: create get list delete terminate",
    "dataproc.projects.regions.clusters":
      "dataproc.clusters: create get list patch=update delete start stop getIamPolicy setIamPolicy testIamPermissions=",
    "*.operations": "dataproc.operations: get list delete cancel=cancel+dataproc.batches.cancel",
  },
};
