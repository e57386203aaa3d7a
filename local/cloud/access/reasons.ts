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
  [/^worker: metastore\./, `${ONLY_GOOGLES} no Hive metastore listens here; Spark uses its own catalogue`],
  [
    /^worker: storage\.legacyBucketReader on/,
    `${ONLY_GOOGLES} Hadoop's client asks for the bucket where a path is its top, as Spark's log of events may; no job here does`,
  ],
  [
    /^worker: storage\.objectUser on .*-events$/,
    `${ONLY_GOOGLES} Spark writes its events as the account; here the cloud keeps them when the batch ends`,
  ],
  [
    /^build: artifactregistry\.writer on .*-functions$/,
    `${ONLY_GOOGLES} Cloud Build makes the function's image as the account; here the cloud unpacks its archive`,
  ],
  [/^build: logging\.logWriter on/, `${ONLY_GOOGLES} a build's output goes to Cloud Logging as the account`],
  [
    /^bqcx-\w+: bigquery\.jobUser on/,
    `${ONLY_GOOGLES} Spark procedures that a user writes may ask queries, as the lab's own does not`,
  ],
  [
    /^bqcx-\w+: dataproc\.viewer on/,
    `${ONLY_GOOGLES} the history server is looked up as the account; here the cloud does it itself`,
  ],
  [
    /^bqcx-\w+: storage\.objectUser on .*-staging$/,
    `${ONLY_GOOGLES} Spark procedures that a user writes may write by files in between; the lab's own writes directly`,
  ],
  [
    /^composer: storage\.objectUser on .*-dags$/,
    `${ONLY_GOOGLES} Airflow reads its DAGs and keeps its logs there as the account; here the cloud does it itself`,
  ],
  [
    /^(launcher|runner): artifactregistry\.reader on/,
    `${ONLY_GOOGLES} compiled pipelines may lie in the registry; here they lie in the bucket`,
  ],
  [/^runner: logging\.logWriter on/, `${ONLY_GOOGLES} steps' output goes to Cloud Logging as the account`],
  [
    /^runner: bigquery\.(dataViewer|jobUser) on/,
    `${ONLY_GOOGLES} registering the training data reads its schema as the account; here the cloud does it itself`,
  ],
  [
    /^runner: storage\.(objectUser|legacyBucketReader) on .*-pipelines$/,
    `${ONLY_GOOGLES} each step writes its outputs to the pipeline root as the account; here the cloud keeps them`,
  ],
  [/^workbench: /, `${ONLY_GOOGLES} the account of the instance's virtual machine; here no machine runs`],
  [
    /^(worker|dataproc-accounts): artifactregistry\.reader on .*-images$/,
    `${ONLY_GOOGLES} Spark's image is pulled as the one or the other; here its files lie on this machine`,
  ],
];

export const reasonOf = (name: string): string | undefined => REASONS.find(([grants]) => grants.test(name))?.[1];
