/**
 * The home of one Airflow: its settings, its keys and its database, in a folder that only this user reads. The database
 * is made or brought to a newer version beside the one that is used, and takes its place whole.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { doorVariables } from "./door-variables";
import type { AirflowEnvironment } from "./interface";
import { installedPackages } from "./python-packages";
import { searchPath } from "./spark-archive";
import { start } from "./spark-process";

const PART = join(__dirname, "airflow_part.py");
/** Tasks that run at the same time; they mostly wait for batches. */
const PARALLEL_TASKS = 4;

export const airflowLayout = (folder: string) => ({
  home: join(folder, "home"),
  dags: join(folder, "home", "dags"),
  logs: join(folder, "home", "logs"),
  settings: join(folder, "home", "airflow.cfg"),
  passwords: join(folder, "home", "passwords.json"),
  database: join(folder, "home", "airflow.db"),
  secrets: join(folder, "secrets.json"),
  parts: join(folder, "parts"),
  temporary: join(folder, "tmp"),
});

export interface AirflowSecrets {
  /** Encrypts what the database keeps of connections. */
  fernet: string;
  /** Signs the tokens of people and tasks. */
  tokens: string;
  sessions: string;
}

/** Command line of a part or of Airflow's own commands. */
export const airflowCommand = (python: string, words: readonly string[]) => [python, "-I", PART, ...words];

/** Makes what is missing and writes the settings; resolves with the keys. @param port where the API will answer */
export async function prepareHome(
  environment: AirflowEnvironment,
  python: string,
  port: number,
): Promise<AirflowSecrets> {
  const at = airflowLayout(environment.folder);
  for (const folder of [at.home, at.dags, at.parts, at.temporary])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  const secrets = await secretsOf(at.secrets);
  await writeFile(at.settings, settingsText(environment, secrets, port), { mode: 0o600 });
  // Nobody signs in by password: people come through the front door. Airflow makes and prints one where there is none.
  await writeFile(at.passwords, JSON.stringify({ nobody: secrets.sessions }), { mode: 0o600 });
  await migrate(environment, python);
  return secrets;
}

/** Only what Airflow needs: nothing of the environment of whoever started the cloud reaches it. */
export function airflowVariables({ folder, door, metadataHost, variables, settings }: AirflowEnvironment) {
  const at = airflowLayout(folder);
  const overrides = Object.entries(settings).map(([name, value]) => {
    const [section = "", ...key] = name.split("-");
    return [`AIRFLOW__${section.toUpperCase()}__${key.join("-").toUpperCase()}`, value];
  });
  return {
    ...variables,
    ...(Object.fromEntries(overrides) as Record<string, string>),
    PATH: searchPath(),
    HOME: at.home,
    TMPDIR: at.temporary,
    LANG: "C.UTF-8",
    TZ: "UTC",
    AIRFLOW_HOME: at.home,
    AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT: JSON.stringify({
      conn_type: "google_cloud_platform",
      extra: { project: door.project },
    }),
    ...doorVariables(door, metadataHost),
  };
}

async function secretsOf(file: string): Promise<AirflowSecrets> {
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as AirflowSecrets;
  const secret = (bytes: number) => randomBytes(bytes).toString("base64url");
  // Fernet keys are 32 bytes in base64 with its padding.
  const made = { fernet: `${secret(32)}=`, tokens: secret(64), sessions: secret(32) };
  await writeFileAtomic(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

function settingsText({ folder, address }: AirflowEnvironment, secrets: AirflowSecrets, port: number): string {
  const at = airflowLayout(folder);
  const sections: Record<string, Record<string, string | number | boolean>> = {
    core: {
      dags_folder: at.dags,
      executor: "LocalExecutor",
      parallelism: PARALLEL_TASKS,
      load_examples: false,
      // As in Composer.
      dags_are_paused_at_creation: false,
      dagbag_import_timeout: 120,
      auth_manager: "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
      simple_auth_manager_users: "nobody:viewer",
      simple_auth_manager_passwords_file: at.passwords,
      execution_api_server_url: `http://127.0.0.1:${port}/execution/`,
      fernet_key: secrets.fernet,
    },
    api: { host: "127.0.0.1", port, workers: 1, base_url: address, secret_key: secrets.sessions },
    api_auth: { jwt_secret: secrets.tokens },
    database: { sql_alchemy_conn: `sqlite:///${at.database}` },
    logging: { base_log_folder: at.logs, colored_console_log: false },
    // A task that is begun while the API starts, or starts again, waits for it: its attempts are for its own failures.
    workers: { execution_api_retries: 60, execution_api_retry_wait_max: 5 },
    // A scheduler that was killed left tasks behind: the next one takes them up soon.
    scheduler: { orphaned_tasks_check_interval: 15 },
    // A file is parsed when it has changed; the interval is for DAGs that change by themselves.
    dag_processor: {
      refresh_interval: 3,
      bundle_refresh_check_interval: 1,
      min_file_process_interval: 600,
      dag_file_processor_timeout: 120,
      parsing_processes: 1,
    },
    usage_data_collection: { enabled: false },
  };
  // A percent sign would begin a reference to another setting.
  const line = ([key, value]: [string, string | number | boolean]) => `${key} = ${String(value).replaceAll("%", "%%")}`;
  return Object.entries(sections)
    .map(([name, values]) => `[${name}]\n${Object.entries(values).map(line).join("\n")}\n`)
    .join("\n");
}

async function migrate(environment: AirflowEnvironment, python: string): Promise<void> {
  const at = airflowLayout(environment.folder);
  const stamp = join(at.home, "database-version");
  const version = installedPackages(python).get("apache-airflow-core");
  if (!version) throw new Error(`${python}: got no apache-airflow-core; expected the locked environment`);
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === version) return;
  const draft = `${at.database}.draft`;
  await rm(draft, { force: true });
  if (existsSync(at.database)) await copyFile(at.database, draft);
  const folder = join(at.parts, "migrate");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const output = join(folder, "output");
  const run = await start({
    ...{ python, folder, output, workingFolder: at.temporary },
    argv: airflowCommand(python, ["db", "migrate"]),
    environment: { ...airflowVariables(environment), AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: `sqlite:///${draft}` },
  });
  const { exitCode, signal } = await run.ended;
  if (exitCode !== 0)
    throw new Error(
      `Airflow's database was not made (${signal ?? exitCode}): ${readFileSync(output, "utf8").slice(-2000)}`,
    );
  await rename(draft, at.database);
  await writeFileAtomic(stamp, version, { mode: 0o600 });
}
