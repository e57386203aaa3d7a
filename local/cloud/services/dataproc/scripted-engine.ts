/** A Spark engine for tests of the service: drivers end when and how the test says. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type {
  NotebookWorkload,
  SessionActivity,
  SessionEngine,
  SessionWorkload,
  SparkEnd,
  SparkEngine,
  SparkRun,
  SparkWorkload,
} from "../../../engines/interface";

type Workload = SparkWorkload | SessionWorkload | NotebookWorkload;

export interface ScriptedEngine extends SparkEngine {
  /** Workloads in the order of their submission. */
  submitted: Workload[];
  /** Lets a workload's driver print. */
  print: (id: string, text: string) => void;
  /** Ends a workload's driver. */
  end: (id: string, end: Partial<SparkEnd>) => void;
  /** Workloads that were told to stop. */
  stopped: string[];
  sessions: SessionEngine;
  /** Lets a session's server answer. */
  answer: (id: string) => void;
  /** What a session's server says of its use. */
  activities: Map<string, SessionActivity>;
  /** Why no session can be run. */
  problems: { session?: string };
}

/** @param capacity how many workloads fit at once */
export function scriptedEngine(capacity = 10): ScriptedEngine {
  const drivers = scriptedDrivers();
  const output = (folder: string) => join(folder, "driveroutput");
  const sessions = scriptedSessions(drivers);
  return {
    ...drivers,
    ...sessions,
    ...{ runtimes: ["2.3"], capacityMb: capacity * 100, milliDcu: () => 1700 },
    resources: () => ({ cores: 2, heapMb: 2048, memoryMb: 100, reduced: [] }),
    propertyProblems: (properties) =>
      "spark.master" in properties ? ["spark.master: set by the service, it cannot be given"] : [],
    usage: async () => ({ milliDcuSeconds: 1234.4, shuffleStorageGbSeconds: 0.2, shuffleStorageGb: 0.1 }),
    driverOutput: output,
    eventLogs: async () => [],
    tidy: async () => undefined,
    print: (id, text) =>
      writeFileSync(output(drivers.submitted.find((work) => work.id === id)!.folder), text, { flag: "a" }),
  };
}

type Drivers = ReturnType<typeof scriptedDrivers>;

function scriptedDrivers() {
  const submitted: Workload[] = [];
  const stopped: string[] = [];
  const ends = new Map<string, (end: SparkEnd) => void>();
  const runs = new Map<string, SparkRun>();
  const end: ScriptedEngine["end"] = (id, how) => ends.get(id)!({ exitCode: null, signal: null, ...how });
  const submit = async (work: Workload): Promise<SparkRun> => {
    submitted.push(work);
    mkdirSync(work.folder, { recursive: true });
    const ended = new Promise<SparkEnd>((resolve) => ends.set(work.id, resolve));
    const stop = async () => {
      stopped.push(work.id);
      end(work.id, { exitCode: 143 });
      await ended;
    };
    const run = { pid: 1, ended, stop };
    runs.set(work.folder, run);
    return run;
  };
  return { submitted, stopped, end, submit, attach: (folder: string) => runs.get(folder) };
}

function scriptedSessions({ submitted, submit, attach }: Drivers) {
  const activities = new Map<string, SessionActivity>();
  const answering = new Set<string>();
  const problems: { session?: string } = {};
  const idOf = (folder: string) => submitted.find((work) => work.folder === folder)!.id;
  const sessions: SessionEngine = {
    problem: () => problems.session,
    start: submit,
    execute: submit,
    attach,
    endpoint: async (folder, run) => {
      let over = false;
      void run.ended.then(() => (over = true));
      while (!over && !answering.has(idOf(folder))) await pause(10);
      return over ? undefined : "http://127.0.0.1:1/";
    },
    activity: async (folder) => activities.get(idOf(folder)),
  };
  return { activities, problems, sessions, answer: (id: string) => void answering.add(id) };
}
