/**
 * Spark's own history server over a folder of event logs. It listens on a loopback port that answers only to the key of
 * the cloud that started it.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { AgentOptions } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { HistoryEngine, HistoryRun } from "./interface";
import { searchPath, sparkHome } from "./spark-archive";
import { propertiesFile } from "./spark-configuration";
import { attach, start as startProcess } from "./spark-process";
import type { Tools } from "./tools";

const KEY_MAKER = join(__dirname, "history_keys.py");
const HEAP_MB = 384;
const START_MS = 120_000;
/** Between two looks at what the server has printed. */
const LOOK_MS = 50;
/** The server tells the port that the system chose. */
const LISTENING = /Successfully started service 'HistoryServerUI \(HTTPS\)' on port (\d+)/;

const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1}: %m%n%ex
logger.ports.name = org.apache.spark.util.Utils
logger.ports.level = info
`;

export function createHistoryEngine(tools: Tools): HistoryEngine {
  return {
    start: ({ folder, events }) => start(folder, events, tools),
    stopEarlier: async (folder) => attach(folder)?.stop(),
  };
}

async function start(folder: string, events: string, tools: Tools): Promise<HistoryRun> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "store"), { recursive: true, mode: 0o700 });
  await mkdir(events, { recursive: true, mode: 0o700 });
  const password = randomBytes(24).toString("base64url");
  const keys = promisify(execFile)(tools.python.clients, ["-I", KEY_MAKER, folder]);
  keys.child.stdin?.end(password);
  await keys;
  await writeFile(join(folder, "logging.properties"), LOGGING, { mode: 0o600 });
  await writeFile(join(folder, "history.conf"), propertiesFile(settings(folder, events, password)), { mode: 0o600 });
  const home = await sparkHome(tools.python.spark);
  const output = join(folder, "output.log");
  const run = await startProcess({
    python: tools.python.spark,
    folder,
    argv: [
      join(tools.javaHome, "bin", "java"),
      ...[`-Xmx${HEAP_MB}m`, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"],
      `-Dlog4j2.configurationFile=${pathToFileURL(join(folder, "logging.properties")).href}`,
      ...["-cp", join(home, "jars", "*"), "org.apache.spark.deploy.history.HistoryServer"],
      ...["--properties-file", join(folder, "history.conf")],
    ],
    environment: {
      ...{ PATH: searchPath(), HOME: folder, LANG: "C.UTF-8", TZ: "UTC" },
      ...{ JAVA_HOME: tools.javaHome, SPARK_HOME: home, SPARK_LOCAL_IP: "127.0.0.1" },
    },
    workingFolder: folder,
    output,
  });
  const port = await portOf(output, run.ended);
  if (port === undefined) {
    await run.stop();
    throw new Error(`the history server did not start: ${(await readFile(output, "utf8")).slice(-2000).trim()}`);
  }
  return { port, identity: await identity(folder), ended: run.ended, stop: run.stop };
}

function settings(folder: string, events: string, password: string): Record<string, string> {
  const ssl = {
    enabled: "true",
    port: "0",
    keyStore: join(folder, "server.p12"),
    keyStorePassword: password,
    keyStoreType: "PKCS12",
    keyPassword: password,
    needClientAuth: "true",
    trustStore: join(folder, "clients.p12"),
    trustStorePassword: password,
    trustStoreType: "PKCS12",
  };
  return {
    "spark.history.fs.logDirectory": pathToFileURL(events).href,
    "spark.history.fs.update.interval": "2s",
    "spark.history.ui.port": "0",
    "spark.history.store.path": join(folder, "store"),
    // The component gateway's address ends so; links in the pages begin with it.
    "spark.ui.proxyBase": "/sparkhistory",
    ...Object.fromEntries(Object.entries(ssl).map(([key, value]) => [`spark.ssl.historyServer.${key}`, value])),
  };
}

async function portOf(output: string, ended: Promise<unknown>): Promise<number | undefined> {
  let over = false;
  const end = ended.then(() => (over = true));
  for (const last = Date.now() + START_MS; Date.now() < last;) {
    const found = LISTENING.exec(await readFile(output, "utf8"));
    if (found) return Number(found[1]);
    if (over) return undefined;
    await Promise.race([delay(LOOK_MS), end]);
  }
  return undefined;
}

/** What a request to the server needs: our key, and its certificate as the only one that is believed. */
async function identity(folder: string): Promise<Pick<AgentOptions, "key" | "cert" | "ca">> {
  const client = await readFile(join(folder, "client.pem"), "utf8");
  return { key: client, cert: client, ca: await readFile(join(folder, "server.pem"), "utf8") };
}
