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
  properties: Readonly<Record<string, string>>;
  /** `127.0.0.1:<port>` of the workload's own metadata server. */
  metadataHost: string;
  door: DoorSettings;
}

export interface SparkRun {
  pid: number;
  /** Resolves when the process has ended, however it ended. */
  ended: Promise<{ exitCode: number | null; signal: string | null }>;
  /** Ends the process group; resolves when it is gone. */
  stop: () => Promise<void>;
}

export interface SparkUsage {
  /** From the event log: executor time times the DCU weights of its cores and memory. */
  milliDcuSeconds: number;
  shuffleStorageGbSeconds: number;
}

export interface SparkEngine {
  /** Runtime versions that can be run, e.g. `["2.3"]`. */
  runtimes: readonly string[];
  /** Megabytes that a workload with these properties will hold; the scheduler sums them. */
  memoryMb: (properties: Readonly<Record<string, string>>) => number;
  submit: (workload: SparkWorkload) => Promise<SparkRun>;
  /** Reattaches after a restart of the cloud: undefined if that process is gone. */
  isAlive: (pid: number, folder: string) => boolean;
  usage: (folder: string) => Promise<SparkUsage>;
  /** Path of the driver's output (stdout and stderr together) in a workload's folder. */
  driverOutput: (folder: string) => string;
}

export interface BigQueryEngine {
  /** Starts the engine if it is not running; resolves with its loopback addresses. */
  start: () => Promise<{ rest: string; grpc: string }>;
  stop: () => Promise<void>;
}

export interface Engines {
  spark: SparkEngine;
  bigquery: BigQueryEngine;
}
