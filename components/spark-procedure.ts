/** A BigQuery stored procedure that runs PySpark, and the connection whose account it runs as. */
import * as bigquery from "@pulumi/gcp/bigquery";
import * as projects from "@pulumi/gcp/projects";
import * as storage from "@pulumi/gcp/storage";
import * as pulumi from "@pulumi/pulumi";

export interface SparkProcedureArgs {
  project: string;
  location: string;
  /** From names.ts. */
  connectionId: string;
  datasetId: pulumi.Input<string>;
  routineId: string;
  description: string;
  runtimeVersion: string;
  /** `gs://` address of the PySpark file. */
  mainFile: pulumi.Input<string>;
  /** `gs://` addresses of packages that it imports. */
  packages: pulumi.Input<string>[];
  /** Names of the text parameters. */
  parameters: readonly string[];
  /** Spark properties. @default none */
  properties?: Record<string, pulumi.Input<string>>;
  codeBucket: pulumi.Input<string>;
  /** Bucket for what Spark's BigQuery connector stores in between. */
  stagingBucket: pulumi.Input<string>;
  /** Full name of the history server's cluster. @default none */
  historyServer?: pulumi.Input<string>;
}

const TEXT = JSON.stringify({ typeKind: "STRING" });

export class SparkProcedure extends pulumi.ComponentResource {
  /** `project.dataset.routine`. */
  readonly routine: pulumi.Output<string>;
  /** The connection's account, as an IAM member. */
  readonly member: pulumi.Output<string>;

  constructor(name: string, args: SparkProcedureArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:spark:SparkProcedure", name, {}, opts);
    const connection = new bigquery.Connection(
      name,
      {
        connectionId: args.connectionId,
        location: args.location,
        friendlyName: "Spark from BigQuery",
        description: "Runs stored procedures for Apache Spark",
        spark: args.historyServer ? { sparkHistoryServerConfig: { dataprocCluster: args.historyServer } } : {},
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.member = connection.spark.apply((spark) => `serviceAccount:${spark?.serviceAccountId}`);
    const grants = this.grantAccess(name, args);
    const routine = new bigquery.Routine(
      name,
      {
        datasetId: args.datasetId,
        routineId: args.routineId,
        routineType: "PROCEDURE",
        language: "PYTHON",
        description: args.description,
        definitionBody: "",
        arguments: args.parameters.map((parameter) => ({ name: parameter, mode: "IN", dataType: TEXT })),
        sparkOptions: {
          connection: connection.name,
          runtimeVersion: args.runtimeVersion,
          mainFileUri: args.mainFile,
          pyFileUris: args.packages,
          properties: args.properties,
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: grants },
    );
    this.routine = pulumi.interpolate`${args.project}.${routine.datasetId}.${routine.routineId}`;
    this.registerOutputs({ routine: this.routine });
  }

  /** A connection's account is born without any role; Google runs the Spark, so it needs none of Dataproc. */
  private grantAccess(name: string, args: SparkProcedureArgs): pulumi.Resource[] {
    const own = { parent: this, deleteBeforeReplace: true };
    const member = this.member;
    const onProject = (key: string, role: string) =>
      new projects.IAMMember(`${name}-${key}`, { project: args.project, role, member }, own);
    const first = [
      onProject("runs-queries", "roles/bigquery.jobUser"),
      onProject("reads-tables", "roles/bigquery.readSessionUser"),
      ...(args.historyServer ? [onProject("sees-history-server", "roles/dataproc.viewer")] : []),
    ];
    // A new connection's account reaches IAM late. Grants on a project are tried again until it has; others are not.
    const later = { ...own, dependsOn: first };
    const onBucket = (key: string, bucket: pulumi.Input<string>, role: string) =>
      new storage.BucketIAMMember(`${name}-${key}`, { bucket, role, member }, later);
    return [
      ...first,
      new bigquery.DatasetIamMember(
        `${name}-writes-tables`,
        { datasetId: args.datasetId, role: "roles/bigquery.dataEditor", member },
        later,
      ),
      onBucket("reads-code", args.codeBucket, "roles/storage.objectViewer"),
      onBucket("writes-staging", args.stagingBucket, "roles/storage.objectUser"),
    ];
  }
}
