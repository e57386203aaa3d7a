/** The tables of permissions by the first part of the method's id. */
import { readTable, type AccessRule, type AccessTable, type Guard } from "../access/table";
import { vertexAccess } from "./aiplatform/access";
import { bigqueryAccess, connectionAccess } from "./bigquery/access";
import { bigqueryGuard } from "./bigquery/guard";
import { dataprocAccess } from "./dataproc/access";
import { iamAccess, iamcredentialsAccess, projectAccess } from "./iam-access";
import { managedAccess } from "./managed-access";
import { platformAccess } from "./platform-access";
import { storageAccess } from "./storage/access";
import { storageGuard } from "./storage/guard";

export const ACCESS: Readonly<Record<string, AccessTable>> = {
  ...platformAccess,
  ...managedAccess,
  aiplatform: vertexAccess,
  bigquery: bigqueryAccess,
  bigqueryconnection: connectionAccess,
  cloudresourcemanager: projectAccess,
  dataproc: dataprocAccess,
  iam: iamAccess,
  iamcredentials: iamcredentialsAccess,
  storage: storageAccess,
};

const readers = new Map(Object.entries(ACCESS).map(([api, table]) => [api, readTable(table)]));

/** What a method asks for; undefined if no table has it, which the completeness test finds. */
export const accessOf = (methodId: string): AccessRule | undefined =>
  readers.get(methodId.slice(0, methodId.indexOf(".")))?.(methodId);

const GUARDS: Readonly<Record<string, Guard>> = { storage: storageGuard, bigquery: bigqueryGuard };

export const guardOf = (methodId: string): Guard | undefined => GUARDS[methodId.slice(0, methodId.indexOf("."))];
