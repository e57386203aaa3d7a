/** A BigLake table: files of one bucket, read by its connection's account alone and by nobody through it but BigQuery. */
import * as bigquery from "@pulumi/gcp/bigquery";
import * as storage from "@pulumi/gcp/storage";
import * as pulumi from "@pulumi/pulumi";

export interface ExternalTableArgs {
  project: string;
  location: string;
  /** From names.ts. */
  connectionId: string;
  datasetId: pulumi.Input<string>;
  tableId: string;
  /** Columns as BigQuery's JSON text: an array of fields. */
  schema: string;
  bucket: pulumi.Input<string>;
  /** `gs://` address of the CSV with one line of names. */
  file: pulumi.Input<string>;
  labels: Record<string, string>;
}

const CSV = { sourceFormat: "CSV", autodetect: false, csvOptions: { quote: '"', skipLeadingRows: 1 } };

export class ExternalTable extends pulumi.ComponentResource {
  /** `project.dataset.table`. */
  readonly table: pulumi.Output<string>;

  constructor(name: string, args: ExternalTableArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:lake:ExternalTable", name, {}, opts);
    const own = { parent: this, deleteBeforeReplace: true };
    const connection = new bigquery.Connection(
      name,
      {
        connectionId: args.connectionId,
        location: args.location,
        friendlyName: "Files of the lake",
        description: "Reads the raw bucket and nothing else",
        cloudResource: {},
      },
      { ...own, dependsOn: opts?.dependsOn },
    );
    const reader = new storage.BucketIAMMember(
      `${name}-reads`,
      {
        bucket: args.bucket,
        role: "roles/storage.objectViewer",
        member: connection.cloudResource.apply((resource) => `serviceAccount:${resource?.serviceAccountId}`),
      },
      own,
    );
    const table = new bigquery.Table(
      name,
      {
        datasetId: args.datasetId,
        tableId: args.tableId,
        labels: args.labels,
        // Nothing is lost with the table: the file is the data.
        deletionProtection: false,
        schema: args.schema,
        externalDataConfiguration: { ...CSV, connectionId: connection.name, sourceUris: [args.file] },
      },
      { ...own, dependsOn: [reader] },
    );
    this.table = pulumi.interpolate`${args.project}.${table.datasetId}.${table.tableId}`;
    this.registerOutputs({ table: this.table });
  }
}
