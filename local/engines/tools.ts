/** The tools folder that set-up prepared: where Java, the Python environments, connector jars and data lie. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";

const path = z.string().min(1);
const manifestSchema = z.object({
  /** `JAVA_HOME` of a Java 17. */
  javaHome: path,
  /**
   * Interpreters: `spark` runs drivers, `bigquery` the BigQuery engine, `clients` Google's Python clients, `pipelines`
   * the steps of pipelines, `notebooks` Jupyter in sessions, `airflow` Composer's
   * environments.
   */
  python: z.object({ spark: path, bigquery: path, clients: path, pipelines: path, notebooks: path, airflow: path }),
  /** Home folder of the BigQuery engine: DuckDB looks for its extensions there. */
  bigqueryHome: path,
  /** Google's Spark connectors. */
  jars: z.object({ gcs: path, bigquery: path }),
  /** Folder with Google's API descriptions (discovery documents). */
  descriptions: path,
  /** The telco customer data (CSV). */
  data: path,
});
export type Tools = z.infer<typeof manifestSchema>;

export class ToolsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ToolsError";
  }
}

/** `.lab/tools` of this checkout; shared by all labs of it. */
export const toolsFolder = resolve(__dirname, "../../.lab/tools");

/** Environments that set-up installs only when they are asked for. */
export const ON_DEMAND: readonly string[] = ["notebooks", "airflow"];
/** What set-up installs while the first batches run, or when it is asked for: checked by who uses it. */
const LATE = ["pipelines", ...ON_DEMAND].map((name) => `python.${name}`);

/** Reads `manifest.json` and checks that everything that it names is there; all problems in one error. */
export function readTools(folder: string = toolsFolder): Tools {
  const file = join(folder, "manifest.json");
  if (!existsSync(file)) throw new ToolsError(`tools manifest ${file}: not found. ${REMEDY}`);
  const parsed = manifestSchema.safeParse(parseJson(file));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "manifest"}: ${issue.message}`);
    throw new ToolsError(`tools manifest ${file}: ${problems.join("; ")}. ${REMEDY}`);
  }
  const missing = leaves(parsed.data).filter(([name, value]) => !LATE.includes(name) && !existsSync(value));
  if (missing.length > 0) {
    const lines = missing.map(([name, value]) => `${name}: no file ${value}`);
    throw new ToolsError(`tools manifest ${file}: ${lines.join("; ")}. ${REMEDY}`);
  }
  return parsed.data;
}

const REMEDY = "Run `npm start`: it prepares what is missing.";

function parseJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ToolsError(`tools manifest ${file}: not JSON (${(error as Error).message}). ${REMEDY}`);
  }
}

/** `["python.spark", "/..."]` for each path in the manifest. */
function leaves(value: object, prefix = ""): [string, string][] {
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
    typeof item === "string" ? [[prefix + key, item] as [string, string]] : leaves(item as object, `${prefix}${key}.`),
  );
}
