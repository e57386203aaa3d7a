/** Dataproc Metastore (metastore.v1beta and v1): services of the second generation; no metastore runs behind them. */
import { createHash, randomUUID } from "node:crypto";
import { badRequest } from "../contract/validate";
import { ApiError } from "../errors";
import { isObject, textOf } from "../json";
import type { Hook, JsonObject, ResourceType, ServerSetContext, Service } from "../service";

/** Versions that can still be made. Source: https://cloud.google.com/dataproc-metastore/docs/version-policy */
const HIVE = ["2.3.6", "3.1.2"];

const service: ResourceType = {
  collection: "metastore.projects.locations.services",
  schema: "Service",
  listField: "services",
  name: "projects/{project}/locations/{location}/services/{id}",
  id: { query: "serviceId" },
  idPattern: /^[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
  required: ["hiveMetastoreConfig.version"],
  immutable: [
    ...["databaseType", "hiveMetastoreConfig.version", "hiveMetastoreConfig.endpointProtocol", "releaseChannel"],
    ...["network", "encryptionConfig"],
  ],
  defaults: {
    databaseType: "MYSQL",
    releaseChannel: "STABLE",
    "hiveMetastoreConfig.endpointProtocol": "THRIFT",
    deletionProtection: false,
  },
  serverSet: {
    uid: () => randomUUID(),
    state: { always: () => "ACTIVE" },
    endpointUri: endpoint,
    artifactGcsUri: ({ resource }) => `gs://gcs-bucket-${idOf(resource)}-${digestOf(resource)}/hive-warehouse`,
    port: ({ resource }) => (isGrpc(resource) ? 443 : 9083),
  },
  operations: {
    ...{ create: true, patch: true, delete: true },
    responseType: "google.cloud.metastore.v1beta.Service",
    metadataType: "google.cloud.metastore.v1beta.OperationMetadata",
  },
  policy: true,
  before: { create: check, patch: check, delete: refuseProtected },
  source: "https://cloud.google.com/dataproc-metastore/docs/reference/rest/v1beta/projects.locations.services",
};

export const metastore: Service = { apis: ["metastore.v1beta", "metastore.v1"], types: [service], methods: {} };

function check({ next, cloud }: Parameters<Hook>[0]): void {
  const { version } = next.hiveMetastoreConfig as JsonObject;
  if (!HIVE.includes(textOf(version)))
    throw badRequest([
      {
        field: "service.hive_metastore_config.version",
        description: `Got '${textOf(version)}'; expected one of ${HIVE.join(", ")}.`,
      },
    ]);
  if (isObject(next.scalingConfig) && next.tier)
    throw badRequest([{ field: "service.tier", description: "Exactly one of tier and scaling_config may be set." }]);
  if (!isObject(next.scalingConfig)) next.tier ??= "DEVELOPER";
  if (!isGrpc(next)) next.network ??= `projects/${cloud.project.id}/global/networks/default`;
}

function refuseProtected({ current }: Parameters<Hook>[0]): void {
  if (current?.deletionProtection === true)
    throw new ApiError("FAILED_PRECONDITION", `Service '${textOf(current.name)}' is protected from deletion.`);
}

const isGrpc = (resource: JsonObject) => (resource.hiveMetastoreConfig as JsonObject).endpointProtocol === "GRPC";
const idOf = ({ name }: JsonObject) => textOf(name).split("/").at(-1)!;
const digestOf = ({ name }: JsonObject) => createHash("sha256").update(textOf(name)).digest("hex").slice(0, 12);

function endpoint({ resource }: ServerSetContext): string {
  const region = textOf(resource.name).split("/")[3];
  return isGrpc(resource)
    ? `https://${idOf(resource)}-${digestOf(resource)}.${region}.metastore.googleapis.com:443`
    : "thrift://10.0.0.2:9083";
}
