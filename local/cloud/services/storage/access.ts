/** Permissions of the storage methods. */
import type { AccessTable } from "../../access/table";

export const storageAccess: AccessTable = {
  source: "https://cloud.google.com/storage/docs/access-control/iam-json",
  rows: {
    "storage.buckets":
      "storage.buckets: insert=create get list patch=update update delete restore lockRetentionPolicy=update " +
      "getIamPolicy setIamPolicy testIamPermissions= getStorageLayout=storage.objects.list",
    // What is replaced is deleted: an object of that name asks for `delete` too (guard.ts).
    "storage.objects":
      "storage.objects: insert=create get list patch=get+update update delete restore copy=get+create " +
      "rewrite=get+create move=move+create compose=get+create",
    "storage.anywhereCaches": "storage.anywhereCaches: list",
    "storage.managedFolders": "storage.managedFolders: list",
    "storage.notifications": "storage.buckets: list=get",
    "storage.buckets.operations": "storage.bucketOperations: get list cancel",
    // Google lists no permission of IAM for it other than being in the project.
    "storage.projects.serviceAccount": "resourcemanager.projects: get",
  },
};
