/** Permissions of IAM, its credentials API and Resource Manager. */
import type { AccessTable } from "../access/table";

export const iamAccess: AccessTable = {
  source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
  rows: {
    "iam.projects.serviceAccounts":
      "iam.serviceAccounts: create get list patch=update update delete undelete enable disable getIamPolicy setIamPolicy testIamPermissions=",
    "iam.projects.serviceAccounts.keys": "iam.serviceAccountKeys: create get list delete enable disable",
    "iam.projects.roles": "iam.roles: create get list patch=update delete undelete",
    // Predefined roles are public.
    "iam.roles": "iam.roles: get= list=",
    // Pools of foreign identities are not made here; their operations are not found.
    "*.operations": "iam.operations: get=",
  },
};

export const iamcredentialsAccess: AccessTable = {
  source: "https://cloud.google.com/iam/docs/reference/credentials/rest",
  rows: {
    // Each delegate of the chain is asked for the permission on the next one.
    "iamcredentials.projects.serviceAccounts":
      "iam.serviceAccounts: generateAccessToken=* generateIdToken=* signBlob=* signJwt=* getAllowedLocations=",
  },
};

export const projectAccess: AccessTable = {
  source: "https://cloud.google.com/resource-manager/docs/access-control-proj",
  rows: {
    "cloudresourcemanager.projects":
      "resourcemanager.projects: get list= getAncestry=get getIamPolicy setIamPolicy testIamPermissions=",
    "cloudresourcemanager.operations": "resourcemanager.projects: get",
  },
};
