/** A batch through the Dataproc API against the same spark-submit bare: what the loopback cloud adds to a job. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { existingArchive, sparkHome } from "../engines/spark-archive";
import { readTools } from "../engines/tools";
import { printRows, timed, withTemporaryLab, type TemporaryLab } from "./temporary-lab";

/** Pairs of runs; the median of each side is compared. */
const ROUNDS = 3;
/** Work of about twenty seconds on two cores, so that the start of the virtual machine is not all that is measured. */
const JOB = `
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(0, 60_000_000, numPartitions=4).selectExpr("id % 1000 as k", "sqrt(id) as v").groupBy("k").avg("v").count()
`;

async function main(): Promise<void> {
  await withTemporaryLab(async (lab) => {
    await lab.sparklab("up");
    const file = join(lab.folder, "overhead.py");
    writeFileSync(file, JOB);
    await python(lab, UPLOAD, file);
    const batches: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      batches.push(Number((await python(lab, SUBMIT, String(round))).trim()));
      bare.push(await bareSubmit(file));
    }
    printRows([
      {
        what: "batch against bare spark-submit",
        ours: median(batches),
        other: median(bare),
        unit: "s",
        goal: { atMost: 1.05 },
      },
    ]);
  });
}

/** Google's own Python clients, led to the lab. */
async function python(lab: TemporaryLab, program: string, argument: string): Promise<string> {
  return (await lab.sparklab("exec", "--", readTools().python.clients, "-c", program, argument)).output;
}

const UPLOAD = `
import sys; from google.cloud import storage
storage.Client().bucket("sparklab-local-staging").blob("bench/overhead.py").upload_from_filename(sys.argv[1])
`;
const SUBMIT = `
import sys; from google.cloud import dataproc_v1 as d
client = d.BatchControllerClient(client_options={"api_endpoint": "us-central1-dataproc.googleapis.com:443"})
batch = d.Batch(pyspark_batch={"main_python_file_uri": "gs://sparklab-local-staging/bench/overhead.py"}, runtime_config={"version": "2.3"},
  environment_config={"execution_config": {"service_account": "sparklab-local-worker@sparklab-local.iam.gserviceaccount.com", "staging_bucket": "sparklab-local-staging"}})
done = client.create_batch(parent="projects/sparklab-local/locations/us-central1", batch=batch, batch_id="bench-overhead-" + sys.argv[1]).result(timeout=600)
assert done.state == d.Batch.State.SUCCEEDED, done.state_message
print((done.state_time - done.create_time).total_seconds())
`;

/** The same job in the same virtual machine, settings included, from the command line: what is left is what we add. */
async function bareSubmit(file: string): Promise<number> {
  const tools = readTools();
  const home = await sparkHome(tools.python.spark);
  const archive = await existingArchive(tools, home);
  const java = ["-XX:TieredStopAtLevel=1", ...(archive ? [`-XX:SharedArchiveFile=${archive}`] : [])].join(" ");
  const settings = {
    "spark.driver.extraJavaOptions": java,
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": pathToFileURL(dirname(file)).href,
  };
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    JAVA_HOME: tools.javaHome,
    PYSPARK_PYTHON: tools.python.spark,
    SPARK_LAUNCHER_OPTS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
  };
  const conf = Object.entries(settings).flatMap(([key, value]) => ["--conf", `${key}=${value}`]);
  const words = ["--master", "local[2]", "--jars", Object.values(tools.jars).join(","), ...conf, file];
  return (await timed(join(home, "bin", "spark-submit"), words, environment)).seconds;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

void main();
