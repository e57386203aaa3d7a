/** The metastore of managed Spark, and who may read and write its metadata. */
import { text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { inLocation, PLACE, policyMember, standard } from "./standard";

const METASTORE = "https://metastore.googleapis.com/v1beta";

function metastoreName(inputs: Inputs): string {
  return `${inLocation(inputs)}/services/${text(inputs.serviceId).split("/").at(-1)}`;
}

const metastore: Descriptor = standard({
  type: "gcp:dataproc/metastoreService:MetastoreService",
  source: "metastore.v1beta projects.locations.services; google_dataproc_metastore_service",
  api: METASTORE,
  shape: {
    ...PLACE,
    serviceId: { type: "string", rest: false, required: true, replaces: true },
    labels: { type: "map" },
    databaseType: { type: "string", default: "MYSQL", replaces: true, allowed: ["MYSQL", "SPANNER"] },
    releaseChannel: { type: "string", default: "STABLE", replaces: true, allowed: ["CANARY", "STABLE"] },
    tier: { type: "string", computed: true },
    port: { type: "integer", computed: true },
    network: { type: "string", computed: true, replaces: true },
    deletionProtection: { type: "boolean", computed: true },
    scalingConfig: {
      type: "object",
      fields: { instanceSize: { type: "string" }, scalingFactor: { type: "number" } },
    },
    hiveMetastoreConfig: {
      type: "object",
      required: true,
      fields: {
        version: { type: "string", required: true, replaces: true },
        endpointProtocol: { type: "string", default: "THRIFT", replaces: true, allowed: ["THRIFT", "GRPC"] },
        configOverrides: { type: "map", computed: true },
      },
    },
  },
  name: metastoreName,
  idParameter: "serviceId",
  outputs: Object.fromEntries(
    ["artifactGcsUri", "createTime", "endpointUri", "name", "state", "stateMessage", "uid", "updateTime"].map(
      (output) => [output, output],
    ),
  ),
  planned: (inputs) => ({ name: metastoreName(inputs) }),
  labelled: true,
  hasDeletionPolicy: true,
  refuseDelete: ({ deletionProtection }) =>
    deletionProtection === true ? "deletionProtection is true. Set it to false and run up first." : undefined,
});

const metastoreMember: Descriptor = policyMember({
  type: "gcp:dataproc/metastoreServiceIamMember:MetastoreServiceIamMember",
  source: "metastore.v1beta services.setIamPolicy; google_dataproc_metastore_service_iam_member",
  shape: { ...PLACE, serviceId: { type: "string", rest: false, required: true, replaces: true } },
  resource: metastoreName,
  url: (inputs) => `${METASTORE}/${metastoreName(inputs)}`,
  read: "GET",
});

export const DATAPROC_METASTORE: readonly Descriptor[] = [metastore, metastoreMember];
