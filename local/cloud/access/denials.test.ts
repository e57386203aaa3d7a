/** Refusals in Google's words: the form differs between services, and clients show or read it. */
import { expect, test } from "@jest/globals";
import { toServiceError } from "../grpc/status";
import { commonProtos } from "../grpc/status";
import type { Principal } from "../service";
import { denied } from "./denials";

const principal: Principal = { kind: "serviceAccount", email: "a@p.iam.gserviceaccount.com", via: "metadataServer" };
const ask = (permission: string, resource: string, method = permission) =>
  denied({ principal, permission, resource, method });

const BIGQUERY = "//bigquery.googleapis.com/projects/p";
const TABLE = `${BIGQUERY}/datasets/d/tables/t`;
const BATCHES = "//dataproc.googleapis.com/projects/p/locations/us-central1";

test.each([
  [
    "dataproc.batches.create",
    BATCHES,
    `Permission 'dataproc.batches.create' denied on resource '${BATCHES}' (or it may not exist).`,
  ],
  [
    "iam.serviceAccounts.get",
    "//iam.googleapis.com/projects/p/serviceAccounts/x",
    "Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist).",
  ],
  [
    "pubsub.topics.publish",
    "//pubsub.googleapis.com/projects/p/topics/t",
    "User not authorized to perform this action.",
  ],
  [
    "compute.networks.get",
    "//compute.googleapis.com/projects/p/global/networks/n",
    "Required 'compute.networks.get' permission for 'projects/p/global/networks/n'",
  ],
  [
    "storage.buckets.create",
    "//cloudresourcemanager.googleapis.com/projects/p",
    "a@p.iam.gserviceaccount.com does not have storage.buckets.create access to the Google Cloud project. Permission 'storage.buckets.create' denied on resource (or it may not exist).",
  ],
  [
    "bigquery.jobs.create",
    BIGQUERY,
    "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
  ],
  [
    "bigquery.tables.get",
    TABLE,
    "Access Denied: Table p:d.t: Permission bigquery.tables.get denied on table p:d.t (or it may not exist).",
  ],
  [
    "bigquery.datasets.update",
    `${BIGQUERY}/datasets/d`,
    "Access Denied: Dataset p:d: Permission bigquery.datasets.update denied on dataset p:d (or it may not exist).",
  ],
])("%s is refused on %s in its service's words", (permission, resource, message) => {
  expect(ask(permission, resource).message).toBe(message);
});

test("a query is told of the table, a read session and a writer each in their own way", () => {
  expect(ask("bigquery.tables.getData", TABLE, "bigquery.jobs.insert").message).toBe(
    "Access Denied: Table p:d.t: User does not have permission to query table p:d.t, or perhaps it does not exist.",
  );
  expect(ask("bigquery.readsessions.create", BIGQUERY, "bigquerystorage.CreateReadSession").message).toBe(
    "request failed: the user does not have 'bigquery.readsessions.create' permission for 'projects/p'",
  );
  expect(ask("bigquery.tables.updateData", TABLE, "bigquerystorage.AppendRows").message).toBe(
    "Permission 'TABLES_UPDATE_DATA' denied on resource 'projects/p/datasets/d/tables/t' (or it may not exist).",
  );
});

test("REST: most services name permission and resource in the details", () => {
  expect(ask("dataproc.batches.create", BATCHES).body()).toEqual({
    error: {
      ...{ code: 403, status: "PERMISSION_DENIED", message: expect.stringContaining("dataproc.batches.create") },
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          ...{ reason: "IAM_PERMISSION_DENIED", domain: "dataproc.googleapis.com" },
          metadata: { permission: "dataproc.batches.create", resource: "projects/p/locations/us-central1" },
        },
      ],
    },
  });
});

test.each([
  ["storage.objects.get", "//storage.googleapis.com/projects/_/buckets/b", "forbidden"],
  ["compute.networks.get", "//compute.googleapis.com/projects/p/global/networks/n", "forbidden"],
  ["bigquery.tables.get", TABLE, "accessDenied"],
])("REST: the older services give %s a reason in `errors` and no details", (permission, resource, reason) => {
  const { error } = ask(permission, resource).body() as { error: Record<string, unknown> };
  expect(error).toMatchObject({ code: 403, errors: [{ domain: "global", reason }] });
  expect(error.details).toBeUndefined();
});

test("gRPC: the same message and details, as a status", () => {
  const refused = toServiceError(ask("dataproc.batches.create", BATCHES), () => {});
  expect(refused).toMatchObject({ code: 7, details: expect.stringContaining("'dataproc.batches.create' denied") });
  const protos = commonProtos("status");
  const [bytes] = refused.metadata!.get("grpc-status-details-bin");
  const status = protos.lookupType("google.rpc.Status").decode(bytes as Buffer) as unknown as {
    details: { type_url: string; value: Uint8Array }[];
  };
  expect(status.details[0]!.type_url).toBe("type.googleapis.com/google.rpc.ErrorInfo");
  expect(protos.lookupType("google.rpc.ErrorInfo").decode(status.details[0]!.value).toJSON()).toEqual({
    ...{ reason: "IAM_PERMISSION_DENIED", domain: "dataproc.googleapis.com" },
    metadata: { permission: "dataproc.batches.create", resource: "projects/p/locations/us-central1" },
  });
});
