/** The part of the interface that is Spark: batches and interactive sessions, and what every engine is told of the door. */

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
  /** Python of driver and workers. @default that of the runtime */
  interpreter?: string;
  /** Variables of the driver beside those that every driver has. */
  environment?: Readonly<Record<string, string>>;
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

/** An interactive session: the same Spark as a batch has, with a Jupyter server as its driver's program. */
export interface SessionWorkload {
  id: string;
  /** Folder that belongs to this session alone. */
  folder: string;
  /** What Jupyter calls its kernels. */
  displayName: string;
  /** The longest that it may live, should nobody end it. */
  ttlSeconds: number;
  properties: Readonly<Record<string, string>>;
  metadataHost: string;
  door: DoorSettings;
}

/** A notebook that runs from top to bottom as a batch: its program is the engine's, all else is the batch's. */
export interface NotebookWorkload extends Omit<SparkWorkload, "mainPythonFileUri" | "args" | "interpreter"> {
  notebookFileUri: string;
  /** Values of the notebook's parameters. */
  parameters: Readonly<Record<string, string>>;
  /** Where the notebook goes with what it showed. */
  executedUri: string;
}

export interface SessionActivity {
  /** When something last happened in a kernel or was asked of the server, in milliseconds. */
  at: number;
  /** Whether a cell runs now. */
  busy: boolean;
}

/**
 * What needs Jupyter. Output, event logs, usage and scratch space of a session and of a notebook's batch are those of a
 * Spark run in its folder.
 */
export interface SessionEngine {
  /** Why no session can be run, with the command that helps; undefined if they can. */
  problem: () => string | undefined;
  start: (workload: SessionWorkload) => Promise<SparkRun>;
  execute: (workload: NotebookWorkload) => Promise<SparkRun>;
  attach: (folder: string) => SparkRun | undefined;
  /** Waits until the session's server answers; undefined if its process ends before. */
  endpoint: (folder: string, run: SparkRun) => Promise<string | undefined>;
  /** Undefined when the server does not answer. */
  activity: (folder: string) => Promise<SessionActivity | undefined>;
}
