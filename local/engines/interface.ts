/**
 * The one interface between the cloud and the real programs behind it: local/engines implements it, local/cloud/main.ts
 * hands it in. Engines never import local/cloud.
 */

/** Where clients of this cloud are led to: what a child process needs in its environment. */
export interface DoorSettings {
  /** `http://127.0.0.1:<port>` of the CONNECT proxy. */
  proxy: string;
  /** PEM file with the system's roots and the private CA. */
  caBundle: string;
  /** PEM file with the private CA alone. */
  caCertificate: string;
  project: string;
}

/** One Spark workload as spark-submit gets it. */
export interface SparkWorkload {
  /** Unique name of the workload: the batch id. */
  id: string;
  /** Folder that belongs to this workload alone: logs, event log, local dirs. */
  folder: string;
  mainPythonFileUri: string;
  args: readonly string[];
  pythonFileUris: readonly string[];
  jarFileUris: readonly string[];
  fileUris: readonly string[];
  archiveUris: readonly string[];
  /** As Dataproc takes them: `spark.*` or `spark:spark.*`. */
  properties: Readonly<Record<string, string>>;
  /** `127.0.0.1:<port>` of the workload's own metadata server. */
  metadataHost: string;
  door: DoorSettings;
}

/** How a run ended. Both `exitCode` and `signal` are null if its process vanished without leaving a record. */
export interface SparkEnd {
  exitCode: number | null;
  signal: string | null;
}

export interface SparkRun {
  pid: number;
  /** Resolves when the process has ended, however it ended. */
  ended: Promise<SparkEnd>;
  /** Ends the process group; resolves when it is gone. */
  stop: () => Promise<void>;
}

/** What a workload gets of this machine. */
export interface SparkResources {
  /** Parallel tasks: `local[cores]`. */
  cores: number;
  /** Heap of the one JVM that is driver and executor. */
  heapMb: number;
  /** All that the workload may hold: heap, JVM overhead and Python. The scheduler sums these. */
  memoryMb: number;
  /** One sentence for each requested size that this machine does not have. */
  reduced: readonly string[];
}

export interface SparkUsage {
  /** Task time times the DCU weights of a core and its memory. */
  milliDcuSeconds: number;
  /** Shuffle bytes times the time that they were kept. */
  shuffleStorageGbSeconds: number;
  /** Shuffle gigabytes written so far. */
  shuffleStorageGb: number;
}

export interface SparkEngine {
  /** Runtime versions that can be run, e.g. `["2.3"]`. */
  runtimes: readonly string[];
  /** Megabytes that all workloads together may hold; the rest of the machine stays free. */
  capacityMb: number;
  resources: (properties: Readonly<Record<string, string>>) => SparkResources;
  /** Milli-DCU that resources of this size are. */
  milliDcu: (resources: SparkResources) => number;
  /** Problems of properties that this engine cannot honour, one sentence each. */
  propertyProblems: (properties: Readonly<Record<string, string>>) => string[];
  submit: (workload: SparkWorkload) => Promise<SparkRun>;
  /** The run of a folder after a restart of the cloud, alive or ended; undefined if none was ever started there. */
  attach: (folder: string) => SparkRun | undefined;
  /** From the event log, complete or still growing; zeros before there is one. */
  usage: (folder: string) => Promise<SparkUsage>;
  /** File with the driver's output (stdout and stderr together). */
  driverOutput: (folder: string) => string;
  /** Event log files, complete ones and those still growing. */
  eventLogs: (folder: string) => Promise<string[]>;
  /** Frees the scratch space of a run that has ended; its records, output and event logs stay. */
  tidy: (folder: string) => Promise<void>;
}

/** Where a running BigQuery engine listens on loopback, and the secret that it answers to. */
export interface BigQueryAddress {
  /** `http://127.0.0.1:<port>`. */
  rest: string;
  /** `127.0.0.1:<port>`. */
  grpc: string;
  /** Sent as `Authorization: Bearer <token>`; another one with each start. */
  token: string;
  pid: number;
}

export interface BigQueryEngine {
  /** Starts the engine if it is not running, also after it died; resolves when it answers. */
  start: () => Promise<BigQueryAddress>;
  stop: () => Promise<void>;
}

export interface Engines {
  spark: SparkEngine;
  bigquery: BigQueryEngine;
}
