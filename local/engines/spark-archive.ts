/**
 * Class data archive of Spark: what its thousands of classes look like once they are read and checked, kept in a file that
 * each driver maps. A driver then starts with half of the work. Made once for a Java and a Spark; without it drivers run
 * all the same.
 *
 * `node --import tsx local/engines/spark-archive.ts [JAVA_HOME PYTHON]` makes it if it is missing; the defaults are those
 * of the tools folder.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { constants, setPriority, tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { readTools, toolsFolder } from "./tools";

/** What an archive is for: a Java and the interpreter whose environment has Spark. */
export interface Runtime {
  javaHome: string;
  python: { spark: string };
}

const run = promisify(execFile);
const WARM_UP = join(__dirname, "spark_warm_up.py");

export const searchPath = () =>
  [process.env.PATH, "/usr/local/bin", "/usr/bin", "/bin"].filter(Boolean).join(delimiter);

/** The folder of pyspark in an environment, found without importing it. */
export async function sparkHome(python: string): Promise<string> {
  const script = "import importlib.util as u; print(u.find_spec('pyspark').submodule_search_locations[0])";
  return (await run(python, ["-I", "-c", script])).stdout.trim();
}

export async function existingArchive(tools: Runtime, home: string): Promise<string | undefined> {
  const archive = await archiveFile(tools, home);
  return existsSync(archive) ? archive : undefined;
}

/** Makes the archive if it is missing: about half a minute of one core. @throws Error with what Java said */
export async function makeArchive(tools: Runtime): Promise<string> {
  const home = await sparkHome(tools.python.spark);
  const archive = await archiveFile(tools, home);
  if (existsSync(archive)) return archive;
  await mkdir(dirname(archive), { recursive: true });
  await makeBaseArchive(tools.javaHome);
  const folder = await mkdtemp(join(tmpdir(), "spark-archive-"));
  try {
    const draft = `${archive}.${process.pid}`;
    await warmUp(tools, home, folder, draft);
    await rename(draft, archive);
    await removeOthers(archive);
    return archive;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The archive of Java's own classes, on which ours is built; a Java from PyPI comes without. */
async function makeBaseArchive(javaHome: string): Promise<void> {
  if (existsSync(join(javaHome, "lib", "server", "classes.jsa"))) return;
  await run(join(javaHome, "bin", "java"), ["-Xshare:dump"]);
}

/** Archives of another Java, Spark or warm-up: 150 MB each that nobody will use again. */
async function removeOthers(archive: string): Promise<void> {
  const folder = dirname(archive);
  const others = (await readdir(folder)).filter(
    (name) => /^classes-\w+\.jsa$/.test(name) && name !== basename(archive),
  );
  for (const name of others) await rm(join(folder, name));
}

/** One driver that writes the archive when it ends. Its class path must be how drivers' class paths begin. */
async function warmUp(tools: Runtime, home: string, folder: string, draft: string): Promise<void> {
  const environment = {
    PATH: [join(tools.javaHome, "bin"), searchPath()].join(delimiter),
    HOME: folder,
    LANG: "C.UTF-8",
    JAVA_HOME: tools.javaHome,
    SPARK_HOME: home,
    SPARK_LOCAL_IP: "127.0.0.1",
    SPARK_LOCAL_DIRS: folder,
    PYSPARK_PYTHON: tools.python.spark,
  };
  const settings = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": folder,
    "spark.driver.extraJavaOptions": `-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=${draft}`,
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ["--conf", `${key}=${value}`]);
  const submit = join(home, "bin", "spark-submit");
  await run(submit, [...options, WARM_UP, folder], { cwd: folder, env: environment, maxBuffer: 1 << 26 });
}

/** One file for each Java, Spark and warm-up: an archive of others is of no use. */
async function archiveFile(tools: Runtime, home: string): Promise<string> {
  const hash = createHash("sha256");
  hash.update(await readFile(join(tools.javaHome, "release")));
  hash.update(await readFile(WARM_UP));
  hash.update(JSON.stringify([home, (await readdir(join(home, "jars"))).sort()]));
  return join(toolsFolder, "spark", `classes-${hash.digest("hex").slice(0, 16)}.jsa`);
}

if (require.main === module) {
  const [javaHome, spark] = process.argv.slice(2);
  // Whatever else runs now is waited for by somebody.
  setPriority(constants.priority.PRIORITY_LOW);
  makeArchive(javaHome && spark ? { javaHome, python: { spark } } : readTools()).then(
    (archive) => process.stdout.write(`${archive}\n`),
    (error: Error) => {
      process.stderr.write(`Class data archive of Spark: ${error.message}\n`);
      process.exit(1);
    },
  );
}
