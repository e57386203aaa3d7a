/**
 * The one interface between the cloud and the real programs behind it: local/engines implements it, local/cloud/main.ts
 * hands it in. Engines never import local/cloud.
 */

import type { DoorSettings, SessionEngine, SparkEngine, SparkRun } from "./interface-spark";

export type * from "./interface-spark";

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

/** A program that serves HTTP at `PORT`: a function's package, or the packaged entry point of an image. */
export interface ServerProgram {
  /** Folder that belongs to this instance alone: records, output. */
  folder: string;
  /** Folder with the program's files, read only. */
  source: string;
  /** Name of the exported function that answers requests; the functions framework runs it. */
  functionTarget?: string;
  /** Arguments of Node that start an image's program, relative to `source`. */
  command?: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** `127.0.0.1:<port>` of the instance's own metadata server. */
  metadataHost: string;
  memoryMb: number;
  /** That the program listens on, as a container's it is its own. */
  port: number;
  door: DoorSettings;
}

export interface ServerRun {
  /** Path of the socket that stands for the program's port; only this user can reach it. */
  socket: string;
  pid: number;
  ended: Promise<unknown>;
  stop: () => Promise<void>;
}

/** What an image's name stands for here: a folder of built files, and what is started in it. */
export interface BuiltImage {
  /** The image's working folder. */
  folder: string;
  /** Arguments of Node; an image that serves has them. */
  command?: readonly string[];
  /** Python with the image's packages; an image for Spark has it. */
  python?: string;
  /** Variables that the image sets. */
  environment: Readonly<Record<string, string>>;
  /** Of the archive that it was built from. */
  digest: string;
  builtAt: string;
  bytes: number;
}

export interface ImageBuild {
  /** Zip file with the Dockerfile in its top folder. */
  archive: string;
  /** Name that the image gets, with its tag. */
  reference: string;
  log: (line: string) => void;
  /** Ends the build when it is aborted. */
  signal: AbortSignal;
}

export interface ImageEngine {
  /** Throws an error that names everything of the Dockerfile that cannot be built here. */
  build: (build: ImageBuild) => Promise<BuiltImage>;
  /** By name with tag. */
  list: () => Readonly<Record<string, BuiltImage>>;
  /** Forgets the images whose names begin so. */
  remove: (prefix: string) => Promise<void>;
}

export interface ServerEngine {
  /**
   * Unpacks an archive whole or not at all; throws an error that says what is wrong with it: a function's must be a
   * package that needs nothing installed, another must hold `entry`.
   */
  unpack: (archive: string, folder: string, entry?: string) => Promise<void>;
  /** Resolves when the program listens; throws with the end of its output if it ends before. */
  start: (program: ServerProgram) => Promise<ServerRun>;
  /** Ends what an earlier cloud started in a folder, if it still runs. */
  stopEarlier: (folder: string) => Promise<void>;
  /** Files that what the program of a folder prints is written to; not there before its start. */
  printed: (folder: string) => { stdout: string; stderr: string };
}

/** A container as a compiled pipeline describes it. */
export interface PipelineContainer {
  image: string;
  command?: readonly string[];
  args?: readonly string[];
  env?: readonly { name: string; value: string }[];
}

/** One task of a pipeline that runs a container. */
export interface PipelineStep {
  /** Folder that belongs to this attempt of the task alone. */
  folder: string;
  container: PipelineContainer;
  /** The container's arguments, all placeholders filled in. */
  args: readonly string[];
  /** kfp's ExecutorInput: values and files that go in, places of those that come out. */
  executorInput: object;
  /** Labels of the run, which its steps give to what they start. */
  labels: Readonly<Record<string, string>>;
  /** `127.0.0.1:<port>` of the run's own metadata server. */
  metadataHost: string;
  door: DoorSettings;
}

/** What a step gave: parameters as values or, from steps that write files, as text. */
export interface PipelineResult {
  values: Record<string, unknown>;
  texts: Record<string, string>;
  artifacts: Record<string, { artifacts: { name?: string; uri?: string; metadata?: object }[] }>;
}

export interface PipelineEngine {
  /** Why a container cannot be run here, one sentence each. */
  problems: (container: PipelineContainer) => string[];
  run: (step: PipelineStep) => Promise<SparkRun>;
  /** The process of a folder after a restart of the cloud, alive or ended; undefined if none was ever started there. */
  attach: (folder: string) => SparkRun | undefined;
  /** Where a step's files lie: objects of buckets, the executor's output, what it printed. */
  layout: (folder: string) => { local: string; outputFile: string; output: string };
  /** Undefined if the step has not succeeded. */
  result: (folder: string) => Promise<PipelineResult | undefined>;
}

/** A running history server, and what a request to `https://localhost:<port>` must show. */
export interface HistoryRun {
  port: number;
  identity: { key?: unknown; cert?: unknown; ca?: unknown };
  ended: Promise<unknown>;
  stop: () => Promise<void>;
}

export interface HistoryEngine {
  /** Resolves when the server answers. @param events folder with event logs, which may grow */
  start: (server: { folder: string; events: string }) => Promise<HistoryRun>;
  /** Ends what an earlier cloud started in a folder, if it still runs. */
  stopEarlier: (folder: string) => Promise<void>;
}

/** One Composer environment, as its Airflow needs it. */
export interface AirflowEnvironment {
  /** Folder that belongs to this environment alone: database, DAGs, logs. It stays between two starts. */
  folder: string;
  /** Where people find it: links in its answers begin with it. */
  address: string;
  /** Variables of all its processes, Airflow's own variables (`AIRFLOW_VAR_...`) among them. */
  variables: Readonly<Record<string, string>>;
  /** Airflow's settings by `section-name`. */
  settings: Readonly<Record<string, string>>;
  /** Whether deferred tasks are watched. */
  triggerer: boolean;
  /** `127.0.0.1:<port>` of the environment's own metadata server. */
  metadataHost: string;
  door: DoorSettings;
}

export interface AirflowRun {
  /** Where Airflow's API and pages answer on loopback. */
  port: number;
  /** The header by which Airflow knows a person, for the next request. */
  authorization: (user: string) => string;
  /** With the reason, if it ended by itself. */
  ended: Promise<string | undefined>;
  stop: () => Promise<void>;
}

export interface AirflowEngine {
  /** Why no Airflow can be run, with the command that helps; undefined if it can. */
  problem: () => string | undefined;
  /** Where an environment's DAGs are read from. */
  dags: (folder: string) => string;
  /** Where an environment's tasks write their logs, in Airflow's own layout. */
  logs: (folder: string) => string;
  /** Resolves when API, scheduler and DAG processor answer; throws with the end of their output if they do not. */
  start: (environment: AirflowEnvironment) => Promise<AirflowRun>;
  /** Ends what an earlier cloud started in a folder, if it still runs. */
  stopEarlier: (folder: string) => Promise<void>;
  /** Runs one of Airflow's own commands; what it prints is in the file `output` of the folder. */
  command: (environment: AirflowEnvironment, words: readonly string[], folder: string) => Promise<SparkRun>;
  attachCommand: (folder: string) => SparkRun | undefined;
}

export interface Engines {
  spark: SparkEngine;
  sessions: SessionEngine;
  bigquery: BigQueryEngine;
  pipelines: PipelineEngine;
  servers: ServerEngine;
  images: ImageEngine;
  history: HistoryEngine;
  airflow: AirflowEngine;
}
