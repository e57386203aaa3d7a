/** Logs of batches and pipelines as tables, so that questions about runs are SQL. */
import * as bigquery from "@pulumi/gcp/bigquery";
import * as logging from "@pulumi/gcp/logging";
import * as pulumi from "@pulumi/pulumi";

export interface LogArchiveArgs {
  project: string;
  /** From names.ts. */
  sinkName: string;
  datasetId: string;
  location: string;
  labels: Record<string, string>;
  /** Which entries are kept, in Cloud Logging's query language. */
  filter: string;
  /** Age after which a day's entries go. @default "30 days" */
  expireAfter?: `${number} days`;
  /** Refuse to delete the data set while it holds tables. @default false */
  protectData?: boolean;
}

const DAY_MS = 86_400_000;

export class LogArchive extends pulumi.ComponentResource {
  readonly datasetId: pulumi.Output<string>;

  constructor(name: string, args: LogArchiveArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:observability:LogArchive", name, {}, opts);
    const own = { parent: this, deleteBeforeReplace: true };
    const age = Number.parseInt(args.expireAfter ?? "30 days", 10) * DAY_MS;
    const dataset = new bigquery.Dataset(
      name,
      {
        datasetId: args.datasetId,
        location: args.location,
        description: "Logs of batches and pipelines",
        labels: args.labels,
        defaultPartitionExpirationMs: age,
        // Tables appear with the first entry; nothing else would delete them.
        deleteContentsOnDestroy: !args.protectData,
      },
      { ...own, dependsOn: opts?.dependsOn },
    );
    this.datasetId = dataset.datasetId;
    const sink = new logging.ProjectSink(
      name,
      {
        name: args.sinkName,
        description: "Batches and pipelines of the lab",
        destination: pulumi.interpolate`bigquery.googleapis.com/projects/${args.project}/datasets/${dataset.datasetId}`,
        filter: args.filter,
        uniqueWriterIdentity: true,
        bigqueryOptions: { usePartitionedTables: true },
      },
      own,
    );
    new bigquery.DatasetIamMember(
      `${name}-writer`,
      { datasetId: dataset.datasetId, role: "roles/bigquery.dataEditor", member: sink.writerIdentity },
      own,
    );
    this.registerOutputs({ datasetId: this.datasetId });
  }
}
