/**
 * Grants of the profile `full` that no call of the recorded run needs, with the reason why the program makes them. By
 * name as `shortName` makes it: `<account>: <role> on <resource>`.
 */
const ONLY_GOOGLES = "only in the real cloud:";

export const REASONS: readonly [grants: RegExp, why: string][] = [
  [
    /^worker: dataproc\.worker on/,
    `${ONLY_GOOGLES} Google's own agents on the account's machines lease their tasks with it`,
  ],
  [
    /^worker: storage\.objectUser on .*-staging$/,
    `${ONLY_GOOGLES} the service stages a batch's files and output as the account; here the cloud does it itself`,
  ],
  [/^worker: metastore\./, `${ONLY_GOOGLES} no Hive metastore listens here; Spark uses its own catalogue`],
  [
    /^worker: bigquery\.jobUser on/,
    "jobs that write through files or run a query; those of the recorded run use the Storage API alone",
  ],
  [
    /^worker: storage\.legacyBucketReader on/,
    "clients that read the bucket itself, as Spark's history of events and output committers do",
  ],
  [
    /^worker: storage\.objectUser on .*-(bundles|events)$/,
    "the export of bundles and Spark's events, when they are on",
  ],
  [
    /^build: /,
    `${ONLY_GOOGLES} Cloud Build builds as the account; here the function's archive is unpacked by the cloud`,
  ],
  [/^bqcx-/, "connections of BigQuery: read when somebody queries the external table or calls the Spark procedure"],
  [/^composer: /, "Airflow and its tasks, which run when a DAG is triggered"],
  [/^gcp-sa-logging: /, `${ONLY_GOOGLES} no log entry is routed here`],
  [/^gcp-sa-pubsub: /, "messages that were refused too often are put on the topic of dead letters"],
  [
    /^(launcher|runner): artifactregistry\.reader on/,
    `${ONLY_GOOGLES} compiled pipelines may lie in the registry; here they lie in the bucket`,
  ],
  [/^runner: logging\.logWriter on/, `${ONLY_GOOGLES} steps' output goes to Cloud Logging as the account`],
  [
    /^runner: (bigquery\.(dataViewer|jobUser)|storage\.objectViewer on .*-code$)/,
    "components of the pipeline that query or read code themselves",
  ],
  [
    /^runner: storage\.(objectUser|legacyBucketReader) on .*-pipelines$/,
    `${ONLY_GOOGLES} each step writes its outputs to the pipeline root as the account; here the cloud keeps them`,
  ],
  [/^workbench: /, `${ONLY_GOOGLES} the account of the instance's virtual machine; here no machine runs`],
  [
    /^operator: (bigquery\.dataViewer|cloudtasks\.|pubsub\.|run\.invoker|storage\.objectViewer on .*-metrics$)/,
    "what an operator may do by hand, and the recorded run does not",
  ],
];

export const reasonOf = (name: string): string | undefined => REASONS.find(([grants]) => grants.test(name))?.[1];
