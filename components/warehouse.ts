/** The BigQuery data set with its tables, schemas shared with the jobs, and the grants on it. */
import * as bigquery from "@pulumi/gcp/bigquery";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface WarehouseArgs {
  project: string;
  datasetId: string;
  location: string;
  description: string;
  labels: Record<string, string>;
  /** Table id to its schema as BigQuery's JSON text: an array of fields. */
  tables: Record<string, string>;
  grants: Grants;
  /** Refuse to delete tables, and the data set while it holds any. @default false */
  protectData?: boolean;
}

export class Warehouse extends pulumi.ComponentResource {
  readonly datasetId: pulumi.Output<string>;
  /** `project.dataset.table` by table id. */
  readonly tables: Record<string, pulumi.Output<string>> = {};

  constructor(name: string, args: WarehouseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:lake:Warehouse", name, {}, opts);
    const dataset = new bigquery.Dataset(
      name,
      {
        datasetId: args.datasetId,
        location: args.location,
        description: args.description,
        labels: args.labels,
        deleteContentsOnDestroy: !args.protectData,
      },
      { parent: this, dependsOn: opts?.dependsOn, deleteBeforeReplace: true },
    );
    this.datasetId = dataset.datasetId;
    for (const [tableId, schema] of Object.entries(args.tables)) {
      const table = new bigquery.Table(
        `${name}-${tableId}`,
        {
          datasetId: dataset.datasetId,
          tableId,
          schema,
          labels: args.labels,
          deletionProtection: args.protectData ?? false,
        },
        { parent: this, deleteBeforeReplace: true },
      );
      this.tables[tableId] = pulumi.interpolate`${args.project}.${dataset.datasetId}.${table.tableId}`;
    }
    for (const [key, grant] of Object.entries(args.grants)) {
      new bigquery.DatasetIamMember(
        `${name}-${key}`,
        { datasetId: dataset.datasetId, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ datasetId: this.datasetId });
  }
}
