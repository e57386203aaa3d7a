/** Runs Dataproc workloads with the real Spark: one spark-submit for each, in a folder and a process group of its own. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SparkEngine, SparkResources, SparkRun, SparkUsage, SparkWorkload } from "./interface";
import {
  layout,
  propertiesFile,
  propertyProblems,
  sparkDefaults,
  sparkEnvironment,
  sparkProperties,
  submitArguments,
} from "./spark-configuration";
import { existingArchive, searchPath, sparkHome } from "./spark-archive";
import { attach, start } from "./spark-process";
import { capacityMb, type Machine, sparkResources, thisMachine } from "./spark-resources";
import { trustOf } from "./spark-trust";
import { eventLogs, milliDcu, readUsage } from "./spark-usage";
import type { Tools } from "./tools";

/** Runtime 2.3 is Spark 3.5, as is the pyspark of the tools folder. Older ones with it are out of Google's support. */
const RUNTIMES = ["2.3"];

/** What the driver logs: its own prints, warnings and errors, with times that sort. */
const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
`;

export function createSparkEngine(tools: Tools, machine: Machine = thisMachine()): SparkEngine {
  const home = once(() => sparkHome(tools.python.spark));
  const resources = (properties: Readonly<Record<string, string>>) =>
    sparkResources(sparkProperties(properties), machine);
  return {
    runtimes: RUNTIMES,
    capacityMb: capacityMb(machine),
    resources,
    milliDcu,
    propertyProblems,
    submit: async (workload) => submit(workload, resources(workload.properties), tools, await home()),
    attach,
    usage,
    driverOutput: (folder) => layout(folder).output,
    eventLogs: (folder) => eventLogs(layout(folder).events),
    tidy,
  };
}

async function submit(
  workload: SparkWorkload,
  resources: SparkResources,
  tools: Tools,
  home: string,
): Promise<SparkRun> {
  const at = layout(workload.folder);
  const trust = await trustOf(workload.door.caCertificate, tools.python.clients);
  for (const folder of [at.conf, at.events, at.home, at.local, at.temporary, at.work]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const properties = sparkDefaults(workload, resources, trust, await existingArchive(tools, home));
  await writeFile(at.properties, propertiesFile(properties), { mode: 0o600 });
  await writeFile(at.logging, LOGGING, { mode: 0o600 });
  await writeFile(resourcesFile(workload.folder), JSON.stringify(resources), { mode: 0o600 });
  return start({
    python: tools.python.spark,
    folder: workload.folder,
    argv: [join(home, "bin", "spark-submit"), ...submitArguments(workload)],
    environment: sparkEnvironment(workload, tools, trust, { sparkHome: home, searchPath: searchPath() }),
    workingFolder: at.work,
    output: at.output,
  });
}

async function tidy(folder: string): Promise<void> {
  const { home, local, temporary, work } = layout(folder);
  for (const scratch of [home, local, temporary, work]) await rm(scratch, { recursive: true, force: true });
}

const resourcesFile = (folder: string) => join(folder, "resources.json");

/** Weighed with what the workload was really given; a later cloud process may see another machine. */
async function usage(folder: string): Promise<SparkUsage> {
  const logs = await eventLogs(layout(folder).events);
  if (logs.length === 0) return { milliDcuSeconds: 0, shuffleStorageGbSeconds: 0, shuffleStorageGb: 0 };
  return readUsage(logs, JSON.parse(await readFile(resourcesFile(folder), "utf8")) as SparkResources);
}

/** The first success is kept; a failure is tried again by the next caller. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
