/** A metastore that batches and notebook sessions share, reached by gRPC so that it needs no place in the network. */
import * as dataproc from "@pulumi/gcp/dataproc";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface SparkMetastoreArgs {
  /** From names.ts. */
  serviceId: string;
  location: string;
  labels: Record<string, string>;
  grants: Grants;
  /** Refuse to delete the catalogue of tables. @default false */
  protectData?: boolean;
}

export class SparkMetastore extends pulumi.ComponentResource {
  /** `projects/<project>/locations/<region>/services/<id>`. */
  readonly service: pulumi.Output<string>;

  constructor(name: string, args: SparkMetastoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:spark:SparkMetastore", name, {}, opts);
    const service = new dataproc.MetastoreService(
      name,
      {
        serviceId: args.serviceId,
        location: args.location,
        labels: args.labels,
        databaseType: "SPANNER",
        scalingConfig: { scalingFactor: 0.1 },
        hiveMetastoreConfig: { version: "3.1.2", endpointProtocol: "GRPC" },
        deletionProtection: args.protectData ?? false,
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        dependsOn: opts?.dependsOn,
        customTimeouts: { create: "75m", delete: "75m" },
      },
    );
    this.service = service.id;
    for (const [key, grant] of Object.entries(args.grants)) {
      new dataproc.MetastoreServiceIamMember(
        `${name}-${key}`,
        { serviceId: service.serviceId, location: args.location, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ service: this.service });
  }
}
